/* io.stat of control groups. */
#include "harness/harness.h"
#include "host/sandbox/sandbox.h"

TEST(disks_that_lie_on_each_other_are_counted_once)
{
    struct priv_meter m = {0};

    cg_io_parse("", &m);
    CHECK_INT(m.reads + m.writes, 0);
    cg_io_parse("8:0 rbytes=4096 wbytes=8192 rios=1 wios=2 dbytes=0 dios=0\n"
                "253:0 rbytes=4096 wbytes=16384 rios=1 wios=3 dbytes=0 dios=0\n"
                "7:0\n",
                &m);
    CHECK_INT(m.read_bytes, 4096);
    CHECK_INT(m.written_bytes, 16384);
    CHECK_INT(m.reads, 1);
    CHECK_INT(m.writes, 3);
}
