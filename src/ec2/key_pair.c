/*
 * Key pairs: the public half is a row, the private half is told once and forgotten.
 */
#include "ec2/ec2.h"
#include "ec2/key_material.h"
#include "ec2/row_ok.h"

enum { KEY_NAME_MAX = 255 };

int
ec2_key_pair_find(struct api_call *call, struct str name, const struct ec2_key_pair_row **ret)
{
    const struct ec2_key_pair_row *row =
        ec2_key_pair_by_name_get(call->txn, call->account, call->region, name);

    if (!row)
        return api_fault(call, &EC2_ERR(InvalidKeyPair_NotFound),
                         "The key pair '%.*s' does not exist", STR_ARG(name));
    assert(ec2_key_pair_ok(row) && str_eq(row->name, name));
    *ret = row;
    return 0;
}

/* ---- CreateKeyPair, ImportKeyPair ---- */

/* Printable ASCII: the name also becomes the comment of a line in authorized_keys. */
static int
name_check(struct api_call *call, struct str name)
{
    bool ok = name.n > 0 && name.n <= KEY_NAME_MAX && str_trim(name).n == name.n;

    for (size_t i = 0; i < name.n; i++)
        ok = ok && name.p[i] >= ' ' && name.p[i] <= '~';
    if (!ok)
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "Value (%.*s) for parameter KeyName is invalid. Up to %d ASCII "
                         "characters, without leading or trailing spaces.",
                         STR_ARG(name), KEY_NAME_MAX);
    if (ec2_key_pair_by_name_get(call->txn, call->account, call->region, name))
        return api_fault(call, &EC2_ERR(InvalidKeyPair_Duplicate), "The keypair already exists");
    return 0;
}

static int
tags_check(struct api_call *call, const struct ec2_TagSpecificationList *specs,
           struct str_list *ret)
{
    static const char *const types[] = {"key-pair"};
    int r = ec2_tags_only(call, specs, types, ARRAY_LEN(types));

    return r ? r : ec2_tags_of(call, specs, types[0], ret);
}

static int
key_pair_insert(struct api_call *call, struct str name, const struct key_material *key,
                const struct str_list *tags, struct ec2_key_pair_row *ret)
{
    const struct ec2_key_pair_row row = {
        .id = api_id(call, "key"),
        .account = call->account,
        .region = call->region,
        .name = name,
        .type = key->type,
        .fingerprint = key->fingerprint,
        .public_key = key->public_line,
        .created_ms = call->now_ms,
        .tags = *tags,
    };
    assert(key->public_line.n > 0 && name.n <= KEY_NAME_MAX);
    assert(ec2_key_pair_ok(&row));
    int r = ec2_key_pair_insert(call->txn, &row);

    if (r < 0)
        return error_origin(-r, "key pair %.*s cannot be written", STR_ARG(row.id));
    *ret = row;
    return 0;
}

static int
one_of(struct api_call *call, struct str value, const char *name, const char *a, const char *b)
{
    assert(name[0]);
    if (!value.p || str_is(value, a) || str_is(value, b))
        return 0;
    return api_fault(call, &EC2_ERR(InvalidParameterValue),
                     "Value (%.*s) for parameter %s is invalid. Valid values are %s and %s.",
                     STR_ARG(value), name, a, b);
}

int
ec2_create_key_pair(struct api_call *call, const struct ec2_CreateKeyPairRequest *req,
                    struct ec2_KeyPair *res)
{
    struct str type = req->key_type.p ? req->key_type : S("rsa");
    struct str format = req->key_format.p ? req->key_format : S("pem");
    struct key_material key;
    struct ec2_key_pair_row row;
    struct str_list tags;
    int r = name_check(call, req->key_name);

    if (r == 0)
        r = one_of(call, req->key_type, "KeyType", "rsa", "ed25519");
    if (r == 0)
        r = one_of(call, req->key_format, "KeyFormat", "pem", "ppk");
    if (r == 0)
        r = tags_check(call, &req->tag_specifications, &tags);
    if (r == 0)
        r = key_material_make(call->env, call->arena, type, format, req->key_name, &key);
    if (r == 0)
        r = key_pair_insert(call, req->key_name, &key, &tags, &row);
    if (r)
        return r;
    assert(key.private_text.n > 0 && row.fingerprint.n > 0);
    *res = (struct ec2_KeyPair){
        .key_pair_id = row.id,
        .key_name = row.name,
        .key_fingerprint = row.fingerprint,
        .key_material = key.private_text,
        .tags = ec2_tags_show(call->arena, &row.tags),
    };
    return 0;
}

int
ec2_import_key_pair(struct api_call *call, const struct ec2_ImportKeyPairRequest *req,
                    struct ec2_ImportKeyPairResult *res)
{
    struct key_material key;
    struct ec2_key_pair_row row;
    struct str_list tags;
    int r = name_check(call, req->key_name);

