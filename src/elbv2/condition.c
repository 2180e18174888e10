/* Conditions of rules, checked: what a field compares, and how many values a rule may have. */
#include "elbv2/elbv2.h"

#include "codec/ip.h"

enum { VALUE_MAX = 128, HEADER_NAME_MAX = 40, METHOD_MAX = 40 };

/* What a rule has so far. */
struct counts {
    size_t values, wildcards;
    unsigned hosts, paths, methods, sources;
};

static int
value_check(struct api_call *call, const char *field, struct str value, bool wild,
            struct counts *counts)
{
    if (!value.n)
        return ELB_INVALID(call, "A condition value must be specified");
    if (value.n > VALUE_MAX)
        return ELB_INVALID(call, "The '%s' value is too long; the limit is '%d'", field, VALUE_MAX);
    for (size_t i = 0; i < value.n; i++) {
        if ((unsigned char)value.p[i] < ' ' || value.p[i] == 0x7f)
            return ELB_INVALID(call, "The '%s' value has invalid characters", field);
        counts->wildcards += wild && (value.p[i] == '*' || value.p[i] == '?');
    }
    counts->values++;
    return 0;
}

static int
values_check(struct api_call *call, const char *field, const struct str_list *values, bool wild,
             struct counts *counts)
{
    int r = values->n ? 0 : ELB_INVALID(call, "A condition value must be specified");

    LIST_EACH(values, value)
        if (!r)
            r = value_check(call, field, *value, wild, counts);
    return r;
}

/* Host and path may have their values in either of two places; both show them. */
static int
either(struct api_call *call, const char *field, const struct str_list *plain,
       const struct str_list *config, struct counts *counts, struct str_list *ret)
{
    if (plain->n && config)
        return ELB_INVALID(call,
                           "You cannot provide both Values and '%s' for a condition of type "
                           "'%s'",
                           str_is(str_from(field), "host-header") ? "HostHeaderConfig"
                                                                  : "PathPatternConfig",
                           field);
    if (plain->n > 1)
        return ELB_INVALID(call, "The '%s' field contains too many values; the limit is '1'",
                           field);
    *ret = config ? *config : *plain;
    return values_check(call, field, ret, true, counts);
}

static int
host(struct api_call *call, const struct elbv2_RuleCondition *in, struct elbv2_RuleCondition *out,
     struct counts *counts)
{
    struct elbv2_HostHeaderConditionConfig *c =
        ARENA_NEW(call->arena, struct elbv2_HostHeaderConditionConfig);

    if (in->host_header_config && in->host_header_config->regex_values.n)
        return elb_unsupported(call, "RegexValues");
    counts->hosts++;
    int r =
        either(call, "host-header", &in->values,
               in->host_header_config ? &in->host_header_config->values : NULL, counts, &c->values);

    out->values = c->values;
    out->host_header_config = c;
    return r;
}

static int
path(struct api_call *call, const struct elbv2_RuleCondition *in, struct elbv2_RuleCondition *out,
     struct counts *counts)
{
    struct elbv2_PathPatternConditionConfig *c =
        ARENA_NEW(call->arena, struct elbv2_PathPatternConditionConfig);

    if (in->path_pattern_config && in->path_pattern_config->regex_values.n)
        return elb_unsupported(call, "RegexValues");
    counts->paths++;
    int r = either(call, "path-pattern", &in->values,
                   in->path_pattern_config ? &in->path_pattern_config->values : NULL, counts,
                   &c->values);

    out->values = c->values;
    out->path_pattern_config = c;
    return r;
}

static int
header(struct api_call *call, const struct elbv2_RuleCondition *in, struct elbv2_RuleCondition *out,
       struct counts *counts)
{
    const struct elbv2_HttpHeaderConditionConfig *c = in->http_header_config;

    if (!c)
        return ELB_INVALID(call, "A 'HttpHeaderConfig' must be specified with 'http-header'");
    if (c->regex_values.n)
        return elb_unsupported(call, "RegexValues");
    if (!c->http_header_name.n)
        return ELB_INVALID(call, "A 'HttpHeaderName' must be specified");
    if (c->http_header_name.n > HEADER_NAME_MAX)
        return ELB_INVALID(call, "The 'HttpHeaderName' value is too long; the limit is '%d'",
                           HEADER_NAME_MAX);
    if (str_eq_nocase(c->http_header_name, S("host")))
        return ELB_INVALID(call, "The 'host' header cannot be specified; use 'host-header'");
    out->http_header_config = in->http_header_config;
    return values_check(call, "http-header", &c->values, true, counts);
}

static int
method(struct api_call *call, const struct elbv2_RuleCondition *in, struct elbv2_RuleCondition *out,
       struct counts *counts)
{
    const struct elbv2_HttpRequestMethodConditionConfig *c = in->http_request_method_config;

