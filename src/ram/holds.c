/* What holds of the rows of shares, whatever was called. */
#include "ram/ram.h"

static bool
is_of(struct str s, const char *const *names)
{
    while (*names && !str_is(s, *names))
        names++;
    return *names != NULL;
}

void
ram_share_assert(const struct ram_share_row *row)
{
    assert(str_starts(row->id, S("arn:aws:ram:")) && row->name.n > 0);
    assert(str_find(row->id, row->account) != SIZE_MAX);
    assert(str_is(row->status, "ACTIVE") || str_is(row->status, "DELETED"));
    assert(row->tags.n % 2 == 0);
}

void
ram_association_assert(const struct ram_association_row *row)
{
    static const char *const statuses[] = {"ASSOCIATING", "ASSOCIATED", "DISASSOCIATED", "FAILED",
                                           NULL};
    bool principal = str_is(row->kind, "PRINCIPAL");

    assert(str_starts(row->id, row->share) && str_ends(row->id, row->entity));
    assert(principal || str_is(row->kind, "RESOURCE"));
    assert(is_of(row->status, statuses));
    /* only an account is asked, and may say no */
    assert(principal || str_ends(row->status, S("ASSOCIATED")));
    assert(principal || ram_kind_of(row->entity));
}

void
ram_invitation_assert(const struct ram_invitation_row *row)
{
    static const char *const statuses[] = {"PENDING", "ACCEPTED", "REJECTED", NULL};

    assert(str_find(row->id, S(":resource-share-invitation/")) != SIZE_MAX);
    assert(is_of(row->status, statuses));
    assert(!str_eq(row->sender, row->receiver));
}
