/*
 * The catalogue's tables as tools/datagen makes them from data/: regions, zones, instance types
 * and where those are offered.  For catalogue.c and instance_type.c; all others use ec2.h.
 *
 * Texts are offsets into one pool, so the tables need no relocation and are shared between
 * processes; offset 0 is the empty text: the fact is absent.
 */
#pragma once

#include "base/str.h"
#include "gen/data/catalogue.h"

enum { CATALOGUE_ZONES_MAX = 6 };

struct catalogue_region {
    uint16_t name, description, zone_prefix;
    bool opt_in;
    uint8_t n_zones;
    char letters[CATALOGUE_ZONES_MAX + 1]; /* "abd": the zones' names */
    char numbers[CATALOGUE_ZONES_MAX + 1]; /* "124": their ids */
    uint8_t offer_bit[CATALOGUE_ZONES_MAX]; /* of a catalogue_offers row */
};

enum catalogue_flag {
    CATALOGUE_PREVIOUS = 1 << 0,   /* not of the current generation */
    CATALOGUE_FREE = 1 << 1,
    CATALOGUE_BURSTABLE = 1 << 2,
    CATALOGUE_METAL = 1 << 3,
    CATALOGUE_HOSTS = 1 << 4,
    CATALOGUE_RECOVERY = 1 << 5,
    CATALOGUE_HIBERNATION = 1 << 6,
    CATALOGUE_MIGRATION = 1 << 7,
    CATALOGUE_ENCLAVES = 1 << 8,
    CATALOGUE_TPM = 1 << 9,
    CATALOGUE_PHC = 1 << 10,
    CATALOGUE_TRANSIT = 1 << 11,    /* encryption in transit */
    CATALOGUE_SRD = 1 << 12,
    CATALOGUE_QUEUES = 1 << 13,     /* flexible ENA queues */
    CATALOGUE_WEIGHTS = 1 << 14,    /* bandwidth weightings */
    CATALOGUE_IPV6 = 1 << 15,
    CATALOGUE_SECONDARY0 = 1 << 16, /* shows 0 addresses of a secondary interface */
    CATALOGUE_TCP350 = 1 << 17,     /* connection tracking gives up after 350 s, not 432000 s */
    CATALOGUE_CLUSTER = 1 << 18,    /* may be in a cluster placement group */
};

/* The forms of the texts are told on top of data/instance_types.txt. */
struct catalogue_type {
    uint32_t memory_mib;
    uint32_t flags; /* enum catalogue_flag */
    uint16_t cores;
    uint16_t interfaces, addresses, addresses6;
    uint16_t volumes;
    uint8_t threads;
    uint8_t efa;   /* interfaces */
    uint8_t offer; /* which row of catalogue_offers */
    uint16_t name;
    uint16_t valid_cores, valid_threads;
    uint16_t cpu, clock, arch, features;
    uint16_t hypervisor, boot, root, virt, usage;
    uint16_t ena, network, cards;
    uint16_t ebs_optimized, ebs_nvme, attach_limit, ebs, ebs_cards;
    uint16_t disks;
    uint16_t gpu, fpga, media, inference, neuron;
};

extern const char catalogue_pool[];
extern const struct catalogue_region catalogue_regions[CATALOGUE_REGIONS]; /* sorted by name */
extern const struct catalogue_type catalogue_types[CATALOGUE_TYPES];       /* sorted by name */
extern const uint8_t catalogue_offers[CATALOGUE_OFFERS][CATALOGUE_OFFER_BYTES];

static inline struct str
catalogue_text(uint16_t offset)
{
    return str_from(catalogue_pool + offset);
}

struct ec2_type;
/* The i-th type in the order of names; i < CATALOGUE_TYPES. */
const struct ec2_type *catalogue_type_at(size_t i);
/* The table's row of a type that ec2_type_find() gave. */
const struct catalogue_type *catalogue_of(const struct ec2_type *type);