    if (!c)
        return ELB_INVALID(
            call, "A 'HttpRequestMethodConfig' must be specified with 'http-request-method'");
    LIST_EACH(&c->values, value) {
        if (value->n > METHOD_MAX)
            return ELB_INVALID(
                call, "The 'http-request-method' value is too long; the limit is '%d'", METHOD_MAX);
        for (size_t i = 0; i < value->n; i++)
            if ((value->p[i] < 'A' || value->p[i] > 'Z') && value->p[i] != '-' &&
                value->p[i] != '_')
                return ELB_INVALID(call, "The 'http-request-method' value is invalid; the allowed "
                                         "characters are A-Z, hyphen and underscore");
    }
    counts->methods++;
    out->http_request_method_config = in->http_request_method_config;
    return values_check(call, "http-request-method", &c->values, false, counts);
}

static int
source(struct api_call *call, const struct elbv2_RuleCondition *in, struct elbv2_RuleCondition *out,
       struct counts *counts)
{
    const struct elbv2_SourceIpConditionConfig *c = in->source_ip_config;
    struct ip4_block block4;
    struct ip6_block block6;

    if (!c)
        return ELB_INVALID(call, "A 'SourceIpConfig' must be specified with 'source-ip'");
    if (!c->values.n)
        return ELB_INVALID(call, "A 'source-ip' value must be specified");
    LIST_EACH(&c->values, value)
        if (!ip4_block_parse(*value, &block4) && !ip6_block_parse(*value, &block6))
            return ELB_INVALID(call, "The 'source-ip' value '%.*s' must be in CIDR format",
                               STR_ARG(*value));
    counts->sources++;
    out->source_ip_config = in->source_ip_config;
    return values_check(call, "source-ip", &c->values, false, counts);
}

static int
query(struct api_call *call, const struct elbv2_RuleCondition *in, struct elbv2_RuleCondition *out,
      struct counts *counts)
{
    const struct elbv2_QueryStringConditionConfig *c = in->query_string_config;
    int r = 0;

    if (!c)
        return ELB_INVALID(call, "A 'QueryStringConfig' must be specified with 'query-string'");
    if (!c->values.n)
        return ELB_INVALID(call, "A condition value must be specified");
    LIST_EACH(&c->values, pair) {
        if (!pair->value.n)
            return ELB_INVALID(call, "A 'Value' must be specified in 'QueryStringKeyValuePair'");
        if (pair->key.n > VALUE_MAX)
            return ELB_INVALID(call, "The 'Key' value is too long; the limit is '%d'", VALUE_MAX);
        if (!r)
            r = value_check(call, "query-string", pair->value, true, counts);
    }
    out->query_string_config = in->query_string_config;
    return r;
}

/* ---- the list ---- */

typedef int field_fn(struct api_call *call, const struct elbv2_RuleCondition *in,
                     struct elbv2_RuleCondition *out, struct counts *counts);
static const struct {
    const char *name;
    field_fn *fn;
    bool plain; /* takes Values */
} fields[] = {
    {"path-pattern", path, true},   {"host-header", host, true},
    {"http-header", header, false}, {"http-request-method", method, false},
    {"query-string", query, false}, {"source-ip", source, false},
};

static int
condition_check(struct api_call *call, const struct elbv2_RuleCondition *in,
                struct elbv2_RuleCondition *out, struct counts *counts)
{
    if (in->regex_values.n)
        return elb_unsupported(call, "RegexValues");
    *out = (struct elbv2_RuleCondition){.field = in->field};
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        if (!str_is(in->field, fields[i].name))
            continue;
        if (in->values.n && !fields[i].plain)
            return ELB_INVALID(call, "The 'Values' field is not compatible with '%.*s'",
                               STR_ARG(in->field));
        return fields[i].fn(call, in, out, counts);
    }
    return ELB_INVALID(call,
                       "Condition field '%.*s' must be one of '[path-pattern,host-header,"
                       "http-header,http-request-method,query-string,source-ip]'",
                       STR_ARG(in->field));
}

int
elb_conditions_check(struct api_call *call, const struct elbv2_RuleConditionList *conditions,
                     struct elbv2_RuleConditionList *ret)
{
    struct counts counts = {0};

    *ret = (struct elbv2_RuleConditionList){0};
    if (!conditions->n)
        return ELB_INVALID(call, "A condition must be specified");
    LIST_EACH(conditions, in) {
        int r = condition_check(call, in, LIST_PUSH(call->arena, ret), &counts);

        if (r)
            return r;
    }
    if (counts.hosts > 1 || counts.paths > 1 || counts.methods > 1 || counts.sources > 1)
        return ELB_INVALID(call, "A rule can only have one '%s' condition",
                           counts.hosts > 1     ? "host-header"
                           : counts.paths > 1   ? "path-pattern"
                           : counts.methods > 1 ? "http-request-method"
                                                : "source-ip");
    if (counts.values > ELB_CONDITIONS_MAX)
        return ELB_INVALID(call, "A rule can only have '%d' condition values", ELB_CONDITIONS_MAX);
    if (counts.wildcards > ELB_CONDITIONS_MAX)
        return ELB_INVALID(call, "A rule can only have '%d' condition wildcards",
                           ELB_CONDITIONS_MAX);
    assert(ret->n == conditions->n);
    return 0;
}
