/*
 * A guest's datagram to the DHCP server: whatever is taken for a request gets replies that are
 * whole, within their bounds and for that client.
 */
#include <stdlib.h>

#include "codec/dhcp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
must(bool ok)
{
    if (!ok)
        abort();
}

/* Options must end within the reply, and only zeros may follow. */
static void
check_reply(const struct dhcp_request *req, const uint8_t *out, size_t n)
{
    size_t i = 240;

    must(n >= 300 && n <= DHCP_REPLY_MAX && out[0] == 2);
    must(memcmp(out + 28, req->mac, 6) == 0);
    while (out[i] != 255) {
        must(i + 2 + out[i + 1] < n);
        i += 2u + out[i + 1];
    }
    for (i++; i < n; i++)
        must(out[i] == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct dhcp_request req;
    uint8_t *out = malloc(DHCP_REPLY_MAX);
    char *exact = malloc(n ? n : 1);

    must(out && exact);
    memcpy(exact, data, n);
    if (dhcp_parse(str_of(exact, n), &req)) {
        /* names from the input, so that any bytes and lengths are met */
        struct dhcp_lease lease = {.ip = req.wanted_ip,
                                   .prefix = req.xid % 33,
                                   .host_name = str_of(exact, n),
                                   .domain = str_of(exact + n / 2, n - n / 2)};

        check_reply(&req, out, dhcp_reply(&req, DHCP_OFFER, &lease, out));
        check_reply(&req, out, dhcp_reply(&req, DHCP_ACK, &lease, out));
        check_reply(&req, out, dhcp_reply(&req, DHCP_NAK, &lease, out));
    }
    free(exact);
    free(out);
    return 0;
}
