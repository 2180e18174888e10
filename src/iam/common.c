/*
 * What all resources of IAM share, so that a name that is not there, a quota that is full or a page
 * that is turned is worded and done in one place.
 */
#include "iam/tag_ops.h"

#include "api/managed_policy.h"
#include "base/list.h"
#include "iam/holds.h"

#include <stdlib.h>

/* ---- finding ---- */

static int
missing(struct api_call *call, const char *what, struct str name)
{
    return api_fault(call, &IAM_ERR(NoSuchEntity), "The %s with name %.*s cannot be found.", what,
                     STR_ARG(name));
}

int
iam_exists(struct api_call *call, const char *what, struct str name)
{
    return api_fault(call, &IAM_ERR(EntityAlreadyExists), "%s with name %.*s already exists.", what,
                     STR_ARG(name));
}

int
iam_user_find(struct api_call *call, struct str name, const struct iam_user_row **ret)
{
    *ret = iam_user_by_name_get(call->txn, call->account, str_lower(call->arena, name));
    if (!*ret)
        return missing(call, "user", name);
    iam_user_assert(*ret);
    return 0;
}

int
iam_group_find(struct api_call *call, struct str name, const struct iam_group_row **ret)
{
    *ret = iam_group_by_name_get(call->txn, call->account, str_lower(call->arena, name));
    if (!*ret)
        return missing(call, "group", name);
    iam_group_assert(*ret);
    return 0;
}

int
iam_role_find(struct api_call *call, struct str name, const struct iam_role_row **ret)
{
    *ret = iam_role_by_name_get(call->txn, call->account, str_lower(call->arena, name));
    if (!*ret)
        return missing(call, "role", name);
    iam_role_assert(*ret);
    return 0;
}

int
iam_profile_find(struct api_call *call, struct str name, const struct iam_profile_row **ret)
{
    *ret = iam_profile_by_name_get(call->txn, call->account, str_lower(call->arena, name));
    if (!*ret)
        return api_fault(call, &IAM_ERR(NoSuchEntity), "Instance Profile %.*s cannot be found.",
                         STR_ARG(name));
    iam_profile_assert(*ret);
    return 0;
}

int
iam_user_name_free(struct api_call *call, struct str name, struct str but)
{
    const struct iam_user_row *row =
        iam_user_by_name_get(call->txn, call->account, str_lower(call->arena, name));

    return row && !str_eq(row->id, but) ? iam_exists(call, "User", name) : 0;
}

int
iam_group_name_free(struct api_call *call, struct str name, struct str but)
{
    const struct iam_group_row *row =
        iam_group_by_name_get(call->txn, call->account, str_lower(call->arena, name));

    return row && !str_eq(row->id, but) ? iam_exists(call, "Group", name) : 0;
}

int
iam_role_name_free(struct api_call *call, struct str name)
{
    if (!iam_role_by_name_get(call->txn, call->account, str_lower(call->arena, name)))
        return 0;
    return iam_exists(call, "Role", name);
}

int
iam_profile_name_free(struct api_call *call, struct str name)
{
    if (!iam_profile_by_name_get(call->txn, call->account, str_lower(call->arena, name)))
        return 0;
    return api_fault(call, &IAM_ERR(EntityAlreadyExists), "Instance Profile %.*s already exists.",
                     STR_ARG(name));
}

int
iam_owner_of(struct api_call *call, struct str user_name, struct iam_owner *ret)
{
    const struct iam_user_row *row = NULL;

    if (user_name.n) {
        int r = iam_user_find(call, user_name, &row);

        if (r)
            return r;
    } else if (call->principal.kind == POLICY_USER) {
        row = iam_user_get(call->txn, call->principal.unique_id);
    } else if (call->principal.kind == POLICY_ROOT) {
        *ret = (struct iam_owner){.id = call->account, .name = S("")};
        return 0;
    }
    if (!row)
        return api_fault(call, &IAM_ERR(ValidationError),
                         "Must specify userName when calling with non-User credentials");
    *ret = (struct iam_owner){.id = row->id, .name = row->name, .row = row};
    assert(str_eq(row->account, call->account));
    return 0;
}

/* ---- ids, ARNs ---- */

