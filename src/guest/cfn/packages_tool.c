/*
 * packages, through the image's own managers.
 *
 * yum has versions to go up and down to and is asked as aws-cfn-bootstrap asks it; the others are
 * a table of shell lines in which $1 is a package and $2 its version, perhaps empty.
 */
#include "build.h"

#include "log.h"
#include "plan.h"
#include "proc.h"

#include <string.h>

static const struct manager {
    const char *name, *title;
    const char *refresh, *refresh_failed; /* once before; NULL: nothing */
    const char *installed, *install;
} managers[] = {
    {"apt", "APT", "apt-cache -q gencaches", "Could not create apt cache",
     "s=$(dpkg-query -W -f='${Status}|${Version}' \"$1\" 2>/dev/null) || exit 1; "
     "case $s in 'install ok installed|'*) ;; *) exit 1;; esac; "
     "[ -z \"$2\" ] || [ \"${s#*|}\" = \"$2\" ]",
     "DEBIAN_FRONTEND=noninteractive apt-get -q -y install \"$1${2:+=$2}\""},
    {"zypper", "Zypper", "zypper -n refresh", "Could not create zypper cache",
     "rpm -q --quiet \"$1${2:+-$2}\"", "zypper -n install \"$1${2:+=$2}\""},
    {"apk", "Apk", "apk update", "Could not create apk cache", "apk info -e \"$1${2:+=$2}\"",
     "apk add \"$1${2:+=$2}\""},
    {"rpm", "RPM", NULL, NULL,
     /* $1 is where the package file is. */
     "n=$(rpm -qp --queryformat '%{NAME}-%{VERSION}-%{RELEASE}' --nosignature \"$1\") && "
     "rpm -q --quiet \"$n\"",
     "rpm -U --quiet --nosignature --replacepkgs \"$1\""},
    {"python", "Python", NULL, NULL,
     "v=$(python3 -m pip show \"$1\" 2>/dev/null | sed -n 's/^Version: //p'); "
     "[ -n \"$v\" ] && { [ -z \"$2\" ] || [ \"$v\" = \"$2\" ]; }",
     "python3 -m pip install \"$1${2:+==$2}\""},
    {"rubygems", "Rubygems", NULL, NULL, "gem list -i \"^$1\\$\" ${2:+-v \"$2\"}",
     "gem install \"$1\" ${2:+-v \"$2\"}"},
};

static int
shell(struct build *b, const char *line, const char *name, const char *version,
      struct str *ret_output)
{
    assert(line[0]);
    return proc_tool(b->a, ret_output, "/bin/sh", "-c", line, "cfn-init", name, version, NULL);
}

static bool
install_one(struct build *b, const struct manager *m, struct str what, struct str version,
            bool *ret_changed)
{
    const char *name = arena_cstr(b->a, what), *v = arena_cstr(b->a, version);
    struct str output;

    assert(m->installed && m->install);
    if (name[0] == '-' || !name[0])
        return build_fail(b, "'%s' is not the name of a package", name);
    if (shell(b, m->installed, name, v, NULL) == 0) {
        cfn_log(CFN_DEBUG, "%s will not be installed as it is already present", name);
        return true;
    }
    cfn_log(CFN_DEBUG, "Installing %s via %s", name, m->title);
    int status = shell(b, m->install, name, v, &output);
    if (status == 0) {
        *ret_changed = true;
        return true;
    }
    cfn_log(CFN_ERROR, "%s failed. Output: %.*s", m->title, STR_ARG(output));
    return build_fail(b, "Could not successfully install %s packages (return code %d)", m->name,
                      status);
}

/* Of rpm the values are files; of the others the highest version that is asked for. */
static bool
install(struct build *b, const struct manager *m, const struct node *packages,
        struct changes *changes)
{
    struct str output;
    int status = m->refresh ? shell(b, m->refresh, "", "", &output) : 0;

    assert(!m->refresh == !m->refresh_failed);
    if (status) {
        cfn_log(CFN_ERROR, "%s. Output: %.*s", m->refresh_failed, STR_ARG(output));
        return build_fail(b, "%s (return code %d)", m->refresh_failed, status);
    }
    for (const struct node **p = plan_sorted(b->a, packages); *p; p++) {
        const struct node *first = (*p)->kind == NODE_LIST ? (*p)->first : *p;
        bool changed = false, file = strcmp(m->name, "rpm") == 0;

        if (!first && !install_one(b, m, (*p)->key, S(""), &changed))
            return false;
        for (const struct node *v = first; v; v = (*p)->kind == NODE_LIST ? v->next : NULL)
            if (!install_one(b, m, file ? node_scalar(v) : (*p)->key, file ? S("") : node_scalar(v),
                             &changed))
                return false;
        if (changed)
            build_changed(b, changes, (*p)->key);
    }
    if (changes->n)
        cfn_log(CFN_INFO, "%s installed %.*s", m->title, STR_ARG(build_list(b, changes)));
    return true;
}

