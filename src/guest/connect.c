/*
 * What of the metadata's active keys sshd may see.
 *
 * Beside keys the text has comments about the push, and on AWS a signature.  Only lines that begin
 * with a kind of key are let through, so nothing in it can become an option of authorized_keys.
 */
#include "connect.h"

enum { USER_MAX_BYTES = 32, LINE_MAX_BYTES = 16384, KEYS_MAX_BYTES = 256 << 10 };

bool
connect_user_ok(struct str user)
{
    if (user.n == 0 || user.n > USER_MAX_BYTES || user.p[0] == '.' || user.p[0] == '-')
        return false;
    for (size_t i = 0; i < user.n; i++) {
        char c = ascii_lower(user.p[i]);

        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '_' && c != '-' &&
            c != '.' && c != '@' && c != '$')
            return false;
    }
    return true;
}

static bool
is_key(struct str line)
{
    static const struct str kinds[] = {{"ssh-rsa ", 8}, {"ssh-ed25519 ", 12}};

    assert(str_find(line, S("\n"), 0) == SIZE_MAX);
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        if (str_starts(line, kinds[i]))
            return line.n <= LINE_MAX_BYTES;
    return false;
}

struct str
connect_keys(struct arena *a, struct str text)
{
    struct buf keys = buf_new(a, KEYS_MAX_BYTES);
    struct str line;

    while (str_line(&text, &line))
        if (is_key(line))
            buf_fmt(&keys, "%.*s\n", STR_ARG(line));
    return buf_str(&keys);
    assert(keys.n <= KEYS_MAX_BYTES);
}