/* n characters of an alphabet of 32 or 64, each from a random byte: none is likelier. */
static struct str
random_text(struct api_call *call, const char *alphabet, unsigned size, const char *prefix,
            size_t n)
{
    size_t head = strlen(prefix);
    char *p = arena_alloc_raw(call->arena, head + n);

    assert(n > 0);
    assert(size == 32 || size == 64);
    assert(strlen(alphabet) == size);
    memcpy(p, prefix, head);
    call->env->random(call->env, p + head, n);
    for (size_t i = head; i < head + n; i++)
        p[i] = alphabet[(unsigned char)p[i] % size];
    return str_of(p, head + n);
}

#define BASE32 "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"

struct str
iam_id(struct api_call *call, const char *prefix)
{
    assert(strlen(prefix) == 4);
    return random_text(call, BASE32, 32, prefix, 17);
}

struct str
iam_access_key_id(struct api_call *call)
{
    uint8_t random[10];

    call->env->random(call->env, random, sizeof(random));
    session_mark_account(random, call->account);
    return session_key_chars(call->arena, "AKIA", random);
}

struct str
iam_secret(struct api_call *call, size_t n)
{
    return random_text(call, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", 64,
                       "", n);
}

struct str
iam_arn(struct api_call *call, const char *type, struct str path, struct str name)
{
    assert(path.n > 0 && path.p[0] == '/' && path.p[path.n - 1] == '/');
    return str_fmt(call->arena, "arn:aws:iam::%.*s:%s%.*s%.*s", STR_ARG(call->account), type,
                   STR_ARG(path), STR_ARG(name));
}

struct str
iam_path(struct str path)
{
    return path.n ? path : S("/");
}

/* ---- pages ---- */

/* Documents are long and thrice as long when they are encoded; a reply has room for 64 MiB. */
enum { PAGE_BYTES_MAX = 8 << 20 };

/* IAM has no region: a Marker is good whatever region the client was told. */
static struct api_page_scope
page_scope(struct api_call *call)
{
    struct api_page_scope scope = api_page_scope(call);

    scope.region = STR_NONE;
    return scope;
}

int
iam_page_open(struct api_call *call, struct str marker, struct opt_i64 max_items,
              struct api_page *ret)
{
    static const struct api_page_rule rule = {.min = 1, .max = 1000, .otherwise = 100};
    const struct api_page_scope scope = page_scope(call);

    return api_page_open(call->arena, &scope, &rule, marker, max_items, false, ret, &call->fault);
}

void
iam_page_spend(struct api_page *page, size_t *spent, size_t bytes)
{
    assert(page->left >= 0);
    *spent += bytes;
    if (*spent > PAGE_BYTES_MAX)
        page->left = 0;
}

struct str
iam_page_marker(struct api_call *call, const struct api_page *page)
{
    const struct api_page_scope scope = page_scope(call);

    assert(page->last.n <= IAM_PAGE_KEY_MAX);
    return api_page_next(call->arena, &scope, page);
}

struct str
iam_time_key(struct api_call *call, int64_t ms, struct str id)
{
    assert(ms >= 0);
    return str_fmt(call->arena, "%016llx%.*s", (unsigned long long)ms, STR_ARG(id));
}

/* ---- tags ---- */

typedef bool key_eq(struct str a, struct str b);

static size_t
tag_find(const struct str_list *tags, struct str key, key_eq *same)
{
    assert(tags->n % 2 == 0);
    for (size_t i = 0; i + 1 < tags->n; i += 2)
        if (same(tags->v[i], key))
            return i;
    return SIZE_MAX;
}

static int
tags_check(struct api_call *call, const struct iam_TagList *tags, key_eq *same)
{
    LIST_EACH(tags, tag) {
        if (str_eq_nocase(str_cut(tag->key, 0, 4), S("aws:")))
            return api_fault(call, &IAM_ERR(InvalidInput),
                             "Tag keys beginning with aws: are reserved for system use.");
        for (const struct iam_Tag *other = tags->v; other < tag; other++)
            if (same(other->key, tag->key))
                return api_fault(call, &IAM_ERR(InvalidInput),
                                 "Duplicate tag keys found. Please note that Tag keys are case "
                                 "%ssensitive.",
                                 same == str_eq_nocase ? "in" : "");
    }
    return 0;
}