static struct str
highest(const struct node *versions)
{
    struct str best = node_scalar(versions);

    assert(versions);
    for (const struct node *v = versions->kind == NODE_LIST ? versions->first : NULL; v;
         v = v->next)
        if (plan_compare_versions(best, node_scalar(v)) < 0)
            best = node_scalar(v);
    return best;
}

/* How to bring this spec about: NULL when it is there already. */
static bool
yum_verb(struct build *b, const char *name, const char *spec, struct str version,
         const char **ret_verb)
{
    struct str have;

    assert(name[0] && name[0] != '-' && spec[0]);
    *ret_verb = NULL;
    if (proc_tool(b->a, NULL, "yum", "-C", "-y", "list", "installed", spec, NULL) == 0) {
        cfn_log(CFN_DEBUG, "%s will not be installed as it is already present", spec);
        return true;
    }
    if (proc_tool(b->a, NULL, "yum", "-C", "-y", "--showduplicates", "list", "available", spec,
                  NULL) != 0) {
        cfn_log(CFN_ERROR, "%s is not available to be installed", spec);
        return build_fail(b, "Yum does not have %s available for installation", spec);
    }
    *ret_verb = "install";
    if (!version.n || proc_tool(b->a, &have, "rpm", "-qa", "--queryformat",
                                "%{NAME}|%{VERSION}-%{RELEASE}", "--nosignature", name, NULL))
        return true;
    size_t bar = str_find(have, S("|"), 0);
    have = bar == SIZE_MAX ? S("") : str_trim(str_cut(have, bar + 1, have.n));
    if (have.n && plan_compare_versions(version, have) <= 0)
        *ret_verb = "downgrade";
    return true;
}

static bool
yum(struct build *b, const struct node *packages, struct changes *changes)
{
    struct str output;
    int status = proc_tool(b->a, &output, "yum", "-y", "makecache", NULL);

    if (status) {
        cfn_log(CFN_ERROR, "Yum makecache failed. Output: %.*s", STR_ARG(output));
        return build_fail(b, "Could not create yum cache (return code %d)", status);
    }
    for (const struct node **p = plan_sorted(b->a, packages); *p; p++) {
        struct str name = (*p)->key, version = highest(*p);
        const char *verb, *spec = arena_fmt(b->a, version.n ? "%.*s-%.*s" : "%.*s%.*s",
                                            STR_ARG(name), STR_ARG(version))
                                      .p;

        if (!name.n || name.p[0] == '-')
            return build_fail(b, "'%.*s' is not the name of a package", STR_ARG(name));
        if (!yum_verb(b, arena_cstr(b->a, name), spec, version, &verb))
            return false;
        if (!verb)
            continue;
        cfn_log(CFN_DEBUG, "Installing/updating %s via yum", spec);
        status = proc_tool(b->a, &output, "yum", "-y", verb, spec, NULL);
        if (status) {
            cfn_log(CFN_ERROR, "Yum failed. Output: %.*s", STR_ARG(output));
            return build_fail(b, "Could not successfully %s yum packages (return code %d)",
                              strcmp(verb, "install") ? verb : "install/update", status);
        }
        build_changed(b, changes, name);
    }
    if (changes->n)
        cfn_log(CFN_INFO, "Yum installed %.*s", STR_ARG(build_list(b, changes)));
    else
        cfn_log(CFN_DEBUG, "All yum packages were already installed");
    return true;
}

bool
build_packages(struct build *b, const struct node *packages)
{
    for (const struct node **m = plan_managers(b->a, packages); *m; m++) {
        const struct manager *known = NULL;

        for (size_t i = 0; i < COUNT_OF(managers); i++)
            if (str_eq((*m)->key, str_c(managers[i].name)))
                known = &managers[i];
        bool is_yum = str_eq((*m)->key, S("yum"));
        if ((!known && !is_yum) || b->n_packages == MANAGERS_MAX) {
            cfn_log(CFN_WARNING, "Unsupported package manager: %.*s", STR_ARG((*m)->key));
            continue;
        }
        struct changes *changes = &b->packages[b->n_packages].names;
        b->packages[b->n_packages++].manager = (*m)->key;
        assert(b->n_packages <= MANAGERS_MAX);
        if (is_yum ? !yum(b, *m, changes) : !install(b, known, *m, changes))
            return false;
    }
    return true;
}
