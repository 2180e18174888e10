/*
 * DescribeInstances of 1,000 instances into XML, beside memcpy of as many bytes: the floor.
 *
 *   bench_encode      prints bytes, ms a reply, GB/s, and times the floor
 */
#include "api/encode_xml.h"
#include "gen/api/ec2.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define INSTANCES 1000
#define ROUNDS 200

static double
now_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Fills every member with something plausible, containers with two elements, five levels deep. */
static void
fill(struct arena *a, const struct api_shape *shape, void *slot, bool element, unsigned depth);

static void
fill_members(struct arena *a, const struct api_shape *shape, void *base, unsigned depth)
{
    for (size_t i = 0; i < shape->n; i++) {
        const struct api_member *m = &ec2_service.members[shape->first + i];

        fill(a, &ec2_service.shapes[m->shape], (char *)base + m->offset, false, depth + 1);
    }
}

static void
fill(struct arena *a, const struct api_shape *shape, void *slot, bool element, unsigned depth)
{
    struct str_list *list = slot;

    switch ((enum api_kind)shape->kind) {
    case API_STRING:
    case API_ENUM:
    case API_BLOB:
    case API_DOCUMENT:
        *(struct str *)slot = str_dup(a, S("i-0123456789abcdef0"));
        return;
    case API_BOOL:
        if (element)
            *(bool *)slot = true;
        else
            *(struct opt_bool *)slot = opt_bool(true);
        return;
    case API_FLOAT:
    case API_DOUBLE:
        return;
    case API_INT:
    case API_LONG:
    case API_TIME:
        if (element)
            *(int64_t *)slot = 1764000000000;
        else
            *(struct opt_i64 *)slot = opt_i64(shape->kind == API_TIME ? 1764000000000 : 443);
        return;
    case API_STRUCT:
        if (!element)
            *(void **)slot = arena_alloc(a, shape->size);
        fill_members(a, shape, element ? slot : *(void **)slot, depth);
        return;
    case API_LIST:
        if (depth > 3)
            return;
        list->n = 1;
        list->v = arena_alloc(a, shape->size);
        fill(a, &ec2_service.shapes[ec2_service.members[shape->first].shape], list->v, true,
             depth + 1);
        return;
    case API_MAP:
        return;
    }
}

static double
encode(const struct api_op *op, const void *res, struct buf *out)
{
    double begin = now_s();

    for (int i = 0; i < ROUNDS; i++) {
        buf_reset(out);
        api_encode_xml(&ec2_service, op, res, S("5c8f0b0e-0000-4000-8000-000000000000"), out);
    }
    return (now_s() - begin) / ROUNDS;
}

static double
copy(const struct buf *out)
{
    char *to = malloc(out->n);
    double begin;

    memset(to, 1, out->n);
    begin = now_s();
    for (int i = 0; i < ROUNDS; i++) {
        memcpy(to, out->p, out->n);
        __asm__ volatile("" : : "r"(to) : "memory");
    }
    double took = (now_s() - begin) / ROUNDS;

    free(to);
    return took;
}

int
main(void)
{
    const struct api_op *op = api_op_find(&ec2_service, S("DescribeInstances"));
    struct ec2_DescribeInstancesResult res = {0};
    struct arena a;
    struct buf out;

    arena_init(&a, (size_t)1 << 30);
    buf_init(&out, (size_t)1 << 30);
    for (size_t i = 0; i < INSTANCES; i++) {
        struct ec2_Reservation *r = LIST_PUSH(&a, &res.reservations);
        struct ec2_Instance *instance = LIST_PUSH(&a, &r->instances);

        fill_members(&a, &ec2_service.shapes[EC2_SHAPE_Instance], instance, 1);
    }
    encode(op, &res, &out);
    double xml_s = encode(op, &res, &out), copy_s = copy(&out);

    printf("encode_xml  %zu instances  %zu bytes  %.3f ms  %.2f GB/s  %.1f times memcpy\n",
           (size_t)INSTANCES, out.n, xml_s * 1e3, (double)out.n / xml_s / 1e9, xml_s / copy_s);
    buf_done(&out);
    arena_done(&a);
    return 0;
}
