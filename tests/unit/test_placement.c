/* The region model and the placement module: what must hold whatever is asked, and how fast. */
#include "ec2/catalogue.h"
#include "ec2/ec2.h"
#include "gen/data/region_model.h"
#include "harness/harness.h"
#include "placement/placement.h"

#include <stdio.h>
#include <time.h>

struct lab {
    struct arena arena;
    struct region_model model;
    struct placement *p;
};

static void
lab_open(struct lab *lab, const char *text)
{
    char why[MODEL_WHY_BYTES] = "";

    arena_init(&lab->arena, (size_t)64 << 20);
    if (!region_model_read(&lab->arena, str_from(text), &lab->model, why))
        FAIL("%s", why);
    lab->p = placement_new(&lab->model);
    CHECK(lab->p);
}

static void
lab_close(struct lab *lab)
{
    placement_free(lab->p);
    arena_done(&lab->arena);
}

static struct placement_want
micro(const char *zone)
{
    return (struct placement_want){.zone = str_from(zone),
                                   .account = S("111122223333"),
                                   .family = S("t3"),
                                   .vcpus = 2,
                                   .memory_mib = 1024};
}

static enum placement_answer
place(struct lab *lab, struct placement_want *want, struct placement_spot *spot)
{
    enum placement_answer a = placement_find(lab->p, want, spot);

    if (a == PLACEMENT_FOUND)
        CHECK(placement_add(lab->p, str_from(spot->path), want));
    return a;
}

/* ---- the model ---- */

static void
refused(const char *text, const char *want)
{
    struct arena arena;
    struct region_model model;
    char why[MODEL_WHY_BYTES] = "";

    arena_init(&arena, (size_t)1 << 20);
    CHECK(!region_model_read(&arena, str_from(text), &model, why));
    if (strcmp(why, want) != 0)
        FAIL("'%s' instead of '%s'", why, want);
    arena_done(&arena);
}

#define KIND "kind k vcpus=8 memory=8192 sockets=1 cores=4 families=t3,m*\n"

TEST(a_region_model_with_a_mistake_is_refused_with_its_line)
{
    refused("", "line 1: no zone has any hardware");
    refused("host a\n", "line 1: 'host' is neither kind nor zone");
    refused("kind k vcpus=0\n", "line 1: vcpus must be a number from 1 to 65536");
    refused("kind k colour=red\n", "line 1: a kind has no 'colour'");
    refused("kind k vcpus=1\n", "line 1: a kind needs vcpus, memory, sockets, cores and families");
    refused(KIND KIND, "line 2: there is a kind 'k' already");
    refused(KIND "zone *\n", "line 2: a zone needs racks and hosts");
    refused(KIND "zone * racks=2 hosts=4*x\n", "line 2: there is no kind 'x' above");
    refused(KIND "zone * racks=2 hosts=4\n", "line 2: hosts are N*KIND,…, not '4'");
    refused(KIND "zone * racks=2 hosts=4*k,\n", "line 2: hosts are N*KIND,…, not ''");
    refused(KIND "zone * racks=4096 hosts=999*k\n",
            "line 2: a rack has at most 1024 hosts, a zone 65536");
}

TEST(the_first_line_that_matches_a_zone_holds)
{
    struct lab lab;

    lab_open(&lab, "# a comment\n" KIND "zone us-east-1a racks=2 hosts=3*k # the small one\n"
                   "zone us-* racks=5 hosts=1*k\n");
    CHECK(placement_zone(lab.p, S("us-east-1a"))->racks == 2);
    CHECK(placement_zone(lab.p, S("us-east-1b"))->racks == 5);
    CHECK(!placement_zone(lab.p, S("eu-west-1a")));
    lab_close(&lab);
}

TEST(every_instance_type_fits_into_a_host_of_the_default_region_model)
{
    struct lab lab;
    struct placement_spot spot;

    lab_open(&lab, region_model_default);
    for (size_t i = 0; i < CATALOGUE_TYPES; i++) {
        const struct ec2_type *type = catalogue_type_at(i);
        const struct placement_want want = {.zone = S("us-east-1a"),
                                            .account = S("111122223333"),
                                            .family = type->family,
                                            .vcpus = type->vcpus,
                                            .memory_mib = type->memory_mib};

        if (placement_find(lab.p, &want, &spot) != PLACEMENT_FOUND)
            FAIL("%.*s has no host", STR_ARG(type->name));
    }
    lab_close(&lab);
}

/* ---- each rule by itself ---- */

#define SMALL KIND "zone * racks=9 hosts=2*k\n"