static int
tags_put(struct api_call *call, const struct iam_TagList *tags, const struct str_list *old,
         key_eq *same, struct str_list *ret)
{
    struct str_list all = {0};
    int r = tags_check(call, tags, same);

    if (r)
        return r;
    assert(old->n % 2 == 0);
    LIST_EACH(old, s)
        *LIST_PUSH(call->arena, &all) = *s;
    LIST_EACH(tags, tag) {
        size_t at = tag_find(&all, tag->key, same);

        if (at == SIZE_MAX) {
            at = all.n;
            LIST_PUSH(call->arena, &all);
            LIST_PUSH(call->arena, &all);
        }
        all.v[at] = tag->key;
        all.v[at + 1] = tag->value;
    }
    if (all.n / 2 > IAM_TAGS_MAX)
        return api_fault(call, &IAM_ERR(LimitExceeded),
                         "The number of tags has reached the maximum limit.");
    *ret = all;
    assert(all.n % 2 == 0 && all.n >= old->n);
    return 0;
}

static struct str_list
tags_drop(struct api_call *call, const struct str_list *keys, const struct str_list *old,
          key_eq *same)
{
    struct str_list left = {0};

    assert(old->n % 2 == 0);
    for (size_t i = 0; i < old->n; i += 2) {
        bool drop = false;

        LIST_EACH(keys, key)
            drop = drop || same(*key, old->v[i]);
        if (drop)
            continue;
        *LIST_PUSH(call->arena, &left) = old->v[i];
        *LIST_PUSH(call->arena, &left) = old->v[i + 1];
    }
    assert(left.n % 2 == 0 && left.n <= old->n);
    return left;
}

int
iam_tags_put(struct api_call *call, const struct iam_TagList *tags, const struct str_list *old,
             struct str_list *ret)
{
    return tags_put(call, tags, old, str_eq_nocase, ret);
}

int
iam_tags_put_cased(struct api_call *call, const struct iam_TagList *tags,
                   const struct str_list *old, struct str_list *ret)
{
    return tags_put(call, tags, old, str_eq, ret);
}

int
iam_tags_tag(struct api_call *call, enum iam_keys keys, const struct iam_TagList *tags,
             const struct str_list *old, struct str_list *ret)
{
    if (!tags->n)
        return api_fault(call, &IAM_ERR(InvalidInput),
                         "The provided tag map must not be null/empty.");
    return tags_put(call, tags, old, keys == IAM_KEYS_FOLDED ? str_eq_nocase : str_eq, ret);
}

/* What is not there is no fault. */
int
iam_tags_untag(struct api_call *call, enum iam_keys keys, const struct str_list *names,
               const struct str_list *old, struct str_list *ret)
{
    if (!names->n && keys == IAM_KEYS_CASED)
        return api_fault(call, &IAM_ERR(InvalidInput),
                         "The provided tag keys must not be null/empty.");
    *ret = tags_drop(call, names, old, keys == IAM_KEYS_FOLDED ? str_eq_nocase : str_eq);
    assert(ret->n % 2 == 0 && ret->n <= old->n);
    return 0;
}

struct iam_TagList
iam_tags_show(struct api_call *call, const struct str_list *tags)
{
    struct iam_TagList list = {0};

    assert(tags->n % 2 == 0);
    for (size_t i = 0; i < tags->n; i += 2)
        *LIST_PUSH(call->arena, &list) = (struct iam_Tag){tags->v[i], tags->v[i + 1]};
    return list;
}

static int
tag_order(const void *a, const void *b)
{
    const struct iam_Tag *x = a, *y = b;

    return str_cmp(x->key, y->key);
}

int
iam_tags_page(struct api_call *call, const struct str_list *tags, struct str marker,
              struct opt_i64 max_items, struct iam_TagList *ret, struct api_page *ret_page)
{
    struct iam_TagList all = iam_tags_show(call, tags);
    int r = iam_page_open(call, marker, max_items, ret_page);

    assert(all.n <= IAM_TAGS_MAX); /* three digits are enough */
    if (r)
        return r;
    if (all.n > 1)
        qsort(all.v, all.n, sizeof(*all.v), tag_order);
    API_PRESENT(ret);
    /* A key may be longer than a Marker, so the place in the order stands for it. */
    for (size_t i = 0; i < all.n; i++)
        if (api_page_take(ret_page, str_fmt(call->arena, "%03zu", i)))
            *LIST_PUSH(call->arena, ret) = all.v[i];
    return 0;
}

/* ---- quotas ---- */

static const struct {
    const char *name;
    int64_t value;
} quotas[IAM_N_QUOTAS] = {
#define X(name, text, value) {text, value},
    IAM_QUOTAS(X)
#undef X
};

int64_t
iam_quota(enum iam_quota quota)
{
    assert(quota < IAM_N_QUOTAS);
    return quotas[quota].value;
}

