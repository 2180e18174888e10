/*
 * The credential report: a CSV of who can prove who they are, and how.
 *
 * It is made at once when it is asked for and kept for four hours, whatever changes meanwhile, as
 * AWS keeps it.  Columns, order of the rows, line ends and words are those that AWS was seen to
 * send; fields that hold a comma or a quote (names and paths may) are quoted.
 */
#include "base/timefmt.h"
#include "iam/holds.h"
#include "iam/common.h"
#include "iam/password.h"

enum {
    KEPT_MS = 4 * 60 * 60 * 1000,
    DAY_MS = 24 * 60 * 60 * 1000,
    REPORT_BYTES_MAX = 3 << 20, /* a row of the store holds little more */
    SHOWN = 2,                  /* access keys and certificates of a user */
};

static const char header[] =
    "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,"
    "password_next_rotation,mfa_active,access_key_1_active,access_key_1_last_rotated,"
    "access_key_1_last_used_date,access_key_1_last_used_region,access_key_1_last_used_service,"
    "access_key_2_active,access_key_2_last_rotated,access_key_2_last_used_date,"
    "access_key_2_last_used_region,access_key_2_last_used_service,cert_1_active,"
    "cert_1_last_rotated,cert_2_active,cert_2_last_rotated";

/* ---- fields ---- */

static void
field(struct buf *b, struct str s)
{
    bool quote = str_find_char(s, ',') != SIZE_MAX || str_find_char(s, '"') != SIZE_MAX;

    assert(str_ok(s));
    buf_add_char(b, ',');
    if (!quote) {
        buf_add_str(b, s);
        return;
    }
    buf_add_char(b, '"');
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '"')
            buf_add_char(b, '"');
        buf_add_char(b, s.p[i]);
    }
    buf_add_char(b, '"');
}

static void
truth(struct buf *b, bool v)
{
    field(b, v ? S("true") : S("false"));
}

static void
date(struct api_call *call, struct buf *b, int64_t ms)
{
    field(b, time_iso_s(call->arena, ms));
}

static void
words(struct buf *b, const char *word, int times)
{
    assert(word && times > 0);
    while (times-- > 0)
        field(b, str_from(word));
}

/* ---- a row ---- */

static void
password_fields(struct api_call *call, struct buf *b, const struct iam_user_row *user)
{
    struct iam_PasswordPolicy policy;

    iam_user_assert(user);
    if (!user->login_created_ms) {
        truth(b, false);
        words(b, "N/A", 3);
        return;
    }
    truth(b, true);
    if (user->password_used_ms)
        date(call, b, user->password_used_ms);
    else
        words(b, "no_information", 1);
    date(call, b, user->login_changed_ms);
    if (iam_password_policy(call, &policy) && policy.max_password_age.set)
        date(call, b, user->login_changed_ms + policy.max_password_age.v * DAY_MS);
    else
        words(b, "N/A", 1);
}

/* In the order of the keys' ids. */
static void
key_fields(struct api_call *call, struct buf *b, struct str owner)
{
    const struct iam_access_key_row *keys[SHOWN] = {NULL};
    size_t n = 0;

    STORE_EACH(call->txn, iam_access_key_by_user, row, owner) {
        if (n < SHOWN)
            keys[n++] = row;
        iam_access_key_assert(row);
    }
    if (n == SHOWN && str_cmp(keys[0]->id, keys[1]->id) > 0) {
        const struct iam_access_key_row *first = keys[0];

        keys[0] = keys[1];
        keys[1] = first;
    }
    for (size_t i = 0; i < SHOWN; i++) {
        truth(b, keys[i] && keys[i]->active);
        if (keys[i])
            date(call, b, keys[i]->created_ms);
        else
            words(b, "N/A", 1);
        if (keys[i] && keys[i]->used_ms) {
            date(call, b, keys[i]->used_ms);
            field(b, keys[i]->used_region);
            field(b, keys[i]->used_service);
        } else {
            words(b, "N/A", 3);
        }
    }
}

