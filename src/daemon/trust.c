/*
 * The cloud's certificate authority: made once, its key sealed in the store, its certificate in
 * DATA/ca.pem for whoever shall trust it.  It outlives `welkin reset`, as what trusts it does.
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
    struct arena arena;
    struct authority *authority;
    struct tls *tls;
    struct str pem;
};

/* Makes an authority, which is durable before anybody can trust it. */
static int
make(struct trust *trust, struct store *store, struct arena *secrets)
{
    struct daemon_authority_row row = {.id = ROW_ID};
    int r = authority_make(secrets, env_real_wall_ms(), &row.key, &row.cert);

    assert(!trust->authority);
    if (r < 0)
        return r;
    struct txn *txn = store_begin(store);
    r = daemon_authority_get(txn, ROW_ID) ? daemon_authority_update(txn, &row)
                                          : daemon_authority_insert(txn, &row);
    if (r < 0) {
        store_rollback(txn);
        return r;
    }
    store_commit(txn);
    trust->pem = str_dup(&trust->arena, row.cert);
    assert(trust->pem.n > 0 && trust->pem.n <= AUTHORITY_PEM_MAX);
    r = authority_open(&trust->authority, row.key, row.cert);
    return r < 0 ? r : store_flush(store);
}

static int
load(struct trust *trust, struct store *store)
{
    struct arena secrets;
    struct txn *txn = store_begin(store);
    const struct daemon_authority_row *row = daemon_authority_get(txn, ROW_ID);
    int r = 0;

    if (row && authority_open(&trust->authority, row->key, row->cert) == 0)
        trust->pem = str_dup(&trust->arena, row->cert);
    store_rollback(txn);
    if (trust->authority &&
        authority_expires_ms(trust->authority) - env_real_wall_ms() < LEFT_MIN_MS) {
        log_warn("the certificate authority ends soon: there is a new one, see `welkin trust`");
        trust->authority = authority_free(trust->authority);
    }
    if (trust->authority)
        return 0;
    arena_init(&secrets, 65536);
    r = make(trust, store, &secrets);
    arena_wipe(&secrets);
    arena_done(&secrets);
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
    struct tls_config config = {
        .serves = serves, .ips = ips, .n_ips = ARRAY_LEN(ips), .wall_ms = env_real_wall_ms};
    struct trust *trust = calloc(1, sizeof(*trust));

    if (!trust)
        return error_origin(ENOMEM, "the certificate authority cannot be opened");
    arena_init(&trust->arena, 65536);
    int r = load(trust, store);
    if (r >= 0)
        r = write_pem(trust, data_dir);
    config.authority = trust->authority;
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
    assert(trust->authority);
    return authority_hash(trust->authority);
}

struct tls *
trust_tls(const struct trust *trust)
{
    assert(trust->tls);
    return trust->tls;
}
