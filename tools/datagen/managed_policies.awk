# Turns data/managed_policies/*.json into the table that src/api/managed_policy.c searches.
#
#   awk -v out=DIR/managed_policies -f managed_policies.awk FILE…
#
# writes DIR/managed_policies.c and .h: rows in order of their ARNs (the order of the bytes).  The
# files are as tools/datagen/managed_policies.py writes them: a member a line, the document last.

function die(why)
{
    printf "%s:%d: %s\n", FILENAME, FNR, why > "/dev/stderr"
    failed = 1
    exit 1
}

function literal(s)
{
    gsub(/\\/, "\\\\", s)
    gsub(/"/, "\\\"", s)
    return "\"" s "\""
}

# Milliseconds since 1970 of 2015-02-06T18:39:46Z; awk's own mktime() is not in every awk.
function ms(s,    y, m, d, era, yoe, doy, days)
{
    if (s !~ /^[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9]Z$/)
        die("not a time: '" s "'")
    y = substr(s, 1, 4) + 0
    m = substr(s, 6, 2) + 0
    d = substr(s, 9, 2) + 0
    y -= m <= 2
    era = int(y / 400)
    yoe = y - era * 400
    doy = int((153 * (m + (m > 2 ? -3 : 9)) + 2) / 5) + d - 1
    days = era * 146097 + yoe * 365 + int(yoe / 4) - int(yoe / 100) + doy - 719468
    return sprintf("%d", days * 86400 + substr(s, 12, 2) * 3600 + substr(s, 15, 2) * 60 + \
                   substr(s, 18, 2)) "000"
}

function finish()
{
    for (i = 1; i <= 6; i++)
        if (member[names[i]] == "")
            die("no " names[i])
    if (n_lines == 0 || in_document)
        die("no whole document")
    arn = "arn:aws:iam::aws:policy" member["Path"] member["PolicyName"]
    if (arn in rows)
        die("twice: " arn)
    row = "    {S_INIT(" literal(arn) "),\n     S_INIT(" literal(member["PolicyName"]) \
        "), S_INIT(" literal(member["Path"]) "),\n     S_INIT(" literal(member["PolicyId"]) \
        "), S_INIT(" literal(member["DefaultVersionId"]) "),\n     S_INIT("
    for (i = 1; i <= n_lines; i++)
        row = row "\n         " literal(lines[i] (i < n_lines ? "\n" : ""))
    gsub(/\n"/, "\\n\"", row)
    rows[arn] = row "),\n     " ms(member["CreateDate"]) ", " ms(member["UpdateDate"]) "},"
    # In order: a policy a file, so there are few.
    for (i = n_rows++; i > 0 && order[i] > arn; i--)
        order[i + 1] = order[i]
    order[i + 1] = arn
}

BEGIN {
    split("PolicyName Path PolicyId DefaultVersionId CreateDate UpdateDate", names, " ")
}

FNR == 1 {
    if (NR > 1)
        finish()
    for (i = 1; i <= 6; i++)
        member[names[i]] = ""
    n_lines = in_document = 0
    if ($0 != "{")
        die("'{' is missing")
    next
}

in_document {
    if (substr($0, 1, 4) != "    ")
        die("the document is not indented")
    lines[++n_lines] = substr($0, 5)
    if ($0 == "    }")
        in_document = 0
    next
}

/^    "Document": \{$/ {
    in_document = 1
    lines[++n_lines] = "{"
    next
}

/^    "[A-Za-z]+": "[A-Za-z0-9_\/:.-]+",$/ {
    split($0, part, "\"")
    if (!(part[2] in member))
        die("unknown member " part[2])
    member[part[2]] = part[4]
    next
}

$0 != "}" {
    die("not understood: " $0)
}

END {
    if (failed)
        exit 1
    finish()
    print "/* Made by tools/datagen/managed_policies.awk. */\n#pragma once\n\n" \
        "#include \"api/managed_policy.h\"\n\n" \
        "extern const struct managed_policy managed_policies[];\n" \
        "extern const size_t n_managed_policies;" > (out ".h")
    print "/* Made by tools/datagen/managed_policies.awk. */\n" \
        "#include \"gen/data/managed_policies.h\"\n\n" \
        "const struct managed_policy managed_policies[] = {" > (out ".c")
    for (i = 1; i <= n_rows; i++)
        print rows[order[i]] > (out ".c")
    print "};\nconst size_t n_managed_policies = ARRAY_LEN(managed_policies);" > (out ".c")
}
