/* Forms and their policies: fields and file are slices of the body; what is checked is decided. */
#include "s3/s3.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static bool
within(struct str s, struct str whole)
{
    return !s.n || (s.p >= whole.p && s.p + s.n <= whole.p + whole.n);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const struct str type = S_INIT("multipart/form-data; boundary=B");
    struct str body = str_of(data, n), about = S("");
    struct s3_form form;
    struct arena a;
    int64_t limit = 0;

    if (n > 8192)
        return 0;
    arena_init(&a, (size_t)16 << 20);
    if (s3_form_parse(&a, type, body, &form) == S3_FORM_GOOD) {
        if (!within(form.file, body) || !within(form.file_name, body))
            abort();
        for (size_t i = 0; i < form.fields.n; i++)
            if (!within(form.fields.v[i].name, body) || !within(form.fields.v[i].value, body))
                abort();
        struct str policy = s3_form_get(&form, "policy");

        if (policy.p)
            s3_form_check(&a, policy, &form, S("bucket"), s3_form_get(&form, "key"), 1767225600000,
                          &about, &limit);
        if (!str_ok(about))
            abort();
    }
    arena_done(&a);
    return 0;
}
