#!/usr/bin/env python3
"""
Prints a table of data/ from packages that are installed at development time; a build needs neither
them nor Python.  Facts only: names, numbers, lists.

    import.py types     > data/instance_types.txt   moto's copy of DescribeInstanceTypes
    import.py offerings > data/offerings.txt        moto's copy of DescribeInstanceTypeOfferings
    import.py regions   > data/regions.txt          botocore's endpoints, moto's zones
    import.py check FILE                            compares a DescribeInstanceTypes reply (XML)

A key that most sizes of a family share goes to the family's line, so that a person can read and
edit the table.
"""
import collections
import gzip
import json
import os
import sys

import botocore
import moto

MOTO = os.path.dirname(moto.__file__)
# Not opt-in: the regions that are older than 2019-03-20.
ALWAYS_ON = """us-east-1 us-east-2 us-west-1 us-west-2 ap-south-1 ap-northeast-1 ap-northeast-2
ap-northeast-3 ap-southeast-1 ap-southeast-2 ca-central-1 eu-central-1 eu-west-1 eu-west-2
eu-west-3 eu-north-1 sa-east-1""".split()
# Regions for which no offerings are known take those of an equally young neighbour.
LIKE = {
    "ap-east-2": "ap-southeast-5",
    "ap-southeast-6": "ap-southeast-5",
    "ap-southeast-7": "ap-southeast-5",
    "mx-central-1": "ap-southeast-5",
}


def load(path):
    with gzip.open(os.path.join(MOTO, path)) as f:
        return json.load(f)


def all_types():
    types = load("ec2/resources/instance_types.json.gz")
    return {k: v for k, v in types.items() if not k.startswith("mac")}


def head(what, *lines):
    print("# " + what)
    for line in lines:
        print("# " + line if line else "#")
    print()


def ranges(v):
    """[1, 2, 3, 4] is 1-4, [2, 4, 6] is 2-6/2, [2, 3, 8] is 2,3,8."""
    if len(v) > 2:
        step = v[1] - v[0]
        if all(b - a == step for a, b in zip(v, v[1:])):
            return f"{v[0]}-{v[-1]}" + (f"/{step}" if step > 1 else "")
    return ",".join(str(x) for x in v)


def num(x):
    return f"{x:g}" if x < 1e6 else str(int(x))


def text(s):
    return s.replace(" ", "~")


def card(c, n):
    """What a card shares with the whole is left out: interfaces, then performance, at the end."""
    f = [
        num(c["BaselineBandwidthInGbps"]),
        num(c["PeakBandwidthInGbps"]),
        str(c["DefaultEnaQueueCountPerInterface"]),
        str(c.get("MaximumEnaQueueCount", "-")),
        str(c.get("MaximumEnaQueueCountPerInterface", "-")),
        str(c.get("AdditionalFlexibleNetworkInterfaces", "-")),
        str(c["MaximumNetworkInterfaces"]),
        text(c["NetworkPerformance"]),
    ]
    if c["NetworkPerformance"] == n["NetworkPerformance"]:
        f[7] = "-"
    if c["MaximumNetworkInterfaces"] == n["MaximumNetworkInterfaces"]:
        f[6] = "-"
    while f[-1] == "-":
        f.pop()
    return "/".join(f)


def runs(items):
    """Equal neighbours are written once: 3*x."""
    out = []
    for it in items:
        if out and out[-1][1] == it:
            out[-1][0] += 1
        else:
            out.append([1, it])
    return ";".join(it if n == 1 else f"{n}*{it}" for n, it in out)


def accelerators(t):
    out = {}
    for g in t.get("GpuInfo", {}).get("Gpus", []):
        out["gpu"] = "/".join([str(g["Count"]), g["Manufacturer"], text(g["Name"]),
                               str(g["MemoryInfo"]["SizeInMiB"]), str(g["LogicalGpuCount"]),
                               num(g["GpuPartitionSize"]), "+".join(g["Workloads"]),
                               str(t["GpuInfo"]["TotalGpuMemoryInMiB"])])
    for key, info, items, total in (
        ("fpga", "FpgaInfo", "Fpgas", "TotalFpgaMemoryInMiB"),
        ("media", "MediaAcceleratorInfo", "Accelerators", "TotalMediaMemoryInMiB"),
        ("inference", "InferenceAcceleratorInfo", "Accelerators", "TotalInferenceMemoryInMiB"),
    ):
        for a in t.get(info, {}).get(items, []):
            out[key] = "/".join([str(a["Count"]), a["Manufacturer"], text(a["Name"]),
                                 str(a["MemoryInfo"]["SizeInMiB"]), str(t[info][total])])
    for n in t.get("NeuronInfo", {}).get("NeuronDevices", []):
        out["neuron"] = "/".join([str(n["Count"]), n["Name"], str(n["CoreInfo"]["Count"]),
                                  str(n["CoreInfo"]["Version"]), str(n["MemoryInfo"]["SizeInMiB"]),
                                  str(t["NeuronInfo"]["TotalNeuronDeviceMemoryInMiB"])])
    return out