/* Those that are inactive come first. */
static void
certificate_fields(struct api_call *call, struct buf *b, struct str owner)
{
    size_t n = 0;

    for (int active = 0; active <= 1; active++)
        STORE_EACH(call->txn, iam_signing_certificate_by_user, row, owner) {
            if (row->active != active || n == SHOWN)
                continue;
            n++;
            assert(n <= SHOWN);
            truth(b, active);
            date(call, b, row->created_ms);
        }
    for (; n < SHOWN; n++) {
        truth(b, false);
        words(b, "N/A", 1);
    }
}

static void
proof_fields(struct api_call *call, struct buf *b, struct str owner)
{
    truth(b, iam_count(call->txn, &iam_mfa_device_by_user, STORE_KEYS(owner)) > 0);
    key_fields(call, b, owner);
    certificate_fields(call, b, owner);
}

/* The fields begin with a comma, so that the first of a row takes the place of the line's end. */
static void
name_field(struct buf *b, struct str name)
{
    size_t at = b->n;

    field(b, name);
    if (!buf_failed(b))
        b->p[at] = '\n';
}

static void
root_row(struct api_call *call, struct buf *b)
{
    const struct iam_User root = iam_root_show(call);

    name_field(b, S("<root_account>"));
    field(b, root.arn);
    date(call, b, root.create_date.v);
    truth(b, false); /* there is no console to have a password for */
    words(b, "N/A", 2);
    words(b, "not_supported", 1);
    proof_fields(call, b, call->account);
}

static void
user_row(struct api_call *call, struct buf *b, const struct iam_user_row *user)
{
    name_field(b, user->name);
    field(b, iam_arn(call, "user", user->path, user->name));
    date(call, b, user->created_ms);
    password_fields(call, b, user);
    proof_fields(call, b, user->id);
}

/* ---- GenerateCredentialReport, GetCredentialReport ---- */

static int
make(struct api_call *call, struct str *ret)
{
    struct buf b;
    int r = 0;

    buf_init(&b, REPORT_BYTES_MAX);
    buf_add(&b, header, sizeof(header) - 1);
    root_row(call, &b);
    STORE_EACH(call->txn, iam_user_by_name, user, call->account)
        user_row(call, &b, user);
    if (buf_failed(&b))
        r = api_fault(call, &IAM_ERR(LimitExceeded), "The report would be larger than %d bytes.",
                      REPORT_BYTES_MAX);
    else
        *ret = str_dup(call->arena, buf_str(&b));
    buf_done(&b);
    return r;
}

static bool
is_fresh(struct api_call *call, const struct iam_account_row *account)
{
    assert(account->credential_report.n == 0 || account->report_ms > 0);
    return account->credential_report.n && call->now_ms - account->report_ms <= KEPT_MS;
}

int
iam_generate_credential_report(struct api_call *call,
                               const struct iam_GenerateCredentialReportRequest *req,
                               struct iam_GenerateCredentialReportResponse *res)
{
    const struct iam_account_row *account = iam_account_look(call);
    struct iam_account_row new = {.id = call->account};
    int r;

    (void)req;
    if (account)
        new = *account;
    if (account && is_fresh(call, account)) {
        res->state = S("COMPLETE");
        return 0;
    }
    res->state = S("STARTED");
    if (!new.credential_report.n)
        res->description = S("No report exists. Starting a new report generation task");
    r = make(call, &new.credential_report);
    if (r)
        return r;
    new.report_ms = call->now_ms;
    return iam_account_put(call, &new);
}

int
iam_get_credential_report(struct api_call *call, const struct iam_GetCredentialReportRequest *req,
                          struct iam_GetCredentialReportResponse *res)
{
    const struct iam_account_row *account = iam_account_look(call);

    (void)req;
    if (!account || !account->credential_report.n)
        return api_fault(call, &IAM_ERR(ReportNotPresent), "Unknown");
    if (!is_fresh(call, account))
        return api_fault(call, &IAM_ERR(ReportExpired), "Unknown");
    res->content = account->credential_report;
    res->report_format = S("text/csv");
    res->generated_time = opt_i64(account->report_ms);
    return 0;
}
