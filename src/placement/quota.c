/* The table of quota.h.  A family is looked up in the narrow quotas first. */
#include "placement/quota.h"

#define ON_DEMAND(code, what, families)                                                            \
    {                                                                                              \
        "ec2", code, "Running On-Demand " what " instances", families, NULL, QUOTA_DEFAULT         \
    }
#define STORAGE(code, what, type)                                                                  \
    {                                                                                              \
        "ebs", code, "Storage for " what " volumes, in TiB", NULL, type, QUOTA_DEFAULT             \
    }

const struct quota quotas[] = {
    {"ec2", QUOTA_ELASTIC_IPS, "EC2-VPC Elastic IPs", NULL, NULL, 5},
    ON_DEMAND("L-1216C47A", "Standard (A, C, D, H, I, M, R, T, Z)", "*"),
    ON_DEMAND("L-1945791B", "Inf", "inf*"),
    ON_DEMAND("L-2C3B7624", "Trn", "trn*"),
    ON_DEMAND("L-417A185B", "P", "p?*"),
    ON_DEMAND("L-43DA4232", "High Memory", "u?*"),
    ON_DEMAND("L-6E869C2A", "DL", "dl*"),
    ON_DEMAND("L-7295265B", "X", "x*"),
    ON_DEMAND("L-74FC7D96", "F", "f*"),
    ON_DEMAND("L-DB2E81BA", "G and VT", "g* vt*"),
    ON_DEMAND("L-F7808C92", "HPC", "hpc*"),
    STORAGE("L-09BD8365", "Provisioned IOPS SSD (io2)", "io2"),
    STORAGE("L-17AF77E8", "Cold HDD (sc1)", "sc1"),
    STORAGE("L-7A658B76", "General Purpose SSD (gp3)", "gp3"),
    STORAGE("L-82ACEF56", "Throughput Optimized HDD (st1)", "st1"),
    STORAGE("L-9CF3C2EB", "Magnetic (standard)", "standard"),
    STORAGE("L-D18FCD1D", "General Purpose SSD (gp2)", "gp2"),
    STORAGE("L-FD252861", "Provisioned IOPS SSD (io1)", "io1"),
};
const unsigned n_quotas = ARRAY_LEN(quotas);

static_assert(ARRAY_LEN(quotas) <= QUOTAS_MAX, "QUOTAS_MAX");

const struct quota *
quota_find(struct str code)
{
    assert(str_ok(code));
    for (unsigned i = 0; i < n_quotas; i++)
        if (str_is(code, quotas[i].code))
            return &quotas[i];
    return NULL;
}

/* "*" is the pattern of what no narrower one is for. */
const struct quota *
quota_of_family(struct str family)
{
    const struct quota *widest = NULL;

    for (unsigned i = 0; i < n_quotas; i++) {
        struct str patterns = str_from(quotas[i].families);

        if (str_is(patterns, "*"))
            widest = &quotas[i];
        while (patterns.n && widest != &quotas[i])
            if (str_glob(str_split(&patterns, ' '), family))
                return &quotas[i];
    }
    assert(widest);
    return widest;
}

const struct quota *
quota_of_volume(struct str type)
{
    unsigned i = 0;

    while (i + 1 < n_quotas && !(quotas[i].volume_type && str_is(type, quotas[i].volume_type)))
        i++;
    return &quotas[i];
}
