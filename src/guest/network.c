/*
 * The names of this machine: host name, /etc/hosts, /etc/resolv.conf.
 *
 * The launcher has configured the interfaces and written nothing into the image.  A
 * host name that somebody set inside the instance is kept over reboots, as cloud-init's
 * update_hostname does: it compares with the name it wrote last.
 */
#include "guest.h"

#include "file.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PREVIOUS "/var/lib/cloud/data/previous-hostname"

static struct str
domain_of(struct str fqdn)
{
    size_t dot = str_find(fqdn, S("."), 0);

    return dot == SIZE_MAX ? S("") : str_cut(fqdn, dot + 1, fqdn.n);
}

static struct str
short_of(struct str fqdn)
{
    return str_cut(fqdn, 0, str_find(fqdn, S("."), 0));
}

static struct str
fqdn_of(const struct guest *g)
{
    struct str fqdn = node_text(g->config, "fqdn"), host = node_text(g->config, "hostname");

    if (fqdn.n)
        return fqdn;
    return str_find(host, S("."), 0) != SIZE_MAX ? host : g->local_hostname;
}

static struct str
wanted_name(const struct guest *g)
{
    struct str fqdn = node_text(g->config, "fqdn"), host = node_text(g->config, "hostname");

    if (node_bool(node_get(g->config, "prefer_fqdn_over_hostname"), false) && fqdn_of(g).n)
        return fqdn_of(g);
    return short_of(host.n ? host : fqdn.n ? fqdn : g->local_hostname);
}

static void
apply_name(struct guest *g, struct str name, bool write)
{
    struct str line = arena_fmt(g->a, "%.*s\n", STR_ARG(name)), have = S("");

    assert(name.n > 0);
    if (sethostname(name.p, name.n) < 0)
        log_warn("Failed setting the host name to %.*s", STR_ARG(name));
    if (!write)
        return;
    file_read(g->a, "/etc/hostname", 1024, &have);
    if (!str_eq(have, line) && file_write("/etc/hostname", line, 0644) < 0)
        log_warn("Failed to write /etc/hostname");
    g->hostname_written = line;
    if (g->papers_done)
        network_papers(g);
}

void
network_papers(struct guest *g)
{
    struct str have = S("");

    file_read(g->a, PREVIOUS, 1024, &have);
    if (g->hostname_written.n && !str_eq(have, g->hostname_written))
        file_write(PREVIOUS, g->hostname_written, 0644);
}

void
network_hostname(struct guest *g)
{
    struct str have = S(""), previous = S(""), name = wanted_name(g);

    if (!g->new_instance) {
        file_read(g->a, "/etc/hostname", 1024, &have);
        file_read(g->a, PREVIOUS, 1024, &previous);
    }
    have = str_trim(have);
    previous = str_trim(previous);
    bool users_own = !g->new_instance && have.n && previous.n && !str_eq(have, previous);
    if (node_bool(node_get(g->config, "preserve_hostname"), false) || users_own) {
        file_read(g->a, "/etc/hostname", 1024, &have);
        have = str_trim(have);
        log_info("The host name is left as it is: %.*s", STR_ARG(have));
        if (have.n)
            apply_name(g, have, false);
        return;
    }
    if (name.n == 0 || name.n > 64) {
        log_warn("No usable host name: metadata and cloud-config name none");
        return;
    }
    assert(name.n > 0 && name.n <= 64);
    apply_name(g, name, true);
}

static void
resolv_conf(struct guest *g)
{
    struct str domain = domain_of(g->local_hostname), have = S(""), want;
    struct stat st;

    assert(g->has_metadata);
    want = arena_fmt(g->a, "# written by welkin-init\n%s%.*s%snameserver 169.254.169.253\n",
                     domain.n ? "search " : "", STR_ARG(domain), domain.n ? "\n" : "");
    if (lstat("/etc/resolv.conf", &st) == 0 && !S_ISREG(st.st_mode))
        unlink("/etc/resolv.conf"); /* a link into a resolver that does not run here */
    file_read(g->a, "/etc/resolv.conf", 65536, &have);
    if (!str_eq(have, want) && file_write("/etc/resolv.conf", want, 0644) < 0)
        log_warn("Failed to write /etc/resolv.conf");
}

static const struct str hosts_base = S("127.0.0.1 localhost\n"
                                       "::1 localhost ip6-localhost ip6-loopback\n"
                                       "fe00::0 ip6-localnet\nff00::0 ip6-mcastprefix\n"
                                       "ff02::1 ip6-allnodes\nff02::2 ip6-allrouters\n");

void
network_files(struct guest *g)
{
    struct str hosts = S("");

    resolv_conf(g);
    file_read(g->a, "/etc/hosts", 256 * 1024, &hosts);
    if (str_find(hosts, S("localhost"), 0) == SIZE_MAX &&
        file_append("/etc/hosts", hosts_base, 0644) < 0)
        log_warn("Failed to write /etc/hosts");
}

/* manage_etc_hosts: true or template writes all of it; localhost only our own line. */
void
network_etc_hosts(struct guest *g)
{
    struct str how = node_text(g->config, "manage_etc_hosts"), fqdn = fqdn_of(g), line, old = S("");
    bool only_ours = str_eq(how, S("localhost"));
    struct buf b = buf_new(g->a, 256 * 1024);

    if (!only_ours && !str_eq(how, S("template")) &&
        !node_bool(node_get(g->config, "manage_etc_hosts"), false))
        return;
    if (str_eq(fqdn, short_of(fqdn)))
        buf_fmt(&b, "127.0.1.1 %.*s\n", STR_ARG(fqdn));
    else
        buf_fmt(&b, "127.0.1.1 %.*s %.*s\n", STR_ARG(fqdn), STR_ARG(short_of(fqdn)));
    file_read(g->a, "/etc/hosts", 256 * 1024, &old);
    while (only_ours && str_line(&old, &line))
        if (!str_starts(line, S("127.0.1.1")))
            buf_fmt(&b, "%.*s\n", STR_ARG(line));
    if (!only_ours)
        buf_add(&b, hosts_base);
    if (file_write("/etc/hosts", buf_str(&b), 0644) < 0)
        stage_error(g, "Failed to write /etc/hosts");
}