int
iam_quota_check(struct api_call *call, enum iam_quota quota, int64_t wanted)
{
    assert(wanted >= 0);
    if (wanted <= iam_quota(quota))
        return 0;
    return api_fault(call, &IAM_ERR(LimitExceeded), "Cannot exceed quota for %s: %lld",
                     quotas[quota].name, (long long)quotas[quota].value);
}

int64_t
iam_count(struct txn *txn, const struct store_index *index, const struct store_key *keys,
          unsigned n)
{
    struct store_cursor c = store_seek(txn, index, keys, n);
    int64_t count = 0;

    assert(n > 0); /* of something: nobody counts a whole table */
    while (store_next(&c))
        count++;
    return count;
}

/* ---- deleting ---- */

int
iam_conflict(struct api_call *call, const char *what)
{
    return api_fault(call, &IAM_ERR(DeleteConflict), "Cannot delete entity, must %s first.", what);
}

int
iam_policies_gone(struct api_call *call, struct str owner_id)
{
    assert(owner_id.n > 0);
    if (iam_count(call->txn, &iam_attachment_by_owner, STORE_KEYS(owner_id)))
        return iam_conflict(call, "detach all policies");
    if (iam_count(call->txn, &iam_inline_by_owner, STORE_KEYS(owner_id)))
        return iam_conflict(call, "delete policies");
    return 0;
}

int
iam_written(int r, const char *what, struct str id)
{
    assert(r <= 0);
    return r ? error_origin(-r, "%s %.*s cannot be written", what, STR_ARG(id)) : 0;
}

/* ---- permissions boundaries ---- */

int
iam_boundary_check(struct api_call *call, struct str arn)
{
    const struct iam_policy_row *row;
    struct managed_policy aws;

    if (!str_starts(arn, S("arn:aws:iam::")))
        return api_fault(call, &IAM_ERR(ValidationError),
                         "Value (%.*s) for parameter PermissionsBoundary is invalid.",
                         STR_ARG(arn));
    row = iam_policy_by_arn_get(call->txn, arn);
    if ((row && str_eq(row->account, call->account)) || managed_policy_find(arn, &aws))
        return 0;
    return api_fault(call, &IAM_ERR(NoSuchEntity),
                     "Scope ARN: %.*s does not exist or is not attachable.", STR_ARG(arn));
}

struct iam_AttachedPermissionsBoundary *
iam_boundary_show(struct api_call *call, struct str arn)
{
    if (!arn.n)
        return NULL;
    struct iam_AttachedPermissionsBoundary *b = arena_alloc(call->arena, sizeof(*b));

    b->permissions_boundary_type = S("PermissionsBoundaryPolicy");
    b->permissions_boundary_arn = arn;
    return b;
}

/* ---- what several resources show ---- */

struct iam_User
iam_user_show(struct api_call *call, const struct iam_user_row *row)
{
    iam_user_assert(row);
    return (struct iam_User){
        .path = row->path,
        .user_name = row->name,
        .user_id = row->id,
        .arn = iam_arn(call, "user", row->path, row->name),
        .create_date = opt_i64(row->created_ms),
        .password_last_used =
            row->password_used_ms ? opt_i64(row->password_used_ms) : (struct opt_i64){0},
    };
}

struct iam_User
iam_root_show(struct api_call *call)
{
    const struct iam_account_row *account = iam_account_look(call);

    return (struct iam_User){
        .path = S("/"),
        .user_name = account && account->alias.n ? account->alias : call->account,
        .user_id = call->account,
        .arn = str_fmt(call->arena, "arn:aws:iam::%.*s:root", STR_ARG(call->account)),
        .create_date = opt_i64(0), /* accounts have no beginning here */
    };
}

struct str
iam_status(bool active)
{
    return active ? S("Active") : S("Inactive");
}

int
iam_status_read(struct api_call *call, struct str status, bool *ret_active)
{
    if (str_is(status, "Expired"))
        return api_fault(call, &IAM_ERR(InvalidInput), "Operation does not support status Expired");
    *ret_active = str_is(status, "Active");
    return 0;
}

const struct iam_account_row *
iam_account_look(struct api_call *call)
{
    return iam_account_get(call->txn, call->account);
}

int
iam_account_put(struct api_call *call, const struct iam_account_row *row)
{
    assert(str_eq(row->id, call->account));
    return iam_written(iam_account_look(call) ? iam_account_update(call->txn, row)
                                              : iam_account_insert(call->txn, row),
                       "account", row->id);
}
