# Turns data/regions.txt, data/offerings.txt and data/instance_types.txt (in this order) into the
# tables that src/ec2/catalogue.h declares.
#
#   awk -v out=DIR/catalogue -f catalogue.awk regions.txt offerings.txt instance_types.txt
#
# writes DIR/catalogue.c and DIR/catalogue.h.  All texts lie once in one pool and rows hold offsets,
# so that the tables need no relocation.  A mistake in a table stops the build with FILE:LINE.

function die(why)
{
    printf "%s:%d: %s\n", FILENAME, FNR, why > "/dev/stderr"
    failed = 1
    exit 1
}

# The offset of a text in the pool.
function pooled(s)
{
    gsub(/~/, " ", s)
    if (!(s in pool)) {
        if (s !~ /^[A-Za-z0-9_ .,:;+*()\/-]*$/)
            die("odd characters in '" s "'")
        pool[s] = pool_bytes
        pool_text[n_pool++] = s
        pool_bytes += length(s) + 1
    }
    return pool[s]
}

function natural(s, what)
{
    if (s !~ /^[0-9]+$/)
        die(what " is not a number: '" s "'")
    return s
}

BEGIN {
    # As an index, an unset variable would be "" and not 0.
    n_regions = n_bits = n_sets = n_types = n_pool = pool_bytes = 0
    pooled("")
    n_texts = split("valid validthreads cpu clock arch features hypervisor boot root virt usage " \
                    "ena net cards ebsopt ebsnvme attachlimit ebs ebscards disks gpu fpga media " \
                    "inference neuron", texts, " ")
    split("cores threads memory eni ips efa attach flags", k, " ")
    for (i in k)
        known[k[i]] = 1
    for (i in texts)
        known[texts[i]] = 1
    delete known["attachlimit"]
}

FNR == 1 { file++ }
/^#/ || /^[ \t]*$/ { next }

# ---- regions: name, opt-in, prefix, zones, the region whose offerings it shares, description ----

file == 1 {
    if (NF < 6)
        die("a region has six columns")
    if ($1 in region_at)
        die("region " $1 " is there twice")
    region_at[$1] = n_regions
    description = $6
    for (i = 7; i <= NF; i++)
        description = description " " $i
    prefix_of[$1] = $3
    own = $5 == "-"
    n = split($4, zone, ",")
    if (n > 6)
        die("more zones than ec2_region has places for")
    letters = numbers = ""
    for (i = 1; i <= n; i++) {
        if (zone[i] !~ /^[a-z]=[1-9]$/)
            die("odd zone '" zone[i] "'")
        letter = substr(zone[i], 1, 1)
        number = substr(zone[i], 3)
        letters = letters letter
        numbers = numbers number
        if (own) {
            bit_of[$3, number] = n_bits++
            in_prefix[$3] = in_prefix[$3] number
        }
        zone_number[n_regions, i] = number
    }
    region_like[n_regions] = own ? $3 : ""
    region_like_name[n_regions] = $5
    region_zones[n_regions] = n
    region_row[n_regions++] = sprintf("{%d, %d, %d, %s, %d, \"%s\", \"%s\"", pooled($1),
                                      pooled(description), pooled($3),
                                      $2 == "opt-in" ? "true" : "false", n, letters, numbers)
    next
}

# ---- offerings: families or types: zones ----

file == 2 {
    set = ""
    for (colon = 1; $colon !~ /:$/; colon++)
        if (colon == NF)
            die("no colon")
    for (i = colon + 1; i <= NF; i++) {
        n = split($i, part, "/")
        if (!(part[1] in in_prefix))
            die("unknown zones '" part[1] "'")
        digits = n == 2 ? part[2] : in_prefix[part[1]]
        for (j = 1; j <= length(digits); j++) {
            if (!((part[1], substr(digits, j, 1)) in bit_of))
                die("unknown zone " part[1] "-az" substr(digits, j, 1))
            set = set " " bit_of[part[1], substr(digits, j, 1)]
        }
    }
    if (!(set in set_at)) {
        set_at[set] = n_sets
        set_bits[n_sets++] = set
    }
    for (i = 1; i <= colon; i++) {
        name = $i
        sub(/:$/, "", name)
        if (name in offered)
            die(name " is there twice")
        offered[name] = set_at[set]
    }
    next
}

# ---- instance types ----

function take(into, from,    i, at, key)
{
    for (i = from; i <= NF; i++) {
        at = index($i, "=")
        key = substr($i, 1, at - 1)
        if (!(key in known))
            die("unknown key '" key "'")
        into[key] = substr($i, at + 1)
    }
}

# "-tpm,+free" changes the family's flags, anything else replaces them.
function flags_of(base, own,    n, i, v, have, words, name)
{
    n = split(base, v, ",")
    for (i = 1; i <= n; i++)
        have[v[i]] = 1
    if (own != "" && own !~ /^[+-]/)
        die("flags of a size begin with + or -")
    n = split(own, v, ",")
    for (i = 1; i <= n; i++) {
        name = substr(v[i], 2)
        if (v[i] ~ /^-/) {
            if (!(name in have))
                die("flag " name " is not the family's")
            delete have[name]
        } else
            have[name] = 1
    }
    words = ""
    for (name in have)
        words = words (words == "" ? "" : "|") "F_" toupper(name)
    return words == "" ? "0" : words
}

