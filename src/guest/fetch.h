/*
 * The metadata service, and files named by URLs.
 */
#ifndef GUEST_FETCH_H
#define GUEST_FETCH_H

#include "http.h"
#include "text.h"

struct imds {
    struct arena *a;
    int fd;
    struct str token;
    struct buf in; /* bytes received and not yet taken */
};

/* Connects and gets a session token, trying for up to 10 s; 0 or a negative errno. */
int imds_open(struct imds *m, struct arena *a);
/*
 * Several items at once: all requests leave before the first answer is read, which
 * saves their round trips.  r[i] and ret[i] are as imds_get() gives them.
 */
void imds_get_all(struct imds *m, const char *const items[], size_t n, struct str ret[], int r[]);
/* One item below /latest/, such as "meta-data/instance-id"; -ENOENT when absent. */
int imds_get(struct imds *m, const char *item, struct str *ret);
void imds_close(struct imds *m);

/* http, https (through the image's curl or wget) and file; a reason when it is false. */
bool fetch_url(struct arena *a, struct str url, struct str *ret, struct str *ret_why);

/*
 * A whole request as text, over a connection of its own; u's scheme does not matter.  Any status
 * is success; a reason when there is no answer, or one of more than max_bytes.
 */
bool fetch_send(struct arena *a, const struct url *u, struct str request, size_t max_bytes,
                int timeout_ms, struct http_response *ret, struct str *ret_why);

#endif
