/* Templates and snippets in a bucket. */
#pragma once

#include "api/s3_help.h"

#define BUCKET "https://templates.s3.us-east-1.amazonaws.com/"

/* Puts an object there; the bucket is made when it is not there yet. */
UNUSED static void
bucket_put(struct world *w, const char *key, const char *text)
{
    const char *target = test_fmt("/templates/%s", key);

    S3(w, "PUT", target, text);
    if (w->http == 200)
        return;
    S3_OK(w, 200, "PUT", "/templates", "");
    S3_OK(w, 200, "PUT", target, text);
}
