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

/* Everything at once, under a seed: tests/sim/test_sim_hardware.c. */

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