def ebs(t):
    e = t["EbsInfo"]
    out = {"ebsopt": e["EbsOptimizedSupport"], "ebsnvme": e["NvmeSupport"],
           "attach": f'{e["MaximumEbsAttachments"]}/{e["AttachmentLimitType"]}'}
    o = e.get("EbsOptimizedInfo")
    if o:
        parts = []
        for k in "Baseline", "Maximum":
            mbps, mb = o[k + "BandwidthInMbps"], o[k + "ThroughputInMBps"]
            parts.append(str(mbps) if mbps / 8 == mb else f"{mbps}:{mb}")
            parts.append(str(o[k + "Iops"]))
        out["ebs"] = "/".join(parts)
    if "EbsCards" in e:
        # Of a card, baseline and maximum are equal.
        c = e["EbsCards"][0]
        assert all(dict(x, EbsCardIndex=0) == c for x in e["EbsCards"])
        assert c["BaselineIops"] == c["MaximumIops"] and e["MaximumEbsCards"] == len(e["EbsCards"])
        out["ebscards"] = f'{len(e["EbsCards"])}/{c["MaximumBandwidthInMbps"]}/{c["MaximumIops"]}'
    return out


def flags(t):
    n = t["NetworkInfo"]
    return ",".join(
        name
        for name, on in (
            ("previous", not t["CurrentGeneration"]),
            ("free", t["FreeTierEligible"]),
            ("burstable", t["BurstablePerformanceSupported"]),
            ("metal", t["BareMetal"]),
            ("hosts", t["DedicatedHostsSupported"]),
            ("recovery", t["AutoRecoverySupported"]),
            ("hibernation", t["HibernationSupported"]),
            ("migration", t["RebootMigrationSupport"] == "supported"),
            ("enclaves", t["NitroEnclavesSupport"] == "supported"),
            ("tpm", t["NitroTpmSupport"] == "supported"),
            ("phc", t["PhcSupport"] == "supported"),
            ("transit", n["EncryptionInTransitSupported"]),
            ("srd", n["EnaSrdSupported"]),
            ("queues", n["FlexibleEnaQueuesSupport"] == "supported"),
            ("weights", "BandwidthWeightings" in n),
            ("ipv6", n["Ipv6Supported"]),
            ("secondary0", "Ipv4AddressesPerSecondaryInterface" in n),
            ("tcp350", n["ConnectionTrackingConfiguration"]["DefaultTcpEstablishedTimeout"] == 350),
            ("cluster", "cluster" in t["PlacementGroupInfo"]["SupportedStrategies"]),
        )
        if on
    )


def facts(t):
    """The keys of one type, in the order in which they are printed."""
    n, v, p = t["NetworkInfo"], t["VCpuInfo"], t["ProcessorInfo"]
    assert v["DefaultCores"] * v["DefaultThreadsPerCore"] == v["DefaultVCpus"]
    out = {"cores": str(v["DefaultCores"]), "threads": str(v["DefaultThreadsPerCore"])}
    if "ValidCores" in v:
        out["valid"] = ranges(v["ValidCores"])
        out["validthreads"] = ",".join(str(x) for x in v["ValidThreadsPerCore"])
    out["memory"] = str(t["MemoryInfo"]["SizeInMiB"])
    out["cpu"] = text(p["Manufacturer"])
    if "SustainedClockSpeedInGhz" in p:
        out["clock"] = num(p["SustainedClockSpeedInGhz"])
    out["arch"] = ",".join(p["SupportedArchitectures"])
    if "SupportedFeatures" in p:
        out["features"] = ",".join(p["SupportedFeatures"])
    if "Hypervisor" in t:
        out["hypervisor"] = t["Hypervisor"]
    out["boot"] = ",".join(t["SupportedBootModes"])
    out["root"] = ",".join(t["SupportedRootDeviceTypes"])
    out["virt"] = ",".join(t["SupportedVirtualizationTypes"])
    out["usage"] = ",".join(t["SupportedUsageClasses"])
    out["ena"] = n["EnaSupport"]
    out["eni"] = f'{n["MaximumNetworkInterfaces"]}'
    out["ips"] = f'{n["Ipv4AddressesPerInterface"]}/{n["Ipv6AddressesPerInterface"]}'
    out["net"] = text(n["NetworkPerformance"])
    out["cards"] = runs([card(c, n) for c in n["NetworkCards"]])
    assert n["MaximumNetworkCards"] == len(n["NetworkCards"])
    if n["EfaSupported"]:
        out["efa"] = str(n["EfaInfo"]["MaximumEfaInterfaces"])
    out.update(ebs(t))
    if t["InstanceStorageSupported"]:
        s = t["InstanceStorageInfo"]
        d = s["Disks"][0]
        assert len(s["Disks"]) == 1
        out["disks"] = "/".join([str(d["Count"]), str(d["SizeInGB"]), d["Type"], s["NvmeSupport"],
                                 s["EncryptionSupport"], str(s["TotalSizeInGB"])])
    out.update(accelerators(t))
    out["flags"] = flags(t)
    return out


