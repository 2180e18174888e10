/*
 * The hardware of the regions as the operator describes it: kinds of hosts, and how many of them
 * the racks of a zone hold.  data/region_model.txt says what a line looks like; the program has it
 * as region_model_default of "gen/data/region_model.h".
 */
#pragma once

#include "base/arena.h"
#include "base/list.h"
#include "base/str.h"

enum {
    MODEL_KINDS_MAX = 32,
    MODEL_RULES_MAX = 256,
    MODEL_SHELVES_MAX = 16,
    MODEL_RACKS_MAX = 4096, /* of a zone */
    MODEL_RACK_HOSTS_MAX = 1024,
    MODEL_ZONE_HOSTS_MAX = 65536,
    MODEL_TEXT_BYTES_MAX = 1 << 20,
    MODEL_WHY_BYTES = 200,
};

struct model_kind {
    struct str name;
    unsigned vcpus, memory_mib, sockets, cores;
    struct str_list families; /* patterns */
};

/* Alike hosts beside each other in a rack. */
struct model_shelf {
    const struct model_kind *kind;
    unsigned n;
};

struct model_zone {
    struct str pattern;
    unsigned racks, rack_hosts;
    struct model_shelf shelves[MODEL_SHELVES_MAX];
    unsigned n_shelves;
};

struct region_model {
    struct model_kind kinds[MODEL_KINDS_MAX];
    unsigned n_kinds;
    struct model_zone *zones;
    size_t n_zones;
};

/*
 * Reads a description.  The model lives in the arena, with slices of the text.  false: `why` says
 * in a sentence what is wrong in which line.
 */
bool region_model_read(struct arena *arena, struct str text, struct region_model *ret,
                       char why[MODEL_WHY_BYTES]);

/* What a zone consists of, or NULL when no line says so. */
const struct model_zone *region_model_zone(const struct region_model *model, struct str zone);

/* The kind of the i-th host of each rack; i < rack_hosts. */
const struct model_kind *model_host_kind(const struct model_zone *zone, unsigned i);

bool model_kind_takes(const struct model_kind *kind, struct str family);
