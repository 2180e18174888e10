/*
 * The parts of the privileged process that need no privilege.
 */
#include "harness/harness.h"
#include "host/sandbox/sandbox.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

TEST(a_machine_is_named_by_letters_digits_and_dashes_only)
{
    static const struct {
        const char *id;
        bool ok;
    } rows[] = {
        {"i-0123456789abcdef0", true}, {"i-1", true},  {"", false},    {"i", false},
        {"../etc", false},             {"i/1", false}, {"I-1", false}, {"-i", false},
        {"i-1\n", false},              {"1-i", false}, {".", false},
    };
    char long_id[PRIV_ID_MAX];

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (machine_id_ok(rows[i].id) != rows[i].ok)
            FAIL("\"%s\"", rows[i].id);
    memset(long_id, 'a', sizeof(long_id)); /* without its NUL */
    CHECK(!machine_id_ok(long_id));
}

TEST(the_system_call_filter_compiles_to_a_short_program)
{
    struct sock_fprog p = {0};

    CHECK_INT(jail_compile(&p, true), 0);
    CHECK(p.len > 20 && p.len < 400);
    unsigned short with_mounts = p.len;

    free(p.filter);
    CHECK_INT(jail_compile(&p, false), 0);
    CHECK(p.len < with_mounts);
    free(p.filter);
}

TEST(a_process_is_known_by_its_start_time)
{
    uint64_t ticks = process_start_ticks((uint32_t)getpid());

    CHECK(ticks > 0);
    CHECK(process_start_ticks((uint32_t)getpid()) == ticks);
    CHECK_INT(process_start_ticks(0xfffffff), 0);
}

TEST(descriptors_travel_with_a_message_and_too_many_are_closed)
{
    int pair[2], got[1] = {-1};
    size_t n = 1;
    char text[8] = "";

    CHECK_INT(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    CHECK_INT(fds_send(pair[0], "hi", 2, pair, 2, 0), 0);
    CHECK_INT(fds_recv(pair[1], text, sizeof(text), got, &n, 0), 2);
    CHECK_INT(n, 1);
    CHECK(fcntl(got[0], F_GETFD) & FD_CLOEXEC);
    CHECK_INT(fds_send(pair[0], "a long message", 14, NULL, 0, 0), 0);
    n = 0;
    CHECK_INT(fds_recv(pair[1], text, sizeof(text), got, &n, 0), -EMSGSIZE);
    close(got[0]);
    close(pair[0]);
    close(pair[1]);
}

TEST(a_ring_of_slots_is_a_bit_each)
{
    static uint8_t bits[PRIV_SLOTS / 8 + 1];
    static struct host h;

    h.slots = bits;
    slot_set(&h, 0, true);
    slot_set(&h, PRIV_SLOTS - 1, true);
    CHECK(slot_used(&h, 0) && slot_used(&h, PRIV_SLOTS - 1) && !slot_used(&h, 1));
    slot_set(&h, 0, false);
    CHECK(!slot_used(&h, 0) && slot_used(&h, PRIV_SLOTS - 1));
}