def own_value(key, value, shared):
    if key != "flags":
        return value
    have, want = [[x for x in v.split(",") if x] for v in (shared, value)]
    return ",".join(["-" + x for x in have if x not in want] + ["+" + x for x in want if x not in have])


def print_types():
    head(
        "Instance types: every fact that DescribeInstanceTypes shows.",
        f"Source: moto {moto.__version__} (Apache-2.0), ec2/resources/instance_types.json.gz, which is AWS's own",
        "answer; made by `tools/datagen/import.py types`, then edited by hand.  Mac types are left out.",
        "",
        "A `family` line has what its sizes share; the lines below it are sizes, whose own keys win.",
        "`key=-` takes a shared key away, `flags=-tpm,+free` changes the shared flags.  Blanks inside a",
        "value are written as ~.",
        "  cores threads      as an instance has them by default; vCPUs are their product",
        "  valid validthreads what CpuOptions may ask for: 1-4, 2-8/2 (every second), 2,3,8",
        "  memory             MiB",
        "  eni ips            interfaces, IPv4/IPv6 addresses of each",
        "  cards              Gbit/s baseline/peak/queues of an interface by default/most queues/",
        "                     most queues of an interface/flexible interfaces/interfaces/performance;",
        "                     what is absent or the same as of the whole is left out",
        "  attach             most volumes, and whether interfaces count (shared) or not",
        "  ebs                baseline Mbit/s/IOPS/maximum Mbit/s/IOPS; MB/s are an eighth, or named: 39:4.9",
        "  ebscards           number/Mbit/s/IOPS",
        "  disks              count/GB/kind/NVMe/encryption/total GB",
        "  gpu                count/maker/name/MiB each/logical GPUs/partition/workloads/MiB together",
    )
    families = collections.OrderedDict()
    for name, t in all_types().items():
        families.setdefault(name.split(".")[0], {})[name.split(".")[1]] = facts(t)
    for family in sorted(families):
        sizes = families[family]
        keys = list(dict.fromkeys(k for f in sizes.values() for k in f))
        shared = {}
        for k in keys:
            value, n = collections.Counter(f[k] for f in sizes.values() if k in f).most_common(1)[0]
            if n * 2 > len(sizes) and (n > 1 or len(sizes) == 1):
                shared[k] = value
        votes = collections.Counter(x for f in sizes.values() for x in f["flags"].split(","))
        shared["flags"] = ",".join(x for x, n in sorted(votes.items()) if x and n * 2 > len(sizes))
        print(f"family {family} " + " ".join(f"{k}={v}" for k, v in shared.items()))
        order = sorted(sizes, key=lambda s: (int(sizes[s]["cores"]) * int(sizes[s]["threads"]),
                                             int(sizes[s]["memory"]), s))
        for s in order:
            f = sizes[s]
            own = [f"{k}={own_value(k, f.get(k, '-'), shared.get(k, ''))}" for k in keys
                   if f.get(k) != shared.get(k)]
            own = [x for x in own if x != "flags="]
            print(" ".join([s] + own))
        print()


def print_offerings():
    head(
        "Which zones have which instance types.",
        f"Source: moto {moto.__version__} (Apache-2.0), ec2/resources/instance_type_offerings/availability-zone-id, which",
        "is AWS's own answer; made by `tools/datagen/import.py offerings`.",
        "",
        "A line: families or types, a colon, then zones: `use1` is all known zones of that prefix,",
        "`use1/126` is use1-az1, use1-az2 and use1-az6.  A type's own line wins over its family's.",
    )
    off = collections.defaultdict(set)
    known = collections.defaultdict(set)
    base = os.path.join(MOTO, "ec2/resources/instance_type_offerings/availability-zone-id")
    for name in os.listdir(base):
        for row in load(os.path.join(base, name)):
            prefix, n = row["Location"].rsplit("-az", 1)
            off[row["InstanceType"]].add((prefix, n))
            known[prefix].add(n)
    families = collections.defaultdict(dict)
    for t in all_types():
        families[t.split(".")[0]][t] = frozenset(off[t])
    lines = collections.defaultdict(list)
    for family, sizes in sorted(families.items()):
        most = collections.Counter(sizes.values()).most_common(1)[0][0]
        lines[most].append(family)
        for t, where in sorted(sizes.items()):
            if where != most:
                lines[where].append(t)
    for where, names in lines.items():
        by = collections.defaultdict(str)
        for prefix, n in sorted(where):
            by[prefix] += n
        zones = [p if len(z) == len(known[p]) else f"{p}/{z}" for p, z in by.items()]
        print(f'{" ".join(names)}: {" ".join(zones)}')