$1 == "family" {
    family = $2
    for (i in shared)
        delete shared[i]
    take(shared, 3)
    next
}

{
    if (family == "")
        die("a size without a family")
    for (i in own_keys)
        delete own_keys[i]
    take(own_keys, 2)
    for (i in known) {
        f[i] = (i in own_keys) ? own_keys[i] : (i in shared) ? shared[i] : ""
        if (f[i] == "-")
            f[i] = ""
    }
    name = family "." $1
    if (name in type_seen)
        die(name " is there twice")
    type_seen[name] = 1
    where = (name in offered) ? name : family
    if (!(where in offered))
        die(name " is offered nowhere")
    split(f["attach"], attach, "/")
    split(f["ips"], ips, "/")
    f["attachlimit"] = attach[2]
    row = sprintf("{%d, %s, %d, %d, %d, %d, %d, %d, %d, %d", natural(f["memory"], "memory"),
                  flags_of(shared["flags"], own_keys["flags"]), natural(f["cores"], "cores"),
                  natural(f["eni"], "eni"), natural(ips[1], "ips"), natural(ips[2], "ips"),
                  natural(attach[1], "attach"), natural(f["threads"], "threads"), f["efa"],
                  offered[where])
    row = row ", " pooled(name)
    for (i = 1; i <= n_texts; i++)
        row = row ", " pooled(f[texts[i]])
    type_row[name] = row "},"
    type_name[n_types++] = name
}

# Sorted by name, as the look-up halves the table: an insertion into runs that are sorted already.
function sort_names(    i, j, t)
{
    for (i = 1; i < n_types; i++) {
        t = type_name[i]
        for (j = i - 1; j >= 0 && type_name[j] > t; j--)
            type_name[j + 1] = type_name[j]
        type_name[j + 1] = t
    }
}

function emit_regions(    i, j, base, bits)
{
    print "const struct catalogue_region catalogue_regions[CATALOGUE_REGIONS] = {" > c
    for (i = 0; i < n_regions; i++) {
        base = region_like[i]
        if (base == "") {
            if (!(region_like_name[i] in prefix_of)) {
                print "regions: no region " region_like_name[i] > "/dev/stderr"
                exit 1
            }
            base = prefix_of[region_like_name[i]]
        }
        bits = ""
        for (j = 1; j <= region_zones[i]; j++) {
            if (!((base, zone_number[i, j]) in bit_of)) {
                print "regions: " base " has no zone " zone_number[i, j] > "/dev/stderr"
                exit 1
            }
            bits = bits (j > 1 ? ", " : "") bit_of[base, zone_number[i, j]]
        }
        print "    " region_row[i] ", {" bits "}}," > c
    }
    print "};\n" > c
}

function emit_sets(    i, j, n, v, bytes, line)
{
    print "const uint8_t catalogue_offers[CATALOGUE_OFFERS][CATALOGUE_OFFER_BYTES] = {" > c
    for (i = 0; i < n_sets; i++) {
        for (j = 0; j < offer_bytes; j++)
            bytes[j] = 0
        n = split(set_bits[i], v, " ")
        for (j = 1; j <= n; j++)
            bytes[int(v[j] / 8)] += 2 ^ (v[j] % 8)
        line = ""
        for (j = 0; j < offer_bytes; j++)
            line = line (j ? ", " : "") bytes[j]
        print "    {" line "}," > c
    }
    print "};\n" > c
}

END {
    if (failed)
        exit 1
    if (pool_bytes > 65535 || n_sets > 255) {
        print "catalogue: the pool or the number of offers is too large" > "/dev/stderr"
        exit 1
    }
    c = out ".c"
    h = out ".h"
    offer_bytes = int((n_bits + 7) / 8)
    made = "/* Made from data/ by tools/datagen/catalogue.awk. */"
    print made "\n#pragma once\n" > h
    print "enum {" > h
    printf "    CATALOGUE_TYPES = %d,\n    CATALOGUE_REGIONS = %d,\n", n_types, n_regions > h
    printf "    CATALOGUE_OFFERS = %d,\n", n_sets > h
    printf "    CATALOGUE_OFFER_BYTES = %d,\n};\n", offer_bytes > h

    print made "\n#include \"ec2/catalogue.h\"\n" > c
    print "const char catalogue_pool[] =" > c
    for (i = 0; i < n_pool; i++)
        print "    \"" pool_text[i] "\\0\"" > c
    print "    ;\n" > c
    emit_regions()
    emit_sets()
    sort_names()
    n = split("previous free burstable metal hosts recovery hibernation migration enclaves tpm " \
              "phc transit srd queues weights ipv6 secondary0 tcp350 cluster", v, " ")
    for (i = 1; i <= n; i++)
        printf "#define F_%s CATALOGUE_%s\n", toupper(v[i]), toupper(v[i]) > c
    print "\nconst struct catalogue_type catalogue_types[CATALOGUE_TYPES] = {" > c
    for (i = 0; i < n_types; i++)
        print "    " type_row[type_name[i]] > c
    print "};" > c
}
