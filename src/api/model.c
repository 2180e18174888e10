/*
 * Look-ups in the tables.  Operations are sorted, so a name is found by halving; a struct's
 * members are in the order of the description and are few enough to be walked.
 */
#include "api/model.h"

char api_empty_[16];

int
api_refuse(struct api_fault *fault, struct arena *arena, const char *code, const char *fmt, ...)
{
    va_list ap;

    assert(code[0] != '\0');
    va_start(ap, fmt);
    *fault = (struct api_fault){
        .code = str_from(code),
        .http = 400,
        .message = str_vfmt(arena, fmt, ap),
        .sender = true,
    };
    va_end(ap);
    return 1;
}

const struct api_op *
api_op_find(const struct api_service *service, struct str name)
{
    size_t lo = 0, hi = service->n_ops;

    assert(str_ok(name));
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int r = str_cmp(name, api_op_name(service, &service->ops[mid]));

        if (r == 0)
            return &service->ops[mid];
        if (r < 0)
            hi = mid;
        else
            lo = mid + 1;
    }
    return NULL;
}

const struct api_error_shape *
api_error_find(const struct api_service *service, struct str code)
{
    const struct api_error_shape *of_code = NULL;

    assert(str_ok(code));
    for (size_t i = 0; i < service->n_errors; i++) {
        const struct api_error_shape *e = &service->errors[i];

        /* The name of one may be the code of another. */
        if (str_is(code, api_text(service, service->shapes[e->shape].name)))
            return e;
        if (!of_code && str_is(code, api_text(service, e->code)))
            of_code = e;
    }
    return of_code;
}

const struct api_member *
api_member_find(const struct api_service *service, const struct api_shape *shape, struct str name)
{
    assert(shape->kind == API_STRUCT);
    for (uint32_t i = shape->first; i < shape->first + shape->n; i++)
        if (str_eq(api_member_name(service, &service->members[i]), name))
            return &service->members[i];
    return NULL;
}

bool
api_enum_has(const struct api_service *service, const struct api_shape *shape, struct str s)
{
    assert(shape->kind == API_ENUM);
    for (uint32_t i = shape->first; i < shape->first + shape->n; i++)
        if (str_is(s, api_text(service, service->enums[i])))
            return true;
    return false;
}

void *
api_new_input(const struct api_service *service, const struct api_op *op, struct arena *a)
{
    assert(service->shapes[op->input].kind == API_STRUCT);
    return arena_alloc(a, service->shapes[op->input].size);
}

void *
api_new_output(const struct api_service *service, const struct api_op *op, struct arena *a)
{
    assert(service->shapes[op->output].kind == API_STRUCT);
    return arena_alloc(a, service->shapes[op->output].size);
}

bool
api_is_dry_run(const struct api_service *service, const struct api_op *op, const void *req)
{
    if (op->dry_run == API_NONE)
        return false;
    const struct api_shape *input = &service->shapes[op->input];
    const struct api_member *m = &service->members[input->first + op->dry_run];

    assert(op->dry_run < input->n && service->shapes[m->shape].kind == API_BOOL);
    const struct opt_bool *dry = (const void *)((const char *)req + m->offset);

    return dry->set && dry->v;
}
