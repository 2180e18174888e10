/* The table of quota.h.  A family is looked up in the narrow quotas first. */
#include "placement/quota.h"

#define ON_DEMAND(code, what, families)                                                            \
    {                                                                                              \
        "ec2", code, "Running On-Demand " what " instances", families, NULL                        \
    }
#define STORAGE(code, what, type)                                                                  \
    {                                                                                              \
        "ebs", code, "Storage for " what " volumes, in TiB", NULL, type                            \
    }

const struct quota quotas[] = {
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
    for (unsigned i = 0; i < n_quotas; i++)
        if (str_is(code, quotas[i].code))
            return &quotas[i];
    return NULL;
}

const struct quota *
quota_of_family(struct str family)
{
    for (unsigned i = 1; i < n_quotas && quotas[i].families; i++) {
        struct str patterns = str_from(quotas[i].families);

        while (patterns.p)
            if (str_glob(str_split(&patterns, ' '), family))
                return &quotas[i];
    }
    return &quotas[0];
}

const struct quota *
quota_of_volume(struct str type)
{
    unsigned i = 0;

    while (i + 1 < n_quotas && !(quotas[i].volume_type && str_is(type, quotas[i].volume_type)))
        i++;
    return &quotas[i];
}