TEST(a_zone_that_is_full_has_no_room_and_another_has)
{
    struct lab lab;
    struct placement_want want = micro("z1");
    struct placement_spot spot;

    lab_open(&lab, SMALL);
    CHECK(placement_room(lab.p, &want, 1000) == 9 * 2 * 4);
    for (unsigned i = 0; i < 9 * 2 * 4; i++)
        CHECK(place(&lab, &want, &spot) == PLACEMENT_FOUND);
    CHECK(place(&lab, &want, &spot) == PLACEMENT_NO_ROOM);
    CHECK(placement_room(lab.p, &want, 1000) == 0);
    CHECK(placement_remove(lab.p, S("z1/r3/h2"), &want));
    CHECK(place(&lab, &want, &spot) == PLACEMENT_FOUND && strcmp(spot.path, "z1/r3/h2") == 0);
    want = micro("z2");
    CHECK(place(&lab, &want, &spot) == PLACEMENT_FOUND);
    lab_close(&lab);
}

TEST(a_spread_group_has_seven_instances_a_zone_each_in_a_rack_of_its_own, "PG-18 PG-22")
{
    struct lab lab;
    struct placement_want want = micro("z1");
    struct placement_spot spots[PLACEMENT_SPREAD_MAX], spot;

    lab_open(&lab, SMALL);
    want.group = S("pg-1");
    want.strategy = PLACEMENT_SPREAD;
    for (unsigned i = 0; i < PLACEMENT_SPREAD_MAX; i++) {
        CHECK(place(&lab, &want, &spots[i]) == PLACEMENT_FOUND);
        for (unsigned j = 0; j < i; j++)
            CHECK(!str_eq(placement_rack_of(str_from(spots[i].path)),
                          placement_rack_of(str_from(spots[j].path))));
    }
    CHECK(place(&lab, &want, &spot) == PLACEMENT_SPREAD_FULL);
    want.zone = S("z2");
    CHECK(place(&lab, &want, &spot) == PLACEMENT_FOUND);
    want.zone = S("z1");
    CHECK(placement_remove(lab.p, str_from(spots[4].path), &want));
    CHECK(place(&lab, &want, &spot) == PLACEMENT_FOUND);
    lab_close(&lab);
}

TEST(a_cluster_stays_in_the_rack_where_it_began, "PG-03 PG-08")
{
    struct lab lab;
    struct placement_want want = micro("z1");
    struct placement_spot first, spot;

    lab_open(&lab, SMALL);
    want.group = S("pg-1");
    want.strategy = PLACEMENT_CLUSTER;
    CHECK(place(&lab, &want, &first) == PLACEMENT_FOUND);
    want.zone = S("z2");
    CHECK(place(&lab, &want, &spot) == PLACEMENT_OTHER_ZONE);
    want.zone = S("z1");
    for (unsigned i = 1; i < 8; i++) {
        CHECK(place(&lab, &want, &spot) == PLACEMENT_FOUND);
        CHECK(str_eq(placement_rack_of(str_from(spot.path)),
                     placement_rack_of(str_from(first.path))));
    }
    CHECK(place(&lab, &want, &spot) == PLACEMENT_NO_ROOM);
    lab_close(&lab);
}

TEST(partitions_are_filled_evenly_and_have_racks_of_their_own, "PG-27 PG-31")
{
    struct lab lab;
    struct placement_want want = micro("z1");
    struct placement_spot spot;
    unsigned counts[4] = {0}, owner[9] = {0};

    lab_open(&lab, SMALL);
    want.group = S("pg-1");
    want.strategy = PLACEMENT_PARTITION;
    want.n_partitions = 4;
    for (unsigned i = 0; i < 32; i++) {
        CHECK(place(&lab, &want, &spot) == PLACEMENT_FOUND);
        unsigned rack = (unsigned)spot.path[4] - '1';

        CHECK(spot.partition >= 1 && spot.partition <= 4);
        CHECK(!owner[rack] || owner[rack] == spot.partition);
        owner[rack] = spot.partition;
        counts[spot.partition - 1]++;
    }
    for (unsigned i = 0; i < 4; i++)
        CHECK(counts[i] == 8);
    want.partition = 3;
    CHECK(place(&lab, &want, &spot) == PLACEMENT_FOUND && spot.partition == 3);
    lab_close(&lab);
}

TEST(a_host_with_a_dedicated_instance_has_one_account, "DI-01 DI-02")
{
    struct lab lab;
    struct placement_want mine = micro("z1"), other = micro("z1");
    struct placement_spot spot;

    lab_open(&lab, KIND "zone * racks=1 hosts=1*k\n");
    mine.tenancy = PLACEMENT_DEDICATED;
    other.account = S("444455556666");
    CHECK(place(&lab, &mine, &spot) == PLACEMENT_FOUND);
    CHECK(place(&lab, &other, &spot) == PLACEMENT_NO_ROOM);
    mine.tenancy = PLACEMENT_SHARED;
    CHECK(place(&lab, &mine, &spot) == PLACEMENT_FOUND);
    mine.tenancy = PLACEMENT_DEDICATED;
    CHECK(placement_remove(lab.p, S("z1/r1/h1"), &mine));
    CHECK(place(&lab, &other, &spot) == PLACEMENT_FOUND);
    CHECK(placement_find(lab.p, &mine, &spot) == PLACEMENT_NO_ROOM);
    lab_close(&lab);
}

