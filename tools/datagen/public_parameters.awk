# Turns data/regions.txt and data/public_parameters.txt into the table that src/ssm/public.c searches.
#
#   awk -v out=DIR/public_parameters -f public_parameters.awk regions.txt public_parameters.txt
#
# writes DIR/public_parameters.c and .h: rows in order of their names (the order of the bytes).

function die(why)
{
    printf "%s:%d: %s\n", FILENAME, FNR, why > "/dev/stderr"
    failed = 1
    exit 1
}

function row(name, kind, value)
{
    if (name in seen)
        die("twice: " name)
    if (value ~ /["\\]/ || name !~ /^\/aws\/service\/[A-Za-z0-9_.\/-]+$/)
        die("not a name or value: " name)
    seen[name] = 1
    printf "%s\t%s\t%s\n", name, kind, value | sorter
}

# All words of the line from the n-th on.
function tail(n,    s, i)
{
    for (i = n; i <= NF; i++)
        s = s (i > n ? " " : "") $i
    return s
}

function region(name, prefix, zones, long,    base, n, part, i, id)
{
    base = "/aws/service/global-infrastructure/regions/" name
    row(base, "TEXT", name)
    row(base "/longName", "TEXT", long)
    row(base "/domain", "TEXT", "amazonaws.com")
    row(base "/partition", "TEXT", "aws")
    n = split(zones, part, ",")
    for (i = 1; i <= n; i++) {
        id = prefix "-az" substr(part[i], 3)
        row(base "/availability-zones/" id, "TEXT", id)
        row("/aws/service/global-infrastructure/availability-zones/" id, "TEXT", id)
    }
    regions[++n_regions] = name
}

function service(name, long,    base, i)
{
    base = "/aws/service/global-infrastructure/services/" name
    row(base, "TEXT", name)
    row(base "/longName", "TEXT", long)
    for (i = 1; i <= n_regions; i++) {
        row(base "/regions/" regions[i], "TEXT", regions[i])
        row("/aws/service/global-infrastructure/regions/" regions[i] "/services/" name, "TEXT", name)
    }
}

BEGIN {
    list = out ".list"
    sorter = "LC_ALL=C sort -t '\t' -k 1,1 > '" list "'"
    about = "/* Made by tools/datagen/public_parameters.awk. */"
}

/^[ \t]*(#|$)/ { next }

FILENAME ~ /regions\.txt$/ {
    if (NF < 6)
        die("a region has six columns")
    region($1, $3, $4, tail(6))
    next
}

$1 == "image" && NF == 3 { row($2, "IMAGE", $3); next }
$1 == "ecs" && NF == 3 {
    row($2 "/recommended", "ECS", $3)
    row($2 "/recommended/image_id", "IMAGE", $3)
    row($2 "/recommended/image_name", "IMAGE_NAME", $3)
    next
}
$1 == "service" && NF >= 3 { service($2, tail(3)); next }
{ die("not a line of this file") }

END {
    if (failed)
        exit 1
    close(sorter)
    c = out ".c"
    h = out ".h"
    print about "\n#include \"gen/data/public_parameters.h\"\n" > c
    print "const struct public_parameter public_parameters[] = {" > c
    while ((getline line < list) > 0) {
        split(line, field, "\t")
        printf "    {\"%s\", PUBLIC_%s, \"%s\"},\n", field[1], field[2], field[3] > c
        n++
    }
    print "};" > c
    print about "\n#pragma once\n" > h
    print "enum public_kind { PUBLIC_TEXT, PUBLIC_IMAGE, PUBLIC_IMAGE_NAME, PUBLIC_ECS };" > h
    print "struct public_parameter {\n    const char *name;" > h
    print "    enum public_kind kind;\n    const char *value; /* text, or OWNER/IMAGE|OWNER/IMAGE */\n};" > h
    printf "enum { PUBLIC_PARAMETERS = %d };\n", n > h
    print "extern const struct public_parameter public_parameters[PUBLIC_PARAMETERS];" > h
}
