/*
 * Ending: what PID 1 does with a request, and the commands that make one.
 */
#ifndef GUEST_POWER_H
#define GUEST_POWER_H

#include <stdbool.h>
#include <stddef.h>

enum power { POWER_NONE, POWER_OFF, POWER_REBOOT };

/* What a signal to PID 1 asks for. */
enum power power_of_signal(int sig);
/* What bytes read from /run/initctl ask for (a sysvinit request). */
enum power power_of_initctl(const void *bytes, size_t n);
/* PID 1 only: ends everything and does not return. */
_Noreturn void power_down(enum power how);

/* shutdown, poweroff, halt, reboot. */
int power_command(const char *name, char **argv);
/* cloud-init status, query, --version. */
int cloud_init_command(char **argv);

#endif