def print_regions():
    head(
        "Regions of the partition aws and their zones.",
        f"Source: botocore {botocore.__version__} endpoints.json and moto {moto.__version__} ssm/resources/regions.json.gz (Apache-2.0);",
        "made by `tools/datagen/import.py regions`, then edited by hand.",
        "",
        "name, opt-in or not (- or opt-in), prefix of zone ids, zones as LETTER=NUMBER (a=1 is …a,",
        "PREFIX-az1), the region whose offerings it shares (- is its own), description.",
        "Letters are dealt out for each account on AWS; here they go up with the numbers.",
        "The region named by the last column is a model: no offerings of the young one are published.",
    )
    with open(os.path.join(botocore.__path__[0], "data/endpoints.json")) as f:
        regions = json.load(f)["partitions"][0]["regions"]
    infra = load("ssm/resources/regions.json.gz")["aws"]["service"]["global-infrastructure"]["regions"]
    for name in sorted(regions):
        ids = sorted(infra[name]["availability-zones"])
        letters = "abcdef"
        path = os.path.join(MOTO, f"ec2/resources/instance_type_offerings/availability-zone/{name}.json.gz")
        if os.path.exists(path):
            # Only zones in which something is offered: usw1-az2 and apne1-az3 are closed to new accounts.
            rows = load(path)
            letters = "".join(sorted({r["Location"][len(name):] for r in rows}))
            ids = sorted({r["Location"] for r in load(path.replace("zone/", "zone-id/"))})
        zones = ",".join(f"{l}={i.rsplit('-az', 1)[1]}" for l, i in zip(letters, ids))
        print(f'{name:15} {"-" if name in ALWAYS_ON else "opt-in":6} {ids[0].rsplit("-az", 1)[0]:5} '
              f'{zones:23} {LIKE.get(name, "-"):14} {regions[name]["description"]}')


def expect(x):
    if isinstance(x, dict):
        return {k.lower(): expect(v) for k, v in x.items()}
    if isinstance(x, list):
        return [expect(v) for v in x]
    if isinstance(x, bool):
        return "true" if x else "false"
    if isinstance(x, float):
        return f"{x:g}"
    return str(x)


def same(got, want, path, bad):
    if isinstance(want, dict) and isinstance(got, dict):
        for k in sorted(set(got) | set(want)):
            if k not in got or k not in want:
                bad.append((path + "." + k, got.get(k), want.get(k)))
            else:
                same(got[k], want[k], path + "." + k, bad)
    elif isinstance(want, list) and isinstance(got, list) and len(want) == len(got):
        for i, (a, b) in enumerate(zip(got, want)):
            same(a, b, f"{path}[{i}]", bad)
    elif got != want:
        try:
            if float(got) == float(want):
                return
        except (TypeError, ValueError):
            pass
        bad.append((path, got, want))


def check(path):
    """Replies of any pages, one a line or file, against moto's JSON through botocore's own parser."""
    import botocore.parsers
    import botocore.session

    model = botocore.session.get_session().get_service_model("ec2")
    shape = model.operation_model("DescribeInstanceTypes").output_shape
    parser = botocore.parsers.create_parser("ec2")
    types, seen, bad = all_types(), set(), []
    with open(path, "rb") as f:
        for line in f.read().split(b"\0"):
            if not line.strip():
                continue
            got = parser.parse({"body": line, "status_code": 200, "headers": {}}, shape)
            for t in got["InstanceTypes"]:
                seen.add(t["InstanceType"])
                t.pop("SupportedInRegion", None)  # of the region that was asked, not of the type
                same(expect(t), expect(types[t["InstanceType"]]), t["InstanceType"], bad)
    for b in bad[:40]:
        print(*b)
    print(f"{len(seen)} of {len(types)} types seen, {len(bad)} differences")
    sys.exit(bool(bad))


if __name__ == "__main__":
    what = sys.argv[1]
    if what == "check":
        check(sys.argv[2])
    {"types": print_types, "offerings": print_offerings, "regions": print_regions}[what]()
