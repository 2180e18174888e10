/*
 * A decision with ten attached policies of the size of AWS's managed ones: eight statements, some
 * hundred actions of a few services, conditions on tags; nine tenths of it about other services,
 * and the Allow in the last document.  Also one with the 1,500 actions of ReadOnlyAccess.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/buf.h"
#include "policy/policy.h"

enum { POLICIES = 10, STATEMENTS = 8, ACTIONS = 12, LARGE = 1500, ROUNDS = 200, TIMES = 2000 };

static double
now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static struct policy *
parse(struct buf *b)
{
    struct arena a;
    struct policy *p;
    struct str why;

    arena_init(&a, 1 << 20);
    if (policy_parse(&p, buf_str(b), POLICY_MANAGED, &a, &why) != 0) {
        fprintf(stderr, "bench-policy: %.*s\n", STR_ARG(why));
        exit(2);
    }
    arena_done(&a);
    return p;
}

static void
add_actions(struct buf *b, const char *service, int n, int from)
{
    static const char *const verbs[] = {"Describe", "List", "Get", "Create", "Delete", "Update"};

    for (int i = 0; i < n; i++)
        buf_add_fmt(b, "%s\"%s:%sThing%d%s\"", i ? "," : "", service, verbs[(i + from) % 6],
                    i + from, i % 4 == 0 ? "*" : "");
}

/* The last of the ten allows ec2:RunInstances to owners of the tag. */
static struct policy *
typical(int number, size_t *text_bytes)
{
    static const char *const services[] = {"ec2", "dynamodb", "sqs", "cloudwatch", "logs", "kms"};
    struct buf b;

    buf_init(&b, 1 << 20);
    buf_add_lit(&b, "{\"Version\":\"2012-10-17\",\"Statement\":[");
    for (int s = 0; s < STATEMENTS; s++) {
        const char *service = services[(s + number) % 6];

        buf_add_fmt(&b, "%s{\"Sid\":\"S%d\",\"Effect\":\"%s\",\"Action\":[", s ? "," : "", s,
                    s == 3 ? "Deny" : "Allow");
        add_actions(&b, service, ACTIONS, s * ACTIONS);
        if (number == POLICIES - 1 && s == STATEMENTS - 1)
            buf_add_lit(&b, ",\"ec2:Run*\"");
        buf_add_fmt(&b, "],\"Resource\":[\"arn:aws:%s:*:*:thing/%d/*\",\"arn:aws:ec2:*:*:*\"]",
                    service, s);
        buf_add_lit(&b, ",\"Condition\":{\"StringEquals\":{\"aws:ResourceTag/Owner\":"
                        "\"${aws:username}\"},\"StringLikeIfExists\":{\"ec2:InstanceType\":"
                        "[\"t2.*\",\"t3.*\"]}}}");
    }
    buf_add_lit(&b, "]}");
    *text_bytes += buf_str(&b).n;
    struct policy *p = parse(&b);

    buf_done(&b);
    return p;
}

static struct policy *
large(void)
{
    struct buf b;

    buf_init(&b, 1 << 20);
    buf_add_lit(&b, "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Action\":[");
    for (int i = 0; i < LARGE / 10; i++) {
        char service[16];

        snprintf(service, sizeof(service), "service%d", i);
        if (i)
            buf_add_lit(&b, ",");
        add_actions(&b, service, 10, i);
    }
    buf_add_lit(&b, ",\"ec2:Run*\"],\"Resource\":\"*\"}}");
    struct policy *p = parse(&b);

    buf_done(&b);
    return p;
}

/* The least of the rounds, in us; the least is what others on the CPU did not add to. */
static double
measure(const struct policy_set *set, const struct policy_request *req)
{
    double best = 1e9;

    for (int i = 0; i < ROUNDS; i++) {
        double began = now_us();

        for (int j = 0; j < TIMES / 10; j++)
            if (!policy_decide(set, req).allowed) {
                fprintf(stderr, "bench-policy: denied\n");
                exit(2);
            }
        best = MIN(best, (now_us() - began) / (TIMES / 10));
    }
    return best;
}

int
main(void)
{
    static const struct str names[] = {
        S_INIT("aws:CurrentTime"),       S_INIT("aws:EpochTime"),
        S_INIT("aws:PrincipalArn"),      S_INIT("aws:PrincipalType"),
        S_INIT("aws:PrincipalAccount"),  S_INIT("aws:SecureTransport"),
        S_INIT("aws:SourceIp"),          S_INIT("aws:UserAgent"),
        S_INIT("aws:userid"),            S_INIT("aws:RequestedRegion"),
        S_INIT("ec2:Region"),            S_INIT("ec2:InstanceType"),
        S_INIT("aws:ResourceTag/Owner"), S_INIT("aws:username"),
    };
    static const struct str values[ARRAY_LEN(names)] = {[11] = S_INIT("t3.micro"),
                                                        [12] = S_INIT("joe"), [13] = S_INIT("joe")};
    struct policy_key keys[ARRAY_LEN(names)];
    struct policy_context context = {keys, ARRAY_LEN(names)};
    struct policy_principal who = {.kind = POLICY_USER,
                                   .account = S_INIT("111122223333"),
                                   .arn = S_INIT("arn:aws:iam::111122223333:user/joe")};
    struct policy_request req = {
        .action = S_INIT("ec2:RunInstances"),
        .resource = S_INIT("arn:aws:ec2:us-east-1:111122223333:instance/*"),
        .principal = &who,
        .context = &context};
    const struct policy *ten[POLICIES];
    struct policy *one = large();
    const struct policy *only = one;
    size_t text = 0;

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        keys[i] = (struct policy_key){.name = names[i], .values = &values[i], .n = 1};
    for (int i = 0; i < POLICIES; i++)
        ten[i] = typical(i, &text);
    double ten_us = measure(&(struct policy_set){.identity = {ten, POLICIES}}, &req);
    double one_us = measure(&(struct policy_set){.identity = {&only, 1}}, &req);

    printf("policy-ten %.3f us\npolicy-large %.3f us\npolicy-text %zu bytes\n", ten_us, one_us,
           text / POLICIES);
    for (int i = 0; i < POLICIES; i++)
        policy_free((struct policy *)ten[i]);
    policy_free(one);
    return 0;
}
