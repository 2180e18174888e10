/*
 * A request to the privileged process from a daemon that was taken over: whatever priv_check()
 * lets pass is within its bounds.  Input: the operation, how many descriptors, the body.
 */
#include "host/sandbox/server.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
must(bool ok)
{
    if (!ok)
        abort();
}

static size_t
strings_in(const char *p, size_t n)
{
    size_t count = 0;

    for (size_t i = 0; i < n; i++)
        count += p[i] == '\0';
    must(n == 0 || p[n - 1] == '\0');
    return count;
}

static void
passed(uint16_t op, const void *req, size_t n)
{
    const struct priv_vpc_open *vpc = req;
    const struct priv_launch *launch = req;
    const struct priv_exec *exec = req;
    const struct priv_group *group = req;
    const struct priv_trust *trust = req;

    if (op == PRIV_VPC_OPEN) {
        must(vpc->number < PRIV_VPCS && memchr(vpc->id, 0, sizeof(vpc->id)));
        must(vpc->n_cidrs - 1 < PRIV_CIDRS_MAX && vpc->n_extra <= ARRAY_LEN(vpc->extra));
    } else if (op == PRIV_LAUNCH) {
        must(machine_id_ok(launch->id) && launch->slot < PRIV_SLOTS && launch->vpc < PRIV_VPCS);
        must(memchr(launch->image, 0, sizeof(launch->image)) &&
             memchr(launch->hostname, 0, sizeof(launch->hostname)));
        must(strings_in((const char *)(launch + 1), n - sizeof(*launch)) == launch->argc);
    } else if (op == PRIV_EXEC) {
        must(strings_in((const char *)(exec + 1), n - sizeof(*exec)) ==
             (size_t)exec->argc + exec->envc + exec->cwd);
    } else if (op == PRIV_DISK) {
        const struct priv_disk *disk = req;

        must(machine_id_ok(disk->id) && disk->bytes >= PRIV_DISK_MIN &&
             disk->bytes <= PRIV_DISK_MAX);
    } else if (op == PRIV_TRUST) {
        must(trust->n <= PRIV_TRUST_MAX && n == sizeof(*trust) + trust->n);
    } else if (op == PRIV_GROUP) {
        must(group->n_rules <= PRIV_RULES_MAX &&
             n == sizeof(*group) + group->n_rules * sizeof(struct priv_rule));
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct why why = {""};

    if (n < 2 || n - 2 > PRIV_MESSAGE_MAX - sizeof(struct priv_header))
        return 0;
    uint16_t op = data[0];
    char *exact = malloc(n - 2 ? n - 2 : 1);
    must(exact);
    memcpy(exact, data + 2, n - 2);
    int r = priv_check(op, exact, n - 2, data[1], &why);
    must(r == 0 || (r < 0 && why.text[0]));
    if (r == 0)
        passed(op, exact, n - 2);
    free(exact);
    return 0;
}
