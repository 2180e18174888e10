/*
 * Public parameters: what AWS publishes under /aws/service.  Their names are data
 * (data/public_parameters.txt, data/regions.txt); what they say of images is looked up when it is
 * asked, among the images that the region has.
 */
#include "gen/data/public_parameters.h"

#include "gen/store/ec2_rows.h"
#include "ssm/ssm.h"

#define PREFIX "/aws/service/"
/* 2025-11-27: no parameter here was changed since. */
#define PUBLISHED_MS INT64_C(1764201600000)

bool
ssm_public_is(struct str path)
{
    return str_starts(path, S(PREFIX)) || str_is(path, "/aws/service");
}

/* How many names are before this one. */
static size_t
rank_of(struct str name)
{
    size_t low = 0, high = PUBLIC_PARAMETERS;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (str_cmp(str_from(public_parameters[middle].name), name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    assert(low <= PUBLIC_PARAMETERS);
    return low;
}

/* The first of OWNER/IMAGE|OWNER/IMAGE that this region has. */
static const struct ec2_image_row *
image_of(struct api_call *call, struct str names)
{
    while (names.p) {
        struct str image = str_split(&names, '|'), owner = str_split(&image, '/');
        const struct ec2_image_row *row =
            ec2_image_by_name_get(call->txn, owner, call->region, image);

        if (!row)
            row = ec2_image_by_name_get(call->txn, owner, S(""), image);
        if (row)
            return row;
    }
    return NULL;
}

static struct str
ecs_text(struct api_call *call, const struct ec2_image_row *image)
{
    return str_fmt(call->arena,
                   "{\"schema_version\":1,\"image_name\":\"%.*s\",\"image_id\":\"%.*s\","
                   "\"os\":\"%.*s\"}",
                   STR_ARG(image->name), STR_ARG(image->id), STR_ARG(image->description));
}

static bool
show(struct api_call *call, const struct public_parameter *parameter, struct ssm_found *ret)
{
    const struct ec2_image_row *image = NULL;
    struct str value = str_from(parameter->value);

    if (parameter->kind != PUBLIC_TEXT) {
        image = image_of(call, value);
        if (!image)
            return false;
        value = parameter->kind == PUBLIC_IMAGE        ? image->id
                : parameter->kind == PUBLIC_IMAGE_NAME ? image->name
                                                       : ecs_text(call, image);
    }
    struct str name = str_from(parameter->name);

    assert(ssm_public_is(name) && value.n > 0);
    *ret = (struct ssm_found){
        .name = name,
        .arn = ssm_name_arn(call->arena, call->region, S(""), name),
        .version = {.version = 1,
                    .type = S("String"),
                    .value = value,
                    .data_type = S("text"),
                    .tier = S("Standard"),
                    .modified_ms = image && image->created_ms ? image->created_ms : PUBLISHED_MS},
        .open = true,
    };
    return true;
}

bool
ssm_public_get(struct api_call *call, struct str path, struct ssm_found *ret)
{
    size_t i = rank_of(path);

    return i < PUBLIC_PARAMETERS && str_is(path, public_parameters[i].name) &&
           show(call, &public_parameters[i], ret);
}

bool
ssm_public_next(struct api_call *call, struct str from, bool behind, struct ssm_found *ret)
{
    size_t i = rank_of(from);

    if (behind && i < PUBLIC_PARAMETERS && str_is(from, public_parameters[i].name))
        i++;
    while (i < PUBLIC_PARAMETERS && !show(call, &public_parameters[i], ret))
        i++;
    return i < PUBLIC_PARAMETERS;
}