TEST(a_dedicated_host_is_a_whole_host_and_takes_only_what_names_it, "DH-01 DH-06")
{
    struct lab lab;
    struct placement_want want = micro("z1");
    struct placement_spot host, spot;

    lab_open(&lab, KIND "zone * racks=1 hosts=2*k\n");
    CHECK(place(&lab, &want, &spot) == PLACEMENT_FOUND);
    want.tenancy = PLACEMENT_WHOLE;
    CHECK(place(&lab, &want, &host) == PLACEMENT_FOUND && strcmp(host.path, spot.path) != 0);
    CHECK(place(&lab, &want, &spot) == PLACEMENT_NO_ROOM);
    want.tenancy = PLACEMENT_ON_HOST;
    want.host = str_from(host.path);
    for (unsigned i = 0; i < 4; i++)
        CHECK(place(&lab, &want, &spot) == PLACEMENT_FOUND);
    CHECK(place(&lab, &want, &spot) == PLACEMENT_HOST_FULL);
    want = micro("z1");
    CHECK(placement_room(lab.p, &want, 100) == 3);
    lab_close(&lab);
}

TEST(nothing_is_put_where_a_fault_is)
{
    struct lab lab;
    struct placement_want want = micro("z1");
    struct placement_spot spot;

    lab_open(&lab, KIND "zone * racks=2 hosts=2*k\n");
    CHECK(placement_fault(lab.p, S("z1/r1"), true) && placement_fault(lab.p, S("z1/r2/h1"), true));
    CHECK(!placement_fault(lab.p, S("z1/r3"), true) && !placement_fault(lab.p, S("z1/r01"), true) &&
          !placement_fault(lab.p, S("z1/r1/h1/x"), true) &&
          !placement_fault(lab.p, S("z1/h1"), true));
    CHECK(placement_room(lab.p, &want, 100) == 4);
    CHECK(place(&lab, &want, &spot) == PLACEMENT_FOUND && strcmp(spot.path, "z1/r2/h2") == 0);
    CHECK(placement_fault(lab.p, S("z1"), true));
    CHECK(place(&lab, &want, &spot) == PLACEMENT_NO_ROOM);
    CHECK(placement_fault(lab.p, S("z1"), false) && placement_fault(lab.p, S("z1/r1"), false));
    CHECK(placement_room(lab.p, &want, 100) == 4 + 4 + 3);
    lab_close(&lab);
}

/* ---- everything at once, under a seed ---- */

enum { LIVE_MAX = 4000, GROUPS = 9 };

struct live {
    struct placement_want want;
    struct placement_spot spot;
};

struct storm {
    struct lab lab;
    struct live *live;
    unsigned n_live;
    uint64_t seed;
    bool faulty[3][10];
};

static unsigned
dice(struct storm *s, unsigned n)
{
    s->seed = s->seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(s->seed >> 33) % n;
}

static const char *const zone_names[] = {"z1", "z2", "z3"};
static const struct str group_names[GROUPS] = {S_INIT("c1"), S_INIT("c2"), S_INIT("c3"),
                                               S_INIT("s1"), S_INIT("s2"), S_INIT("s3"),
                                               S_INIT("p1"), S_INIT("p2"), S_INIT("p3")};

static struct placement_want
random_want(struct storm *s)
{
    static const struct str accounts[] = {S_INIT("111122223333"), S_INIT("444455556666")};
    static const struct str families[] = {S_INIT("t3"), S_INIT("m5"), S_INIT("m6i")};
    struct placement_want want = micro(zone_names[dice(s, 3)]);

    want.account = accounts[dice(s, 2)];
    want.family = families[dice(s, 3)];
    want.vcpus = 1 + dice(s, 8);
    want.memory_mib = 512 * (1 + dice(s, 16));
    if (dice(s, 3) == 0) {
        unsigned g = dice(s, GROUPS);

        want.group = group_names[g];
        want.strategy = PLACEMENT_CLUSTER + g / 3;
        want.n_partitions = g / 3 == 2 ? 2 + g % 3 : 0;
        want.partition = g / 3 == 2 ? dice(s, want.n_partitions + 1) : 0;
    } else if (dice(s, 4) == 0) {
        want.tenancy = dice(s, 8) ? PLACEMENT_DEDICATED : PLACEMENT_WHOLE;
    }
    return want;
}

