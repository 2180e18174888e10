/*
 * sshd's AuthorizedKeysCommand, under the name that AWS's package gives it.
 *
 * It asks the metadata, with a token, and prints.  Whatever goes wrong is "no keys": sshd then
 * goes on with the user's own authorized_keys.
 */
#include "connect.h"
#include "fetch.h"
#include "file.h"

#include <unistd.h>

enum { SECONDS_MAX = 5 /* as in AWS's package: a login does not wait longer for it */ };

int
connect_command(char **argv)
{
    struct arena a = {.max_bytes = 4 << 20};
    struct str user = str_c(argv[1]), text = S("");
    struct imds m;

    if (!connect_user_ok(user))
        return 1;
    alarm(SECONDS_MAX);
    int r = imds_open(&m, &a);

    if (r == 0)
        r = imds_get(&m, arena_fmt(&a, "meta-data/managed-ssh-keys/active-keys/%.*s",
                                   STR_ARG(user)).p, &text);
    if (r == 0)
        write_all(STDOUT_FILENO, connect_keys(&a, text));
    imds_close(&m);
    arena_done(&a);
    return 0;
}
