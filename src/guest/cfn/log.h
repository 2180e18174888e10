/*
 * The helpers' logs, line by line as aws-cfn-bootstrap's logging writes them.
 *
 *   /var/log/cfn-init.log (cfn-hup.log)   2026-11-27 13:00:00,000 [INFO] Running configSet default
 *   /var/log/cfn-init-cmd.log             2026-11-27 13:00:00,000 P42 [INFO] Command hello
 *   /var/log/cfn-wire.log                 requests and answers, without their signatures
 */
#ifndef CFN_LOG_H
#define CFN_LOG_H

#include "../text.h"

enum cfn_level { CFN_DEBUG, CFN_INFO, CFN_WARNING, CFN_ERROR };

/* `name` is the main log's file name; DEBUG lines go into it only when verbose. */
void cfn_log_open(const char *name, bool verbose);
void cfn_log(enum cfn_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void
cfn_log_command(enum cfn_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void cfn_log_wire(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Pure: one line of a log, with its end; pid 0 is left out. */
struct str
cfn_log_line(struct arena *a, int64_t unix_ms, int pid, enum cfn_level level, struct str message);

#endif