/* Written anew from the list of what lives, so that no count of the module is trusted. */
static void
check_all(const struct storm *s)
{
    for (unsigned i = 0; i < s->n_live; i++) {
        const struct live *a = &s->live[i];
        unsigned vcpus = 0, memory = 0, spread = 0;

        for (unsigned j = 0; j < s->n_live; j++) {
            const struct live *b = &s->live[j];
            bool same_host = strcmp(a->spot.path, b->spot.path) == 0;
            struct str rack_a = placement_rack_of(str_from(a->spot.path));
            bool same_rack = str_eq(rack_a, placement_rack_of(str_from(b->spot.path)));
            bool same_group = a->want.group.n && str_eq(a->want.group, b->want.group);

            if (same_host) {
                vcpus += b->want.vcpus;
                memory += b->want.memory_mib;
                CHECK(str_eq(a->want.family, b->want.family));
                if (a->want.tenancy == PLACEMENT_DEDICATED)
                    CHECK(str_eq(a->want.account, b->want.account));
                if (a->want.tenancy == PLACEMENT_WHOLE)
                    CHECK(i == j);
            }
            if (!same_group)
                continue;
            if (a->want.strategy == PLACEMENT_CLUSTER)
                CHECK(same_rack);
            if (a->want.strategy == PLACEMENT_SPREAD && str_eq(a->want.zone, b->want.zone)) {
                spread++;
                CHECK(i == j || !same_rack);
            }
            if (a->want.strategy == PLACEMENT_PARTITION && same_rack)
                CHECK(a->spot.partition == b->spot.partition);
        }
        CHECK(vcpus <= 8 && memory <= 8192 && spread <= PLACEMENT_SPREAD_MAX);
    }
}

static void
storm_step(struct storm *s)
{
    unsigned what = dice(s, 100);

    if (what < 60 && s->n_live < LIVE_MAX) {
        struct live *l = &s->live[s->n_live];

        l->want = random_want(s);
        if (place(&s->lab, &l->want, &l->spot) != PLACEMENT_FOUND)
            return;
        unsigned zone = (unsigned)(l->spot.path[1] - '1'), rack = (unsigned)(l->spot.path[4] - '1');
        CHECK(!s->faulty[zone][rack]);
        s->n_live++;
    } else if (what < 96 && s->n_live) {
        struct live *l = &s->live[dice(s, s->n_live)];

        CHECK(placement_remove(s->lab.p, str_from(l->spot.path), &l->want));
        *l = s->live[--s->n_live];
    } else {
        unsigned zone = dice(s, 3), rack = dice(s, 9);
        char path[] = "z1/r1";

        path[1] = (char)('1' + zone);
        path[4] = (char)('1' + rack);
        s->faulty[zone][rack] = !s->faulty[zone][rack];
        CHECK(placement_fault(s->lab.p, str_from(path), s->faulty[zone][rack]));
    }
}

TEST(whatever_is_launched_ended_and_broken_every_rule_holds, "PG-03 PG-18 PG-27 DI-01")
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct storm s = {.seed = seed};
        unsigned most = 0;

        lab_open(&s.lab, SMALL);
        s.live = ARENA_ARRAY(&s.lab.arena, struct live, LIVE_MAX);
        for (unsigned i = 0; i < 1500; i++) {
            storm_step(&s);
            most = MAX(most, s.n_live);
            if (i % 25 == 0)
                check_all(&s);
        }
        CHECK(most > 20);
        while (s.n_live) {
            s.n_live--;
            CHECK(placement_remove(s.lab.p, str_from(s.live[s.n_live].spot.path),
                                   &s.live[s.n_live].want));
        }
        for (unsigned z = 0; z < 3; z++) {
            struct placement_want want = micro(zone_names[z]);
            unsigned healthy = 0;

            for (unsigned rack = 0; rack < 9; rack++)
                healthy += !s.faulty[z][rack];
            CHECK(placement_room(s.lab.p, &want, 1000) == healthy * 8);
        }
        lab_close(&s.lab);
    }
}

TEST(a_place_among_a_hundred_thousand_is_found_in_twenty_microseconds)
{
    struct lab lab;
    struct placement_want want = micro("us-east-1a");
    struct placement_spot spot;
    struct timespec begin, end;
    enum { N = 100000, MORE = 1000 };

    lab_open(&lab, region_model_default);
    for (unsigned i = 0; i < N; i++)
        if (place(&lab, &want, &spot) != PLACEMENT_FOUND)
            FAIL("only %u fit", i);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begin);
    for (unsigned i = 0; i < MORE; i++)
        CHECK(place(&lab, &want, &spot) == PLACEMENT_FOUND);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
    double us =
        ((double)(end.tv_sec - begin.tv_sec) * 1e9 + (double)(end.tv_nsec - begin.tv_nsec)) / 1e3 /
        MORE;
    printf("# %.2f us a placement with %u running\n", us, (unsigned)N);
    CHECK(us < 20);
    lab_close(&lab);
}
