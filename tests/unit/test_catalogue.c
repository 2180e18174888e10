/* The tables made from data/. */
#include "harness/harness.h"

#include "ec2/catalogue.h"
#include "ec2/ec2.h"

TEST(the_types_are_sorted_and_each_is_found, "ITYPE-02 ITYPE-03 ITYPE-04 ITYPE-05 ITYPE-06")
{
    static const char *const families[] = {"t2", "t3", "t3a", "t4g", "m5",
                                           "c5", "r5", "i3",  "g4dn"};
    struct str last = S("");

    for (size_t i = 0; i < CATALOGUE_TYPES; i++) {
        struct str name = catalogue_text(catalogue_types[i].name);
        const struct ec2_type *type = ec2_type_find(name);

        CHECK(str_cmp(last, name) < 0);
        CHECK(type && type == catalogue_type_at(i) && str_eq(type->name, name));
        CHECK(str_starts(name, type->family) && name.p[type->family.n] == '.');
        CHECK_INT(type->vcpus, type->cores * type->threads_per_core);
        CHECK(type->vcpus > 0 && type->memory_mib > 0 && type->max_interfaces > 0);
        CHECK(type->addresses_per_interface > 0 && type->architecture.n > 0);
        last = name;
    }
    CHECK(CATALOGUE_TYPES >= 300);
    for (size_t i = 0; i < ARRAY_LEN(families); i++)
        CHECK(ec2_type_find(str_fmt(test_arena(), "%s.%s", families[i], "large")) ||
              ec2_type_find(str_fmt(test_arena(), "%s.%s", families[i], "xlarge")));
    CHECK(!ec2_type_find(S("t9.nano")));
    CHECK(!ec2_type_find(S("")));
    CHECK(!ec2_type_find(S("m5.larg")));
    CHECK(!ec2_type_find(S("m5.large ")));
}

TEST(well_known_types_have_their_sizes)
{
    const struct {
        const char *name, *arch, *hypervisor, *network, *ebs;
        unsigned vcpus, threads, memory_mib, interfaces, addresses;
        double ghz;
        bool current, burstable, metal, store;
    } rows[] = {
        {"t2.micro", "x86_64", "xen", "Low to Moderate", "unsupported",
         1, 1, 1024, 2, 2, 2.5, true, true, false, false},
        {"t3.nano", "x86_64", "nitro", "Up to 5 Gigabit", "default",
         2, 2, 512, 2, 2, 2.5, true, true, false, false},
        {"t4g.small", "arm64", "nitro", "Up to 5 Gigabit", "default",
         2, 1, 2048, 3, 4, 2.5, true, true, false, false},
        {"m5.large", "x86_64", "nitro", "Up to 10 Gigabit", "default",
         2, 2, 8192, 3, 10, 3.1, false, false, false, false},
        {"i3.large", "x86_64", "xen", "Up to 10 Gigabit", "default",
         2, 2, 15616, 3, 10, 2.3, true, false, false, true},
        {"c5.metal", "x86_64", "", "25 Gigabit", "default",
         96, 2, 196608, 15, 50, 3.6, false, false, true, false},
        {"r3.large", "x86_64", "xen", "Moderate", "unsupported",
         2, 2, 15360, 3, 10, 2.5, false, false, false, true},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct ec2_type *t = ec2_type_find(str_from(rows[i].name));

        if (!t)
            FAIL("there is no %s", rows[i].name);
        CHECK_STR(t->architecture, rows[i].arch);
        CHECK_STR(t->hypervisor, rows[i].hypervisor);
        CHECK_STR(t->network_performance, rows[i].network);
        CHECK_STR(t->ebs_optimized, rows[i].ebs);
        CHECK_INT(t->vcpus, rows[i].vcpus);
        CHECK_INT(t->threads_per_core, rows[i].threads);
        CHECK_INT(t->memory_mib, rows[i].memory_mib);
        CHECK_INT(t->max_interfaces, rows[i].interfaces);
        CHECK_INT(t->addresses_per_interface, rows[i].addresses);
        CHECK(t->clock_ghz > rows[i].ghz - 1e-9 && t->clock_ghz < rows[i].ghz + 1e-9);
        CHECK(t->current == rows[i].current && t->burstable == rows[i].burstable);
        CHECK(t->bare_metal == rows[i].metal && t->instance_store == rows[i].store);
    }
}

