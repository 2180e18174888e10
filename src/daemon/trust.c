/*
 * The cloud's certificate authority: made once, its key sealed in the store, its certificate in
 * DATA/ca.pem for whoever shall trust it.  It outlives `welkin reset`, as what trusts it does.
 *
 * A start needs its text alone.  To open key and certificate is left to the first connection that
 * asks for TLS: a cloud that is asked over HTTP never holds what OpenSSL makes of them.
 */
#include "daemon/daemon.h"

#include "base/log.h"
#include "codec/aws_endpoint.h"
#include "codec/authority.h"
#include "gen/store/daemon_rows.h"
#include "host/priv.h"
#include "loop/tls.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROW_ID S("authority")
#define LEFT_MIN_MS (2 * AUTHORITY_LEAF_DAYS * INT64_C(86400000))

struct trust {
    struct store *store;
    struct arena arena;
    struct authority *authority; /* NULL until TLS needs it */
    struct tls *tls;
    struct str pem;
    uint32_t hash;
};

/* Makes an authority, which is durable before anybody can trust it. */
static int
make(struct trust *trust, struct arena *secrets, struct daemon_authority_row *row)
{
    int r = authority_make(secrets, env_real_wall_ms(), &row->key, &row->cert);

    assert(!trust->authority);
    if (r >= 0)
        r = authority_open(&trust->authority, row->key, row->cert);
    if (r < 0)
        return r;
    row->expires_ms = authority_expires_ms(trust->authority);
    row->hash = authority_hash(trust->authority);
    struct txn *txn = store_begin(trust->store);
    r = daemon_authority_get(txn, ROW_ID) ? daemon_authority_update(txn, row)
                                          : daemon_authority_insert(txn, row);
    if (r < 0) {
        store_rollback(txn);
        return r;
    }
    store_commit(txn);
    return store_flush(trust->store);
}

static int
load(struct trust *trust, struct arena *secrets)
{
    struct daemon_authority_row row = {.id = ROW_ID};
    struct txn *txn = store_begin(trust->store);
    const struct daemon_authority_row *old = daemon_authority_get(txn, ROW_ID);
    int r = 0;

    if (old) {
        row.expires_ms = old->expires_ms;
        row.hash = old->hash;
        row.cert = str_dup(secrets, old->cert);
        /* Welkin 0.5 and before did not keep the two. */
        if (!row.expires_ms && authority_open(&trust->authority, old->key, old->cert) == 0) {
            row.expires_ms = authority_expires_ms(trust->authority);
            row.hash = authority_hash(trust->authority);
        }
    }
    store_rollback(txn);
    if (row.expires_ms - env_real_wall_ms() < LEFT_MIN_MS) {
        if (row.cert.n)
            log_warn("the certificate authority ends soon: there is a new one, see `welkin trust`");
        trust->authority = authority_free(trust->authority);
        r = make(trust, secrets, &row);
    }
    trust->pem = str_dup(&trust->arena, row.cert);
    trust->hash = (uint32_t)row.hash;
    assert(r < 0 || (trust->pem.n > 0 && trust->pem.n <= AUTHORITY_PEM_MAX));
    return r;
}

/* For TLS, when it is first asked for. */
static int
open_authority(void *ctx, const struct authority **ret)
{
    struct trust *trust = ctx;
    struct txn *txn = store_begin(trust->store);
    const struct daemon_authority_row *row = daemon_authority_get(txn, ROW_ID);
    int r = 0;

    assert(row);
    if (!trust->authority)
        r = authority_open(&trust->authority, row->key, row->cert);
    store_rollback(txn);
    *ret = trust->authority;
    return r;
}

/* Whether the file has that text already: a restart does not touch it. */
static bool
file_is(const char *path, struct str text)
{
    char old[AUTHORITY_PEM_MAX + 1];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, old, sizeof(old));

    if (fd >= 0)
        close(fd);
    return n >= 0 && str_eq(str_of(old, (size_t)n), text);
}

static int
write_pem(const struct trust *trust, const char *data_dir)
{
    char path[PATH_MAX], fresh[PATH_MAX];

    assert(trust->pem.n > 0);
    snprintf(path, sizeof(path), "%s/ca.pem", data_dir);
    snprintf(fresh, sizeof(fresh), "%s/ca.pem.new", data_dir);
    if (file_is(path, trust->pem))
        return 0;
    unlink(fresh);
    int fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644), r = 0;
    errno = fd < 0 ? errno : EIO; /* for a short write */
    if (fd < 0 || fchmod(fd, 0644) < 0 ||
        write(fd, trust->pem.p, trust->pem.n) != (ssize_t)trust->pem.n || fsync(fd) < 0 ||
        rename(fresh, path) < 0)
        r = error_origin(errno, "%s cannot be written", path);
    if (fd >= 0)
        close(fd);
    return r;
}

static bool
serves(struct str name)
{
    struct aws_endpoint e;

    return aws_endpoint_parse(name, &e);
}

int
trust_open(struct trust **ret, struct store *store, const char *data_dir)
{
    static const struct str ips[] = {S_INIT("127.0.0.1"), S_INIT("::1"), S_INIT("169.254.170.200")};
    static_assert(PRIV_API_IP == 0xa9feaac8, "the last one");
    struct tls_config config = {.authority = open_authority,
                                .serves = serves,
                                .ips = ips,
                                .n_ips = ARRAY_LEN(ips),
                                .wall_ms = env_real_wall_ms};
    struct trust *trust = calloc(1, sizeof(*trust));
    struct arena secrets;

    if (!trust)
        return error_origin(ENOMEM, "the certificate authority cannot be opened");
    trust->store = store;
    arena_init(&trust->arena, 65536);
    arena_init(&secrets, 65536);
    int r = load(trust, &secrets);
    arena_wipe(&secrets);
    arena_done(&secrets);
    if (r >= 0)
        r = write_pem(trust, data_dir);
    config.ctx = trust;
    if (r >= 0)
        r = tls_new(&trust->tls, &config);
    if (r < 0) {
        trust_free(trust);
        return r;
    }
    *ret = trust;
    return 0;
}

struct trust *
trust_free(struct trust *trust)
{
    if (!trust)
        return NULL;
    tls_free(trust->tls);
    authority_free(trust->authority);
    arena_done(&trust->arena);
    free(trust);
    return NULL;
}

struct str
trust_pem(const struct trust *trust)
{
    assert(trust->pem.n > 0);
    return trust->pem;
}

uint32_t
trust_hash(const struct trust *trust)
{
    assert(trust->pem.n > 0);
    return trust->hash;
}

struct tls *
trust_tls(const struct trust *trust)
{
    assert(trust->tls);
    return trust->tls;
}
