/* Objects of a bucket that tests put there by hand: what templates and snippets are read from. */
#pragma once

#include "cloudformation/fetch.h"
#include "harness/world.h"

static struct {
    const char *key;
    struct str text;
} bucket_objects[16];

UNUSED static int
bucket_read(struct api_call *call, const struct cfn_location *at, struct str *ret)
{
    static const struct api_error missing = {"ValidationError", 400};

    for (size_t i = 0; i < ARRAY_LEN(bucket_objects); i++) {
        if (bucket_objects[i].key && str_is(at->key, bucket_objects[i].key)) {
            *ret = str_dup(call->arena, bucket_objects[i].text);
            return 0;
        }
    }
    return api_fault(call, &missing, "S3 error: The specified key does not exist.");
}

UNUSED static void
bucket_put(const char *key, const char *text)
{
    size_t i = 0;

    cfn_fetch_other = bucket_read;
    while (bucket_objects[i].key && strcmp(bucket_objects[i].key, key) != 0)
        i++;
    if (i >= ARRAY_LEN(bucket_objects))
        FAIL("the bucket is full");
    bucket_objects[i].key = key;
    bucket_objects[i].text = str_dup(test_arena(), str_from(text));
}

#define BUCKET "https://templates.s3.us-east-1.amazonaws.com/"