    if (r == 0)
        r = tags_check(call, &req->tag_specifications, &tags);
    if (r)
        return r;
    if (!key_material_read(call->arena, req->public_key_material, req->key_name, &key))
        return api_fault(call, &EC2_ERR(InvalidKey_Format),
                         "Key is not in valid OpenSSH public key format");
    r = key_pair_insert(call, req->key_name, &key, &tags, &row);
    if (r)
        return r;
    *res = (struct ec2_ImportKeyPairResult){
        .key_pair_id = row.id,
        .key_name = row.name,
        .key_fingerprint = row.fingerprint,
        .tags = ec2_tags_show(call->arena, &row.tags),
    };
    return 0;
}

/* ---- DeleteKeyPair ---- */

int
ec2_delete_key_pair(struct api_call *call, const struct ec2_DeleteKeyPairRequest *req,
                    struct ec2_DeleteKeyPairResult *res)
{
    const struct ec2_key_pair_row *row;

    if (req->key_name.p && req->key_pair_id.p)
        return api_fault(call, &EC2_ERR(InvalidParameterCombination),
                         "The parameter KeyName cannot be used with the parameter KeyPairId");
    if (req->key_pair_id.p) {
        row = ec2_key_pair_get(call->txn, req->key_pair_id);
        if (row && !ec2_mine(call, row->account, row->region))
            row = NULL;
    } else if (req->key_name.p) {
        row = ec2_key_pair_by_name_get(call->txn, call->account, call->region, req->key_name);
    } else {
        return api_fault(call, &EC2_ERR(MissingParameter),
                         "The request must contain the parameter KeyName or KeyPairId");
    }

    /* What is not there is deleted already, as on AWS. */
    res->return_ = opt_bool(true);
    if (!row)
        return 0;
    res->key_pair_id = row->id;
    int r = ec2_key_pair_delete(call->txn, row->id);

    return r < 0 ? error_origin(-r, "key pair %.*s cannot be deleted", STR_ARG(row->id)) : 0;
}

/* ---- DescribeKeyPairs ---- */

static const struct api_filter key_pair_filters[] = {
    {"fingerprint", "KeyFingerprint"},
    {"key-name", "KeyName"},
    {"key-pair-id", "KeyPairId"},
    {"tag", API_FILTER_TAGS},
};
static const struct api_filter_table key_pair_filter_table =
    API_FILTER_TABLE(ec2_service, EC2_SHAPE_KeyPairInfo, key_pair_filters);

/* Names and ids that nothing has, all in one fault. */
static int
asked_check(struct api_call *call, const struct str_list *asked, bool ids)
{
    struct str_list missing = {0};

    LIST_EACH(asked, want) {
        const struct ec2_key_pair_row *row =
            ids ? ec2_key_pair_get(call->txn, *want)
                : ec2_key_pair_by_name_get(call->txn, call->account, call->region, *want);

        if (!row || !ec2_mine(call, row->account, row->region))
            *LIST_PUSH(call->arena, &missing) = *want;
    }
    if (missing.n == 0)
        return 0;
    struct str all = str_join(call->arena, &missing, S(", "));

    return api_fault(call, &EC2_ERR(InvalidKeyPair_NotFound),
                     missing.n > 1 ? "The key pairs '%.*s' do not exist"
                                   : "The key pair '%.*s' does not exist",
                     STR_ARG(all));
}

int
ec2_describe_key_pairs(struct api_call *call, const struct ec2_DescribeKeyPairsRequest *req,
                       struct ec2_DescribeKeyPairsResult *res)
{
    struct api_filter_set set;
    int r = ec2_filters(call, &key_pair_filter_table, &req->filters, &set);

    if (r == 0)
        r = asked_check(call, &req->key_names, false);
    if (r == 0)
        r = asked_check(call, &req->key_pair_ids, true);
    if (r)
        return r;
    API_PRESENT(&res->key_pairs);
    STORE_EACH(call->txn, ec2_key_pair_by_owner, row, call->account, call->region) {
        struct ec2_KeyPairInfo info = {
            .key_pair_id = row->id,
            .key_type = row->type,
            .key_name = row->name,
            .key_fingerprint = row->fingerprint,
            .create_time = opt_i64(row->created_ms),
            .tags = ec2_tags_show(call->arena, &row->tags),
        };

        /* Names and ids together: what either asks for. */
        if ((req->key_names.n || req->key_pair_ids.n) && !str_in(&req->key_names, row->name) &&
            !str_in(&req->key_pair_ids, row->id))
            continue;
        if (opt_bool_or(req->include_public_key, false))
            info.public_key = row->public_key;
        if (api_filter_match(&set, &info))
            *LIST_PUSH(call->arena, &res->key_pairs) = info;
    }
    return 0;
}
