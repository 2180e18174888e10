/*
 * Real sandboxes through the privileged process: boot, console, ends, exec, confinement.
 */
#include "live/priv_lab.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct lab *
lab_ready(void)
{
    struct lab *l = lab_new();

    lab_vpc(l, 0, LAB_CIDR);
    lab_open_class(l, 0);
    return l;
}

TEST(a_machine_boots_and_its_console_is_kept, "LIFE-01")
{
    struct lab *l = lab_ready();
    struct priv_launch p = lab_plan(1);
    struct priv_launch_reply r = lab_launch(l, &p, "echo first line; exec sleep 1000");

    CHECK(r.pid > 1);
    struct str text = lab_console(l, 1, "first line");
    CHECK_STR(text, "first line\r\n");
    lab_kill(l, 1);
    CHECK_INT(l->exited.exit, PRIV_EXIT_KILLED);
    lab_free(l);
}