TEST(regions_have_their_zones, "REG-01")
{
    struct arena *a = test_arena();
    struct str last = S("");

    for (size_t i = 0; i < CATALOGUE_REGIONS; i++) {
        const struct ec2_region *r = ec2_region_find(catalogue_text(catalogue_regions[i].name));

        CHECK(r && str_cmp(last, r->name) < 0 && r->description.n && r->n_zones >= 2);
        for (unsigned z = 0; z < r->n_zones; z++) {
            struct ec2_zone zone = ec2_region_zone(a, r, z);

            CHECK(str_starts(zone.name, r->name) && str_starts(zone.id, r->zone_prefix));
            CHECK(str_eq(ec2_zone_id(a, zone.name), zone.id));
        }
        last = r->name;
    }
    CHECK_INT(ec2_region_find(S("us-east-1"))->n_zones, 6);
    CHECK_INT(ec2_region_find(S("eu-west-1"))->n_zones, 3);
    CHECK_STR(ec2_region_zone(a, ec2_region_find(S("us-east-1")), 5).name, "us-east-1f");
    CHECK_STR(ec2_zone_id(a, S("us-east-1a")), "use1-az1");
    CHECK_STR(ec2_zone_id(a, S("ap-northeast-1c")), "apne1-az2");
    CHECK_STR(ec2_region_find(S("eu-west-1"))->description, "Europe (Ireland)");
    CHECK(ec2_region_find(S("af-south-1"))->opt_in && !ec2_region_find(S("us-west-2"))->opt_in);
    CHECK(!ec2_region_find(S("us-east-9")) && !ec2_region_find(S("")));
    CHECK(!ec2_zone_id(a, S("us-east-1g")).p && !ec2_zone_id(a, S("us-east-1")).p);
    CHECK(!ec2_zone_id(a, S("")).p);
}

TEST(offerings_are_those_that_aws_publishes)
{
    const struct ec2_type *t3 = ec2_type_find(S("t3.micro"));
    const struct ec2_region *us = ec2_region_find(S("us-east-1"));

    CHECK(ec2_type_offered(t3, S("us-east-1a")));
    /* The zone that learners stumble over. */
    CHECK(!ec2_type_offered(t3, S("us-east-1c")));
    CHECK(!ec2_type_offered(t3, S("moon-1a")) && !ec2_type_offered(t3, S("")));
    CHECK(ec2_type_in_region(t3, us));
    CHECK(!ec2_type_in_region(ec2_type_find(S("p5.48xlarge")), ec2_region_find(S("eu-west-3"))));
    /* Every type is somewhere, and every region has many. */
    for (size_t i = 0; i < CATALOGUE_TYPES; i++) {
        bool anywhere = false;

        for (size_t r = 0; r < CATALOGUE_REGIONS; r++)
            anywhere |= ec2_type_in_region(
                catalogue_type_at(i), ec2_region_find(catalogue_text(catalogue_regions[r].name)));
        if (!anywhere)
            FAIL("%.*s is offered nowhere", STR_ARG(catalogue_type_at(i)->name));
    }
    for (size_t r = 0; r < CATALOGUE_REGIONS; r++) {
        const struct ec2_region *region =
            ec2_region_find(catalogue_text(catalogue_regions[r].name));
        size_t n = 0;

        for (size_t i = 0; i < CATALOGUE_TYPES; i++)
            n += ec2_type_in_region(catalogue_type_at(i), region);
        CHECK(n > 200);
    }
}

TEST(each_type_is_found_in_its_family)
{
    for (size_t i = 0; i < CATALOGUE_TYPES; i++) {
        const struct ec2_type *type = catalogue_type_at(i), *one;
        bool found = false;

        for (size_t k = 0; (one = ec2_family_type(type->family, k)); k++)
            found = found || one == type;
        if (!found)
            FAIL("%.*s is not in %.*s", STR_ARG(type->name), STR_ARG(type->family));
    }
    CHECK(!ec2_family_type(S("m5x"), 0) && !ec2_family_type(S(""), 0));
}
