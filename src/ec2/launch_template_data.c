/*
 * What a version of a launch template says.
 *
 * The API has it in three forms whose members have the same names: as a caller sends it
 * (RequestLaunchTemplateData), as it is shown (ResponseLaunchTemplateData), and as RunInstances
 * takes it.  It is kept as JSON of the first, and read as any of them by their descriptions: no
 * member is listed here, and one that RunInstances refuses is refused by RunInstances's own table.
 */
#include "ec2/launch_template.h"

#include "api/decode_doc.h"
#include "api/encode_doc.h"
#include "api/scalar.h"

/* Of the JSON: user data in base64 takes a third of it. */
#define DATA_BYTES_MAX (64 << 10)

static const struct api_shape *
shape_of(uint16_t number)
{
    assert(number < ec2_service.n_shapes && ec2_service.shapes[number].kind == API_STRUCT);
    return api_shape(&ec2_service, number);
}

static const struct api_shape *
element_of(const struct api_shape *list)
{
    assert(list->kind == API_LIST && list->first < ec2_service.n_members);
    return api_shape(&ec2_service, ec2_service.members[list->first].shape);
}

/* ---- one form as another ---- */

static bool
write_as(struct api_call *call, uint16_t shape, const void *value, struct str *ret)
{
    struct buf b;

    buf_init(&b, DATA_BYTES_MAX);
    api_encode_doc(&ec2_service, shape_of(shape), API_DOC_JSON, value, &b);
    bool ok = !buf_failed(&b);

    if (ok)
        *ret = str_dup(call->arena, buf_str(&b));
    buf_wipe(&b);
    buf_done(&b);
    return ok;
}

static bool
fits(struct api_call *call, struct str text, uint16_t shape, void **ret)
{
    struct api_fault fault;

    *ret = arena_alloc(call->arena, shape_of(shape)->size);
    return api_decode_doc(&ec2_service, shape_of(shape), &doc_json, call->arena, text, *ret,
                          &fault) == 0;
}

static int
read_as(struct api_call *call, struct str text, uint16_t shape, void **ret)
{
    return fits(call, text, shape, ret)
               ? 0
               : error_origin(EUCLEAN, "launch template data cannot be read");
}

/* ---- one over another ---- */

/* Structs whose members are alternatives: the one above counts alone. */
static const uint16_t whole[] = {
    EC2_SHAPE_IamInstanceProfileSpecification,
    EC2_SHAPE_CapacityReservationSpecification,
};

/* Lists whose elements have a name: those of one name are one. */
static const struct keyed {
    uint16_t shape;
    const char *key;
} keyed[] = {
    {EC2_SHAPE_BlockDeviceMapping, "DeviceName"},
    {EC2_SHAPE_InstanceNetworkInterfaceSpecification, "DeviceIndex"},
    {EC2_SHAPE_TagSpecification, "ResourceType"},
    {EC2_SHAPE_Tag, "Key"},
};

/* The member that names an element of that shape, or NULL. */
static const struct api_member *
key_of(const struct api_shape *element)
{
    for (size_t i = 0; i < ARRAY_LEN(keyed); i++)
        if (element == shape_of(keyed[i].shape)) {
            const struct api_member *m =
                api_member_find(&ec2_service, element, str_from(keyed[i].key));

            assert(m);
            return m;
        }
    return NULL;
}

static bool
is_whole(const struct api_shape *shape)
{
    for (size_t i = 0; i < ARRAY_LEN(whole); i++)
        if (shape == shape_of(whole[i]))
            return true;
    return false;
}

static size_t
slot_bytes(const struct api_shape *shape)
{
    switch ((enum api_kind)shape->kind) {
    case API_BOOL:
        return sizeof(struct opt_bool);
    case API_INT:
    case API_LONG:
    case API_TIME:
        return sizeof(struct opt_i64);
    case API_FLOAT:
    case API_DOUBLE:
        return sizeof(struct opt_f64);
    case API_STRUCT:
        return sizeof(void *);
    case API_STRING:
    case API_ENUM:
    case API_BLOB:
    case API_DOCUMENT:
        return sizeof(struct str);
    case API_LIST:
    case API_MAP:
        return sizeof(struct str_list); /* every list is {v, n} */
    }
    assert(!"a kind");
    return 0;
}

static bool
same_key(const struct api_member *key, const void *a, const void *b)
{
    const struct api_shape *type = api_shape(&ec2_service, key->shape);
    const void *x = (const char *)a + key->offset, *y = (const char *)b + key->offset;

    if (!api_is_set(type->kind, x) || !api_is_set(type->kind, y))
        return false;
    return type->kind == API_INT ? api_slot_i64(x, false) == api_slot_i64(y, false)
                                 : str_eq(*api_slot_str(x), *api_slot_str(y));
}

/* Clients name parameters that they do not mean: an empty text says nothing. */
static bool
says(const struct api_shape *type, const void *slot)
{
    bool text = type->kind == API_STRING || type->kind == API_ENUM;

    return api_is_set(type->kind, slot) && (!text || api_slot_str(slot)->n > 0);
}

static void
overlay(struct arena *arena, const struct api_shape *shape, const void *under, void *over);

/* Elements below that nothing above has the name of come first. */
static void
overlay_list(struct arena *arena, const struct api_shape *element, const struct api_member *key,
             const struct str_list *under, struct str_list *over)
{
    struct str_list out = {arena_alloc(arena, (under->n + over->n) * element->size), 0};
    char *v = (void *)out.v;

    assert(element->size > 0 && under->v && over->v);
    for (size_t i = 0; i < under->n; i++)
        memcpy(v + out.n++ * element->size, (const char *)under->v + i * element->size,
               element->size);
    for (size_t j = 0; j < over->n; j++) {
        const char *it = (const char *)over->v + j * element->size;
        size_t at = 0;

        while (at < under->n && !same_key(key, v + at * element->size, it))
            at++;
        if (at == under->n)
            at = out.n++;
        char *to = v + at * element->size;
        char *below = arena_dup(arena, to, element->size);

        memcpy(to, it, element->size);
        if (at < under->n)
            overlay(arena, element, below, to);
    }
    assert(out.n >= over->n && out.n <= under->n + over->n);
    *over = out;
}

/* What *over does not say is as *under says it.  Neither's structs are written to. */
static void
overlay(struct arena *arena, const struct api_shape *shape, const void *under, void *over)
{
    assert(shape->kind == API_STRUCT);
    for (unsigned i = 0; i < shape->n; i++) {
        const struct api_member *m = &ec2_service.members[shape->first + i];
        const struct api_shape *type = api_shape(&ec2_service, m->shape);
        const void *from = (const char *)under + m->offset;
        void *to = (char *)over + m->offset;
        const struct api_member *key = NULL;

        if (!api_is_set(type->kind, from))
            continue;
        if (type->kind == API_LIST)
            key = key_of(element_of(type));
        if (!says(type, to)) {
            memcpy(to, from, slot_bytes(type));
        } else if (type->kind == API_STRUCT && !is_whole(type)) {
            void *copy = arena_dup(arena, *(void **)to, type->size);

            overlay(arena, type, *(void *const *)from, copy);
            *(void **)to = copy;
        } else if (key) {
            overlay_list(arena, element_of(type), key, from, to);
        }
    }
}

/* ---- of a version ---- */

/* Members that RunInstances has not, or by another name. */
static int
own_refuse(struct api_call *call, const struct ec2_RequestLaunchTemplateData *data)
{
    const char *name = data->ram_disk_id.n                  ? "RamDiskId"
                       : data->elastic_gpu_specifications.n ? "ElasticGpuSpecifications"
                       : data->instance_requirements        ? "InstanceRequirements"
                                                            : NULL;

    return name ? ec2_unsupported_parameter(call, name) : 0;
}

int
ec2_launch_template_data_pack(struct api_call *call,
                              const struct ec2_RequestLaunchTemplateData *data, struct str *ret)
{
    struct str user_data;
    void *run;
    int r = own_refuse(call, data);

    if (r == 0 && data->user_data.n)
        r = ec2_user_data_decode(call, data->user_data, &user_data);
    if (r)
        return r;
    if (!write_as(call, EC2_SHAPE_RequestLaunchTemplateData, data, ret) ||
        !fits(call, *ret, EC2_SHAPE_ResponseLaunchTemplateData, &run) ||
        !fits(call, *ret, EC2_SHAPE_RunInstancesRequest, &run))
        return api_fault(call, &EC2_ERR(InvalidParameterValue),
                         "Launch template data is limited to %d bytes", DATA_BYTES_MAX);
    return ec2_launch_refuse(call, run);
}

int
ec2_launch_template_data_show(struct api_call *call,
                              const struct ec2_launch_template_version_row *row,
                              struct ec2_ResponseLaunchTemplateData **ret)
{
    void *shown;
    int r = read_as(call, row->data, EC2_SHAPE_ResponseLaunchTemplateData, &shown);

    *ret = shown;
    return r;
}

/*
 * Parameter by parameter.  A snapshot is inherited only by who says so, and who lists devices says
 * all of them.
 */
int
ec2_launch_template_data_inherit(struct api_call *call,
                                 const struct ec2_launch_template_version_row *source,
                                 const struct ec2_RequestLaunchTemplateData *own,
                                 struct ec2_RequestLaunchTemplateData *ret)
{
    const struct api_shape *shape = shape_of(EC2_SHAPE_RequestLaunchTemplateData);
    void *old;
    int r = read_as(call, source->data, EC2_SHAPE_RequestLaunchTemplateData, &old);

    if (r)
        return r;
    *ret = *(const struct ec2_RequestLaunchTemplateData *)old;
    LIST_EACH(&ret->block_device_mappings, mapping)
        if (mapping->ebs)
            mapping->ebs->snapshot_id = STR_NONE;
    for (unsigned i = 0; i < shape->n; i++) {
        const struct api_member *m = &ec2_service.members[shape->first + i];
        const struct api_shape *type = api_shape(&ec2_service, m->shape);

        if (api_is_set(type->kind, (const char *)own + m->offset))
            memcpy((char *)ret + m->offset, (const char *)own + m->offset, slot_bytes(type));
    }
    return 0;
}

/* ---- RunInstances ---- */

int
ec2_launch_template_apply(struct api_call *call, struct ec2_launch *l,
                          const struct ec2_RunInstancesRequest **req)
{
    const struct ec2_LaunchTemplateSpecification *spec = (*req)->launch_template;
    const struct ec2_launch_template_version_row *version;
    struct ec2_RunInstancesRequest *all;
    void *below;

    l->own = *req;
    if (!spec)
        return 0;
    int r = ec2_launch_template_find(call, spec->launch_template_id, spec->launch_template_name,
                                     &l->template);

    if (r == 0)
        r = ec2_launch_template_version_find(call, l->template, spec->version, &version);
    if (r == 0)
        r = read_as(call, version->data, EC2_SHAPE_RunInstancesRequest, &below);
    if (r)
        return r;
    all = arena_dup(call->arena, *req, sizeof(*all));
    overlay(call->arena, shape_of(EC2_SHAPE_RunInstancesRequest), below, all);
    assert(all->min_count.v == (*req)->min_count.v && all->launch_template == spec);
    l->template_version = version->number;
    *req = all;
    if (!all->instance_type.n)
        return api_fault(call, &EC2_ERR(MissingParameter),
                         "The request must contain the parameter InstanceType");
    return 0;
}

/* ---- GetLaunchTemplateData ---- */

static struct ec2_LaunchTemplateInstanceNetworkInterfaceSpecification
interface_as_data(struct api_call *call, const struct ec2_interface_row *row)
{
    struct ec2_LaunchTemplateInstanceNetworkInterfaceSpecification out = {
        .delete_on_termination = opt_bool(row->delete_on_termination),
        .description = row->description,
        .device_index = opt_i64(row->device_index),
        .groups = row->group_ids,
        .interface_type = ec2_interface_type_show(row),
        .network_interface_id = row->id,
        .private_ip_address = row->private_ip,
        .subnet_id = row->subnet_id,
        .network_card_index = opt_i64(0),
    };

    *LIST_PUSH(call->arena, &out.private_ip_addresses) = (struct ec2_PrivateIpAddressSpecification){
        .primary = opt_bool(true), .private_ip_address = row->private_ip};
    STORE_EACH(call->txn, ec2_secondary_address_by_interface, more, row->id)
        *LIST_PUSH(call->arena, &out.private_ip_addresses) =
            (struct ec2_PrivateIpAddressSpecification){.primary = opt_bool(false),
                                                       .private_ip_address = more->private_ip};
    return out;
}

/* What of an instance has another form than in a template. */
static void
instance_as_data(struct api_call *call, const struct ec2_instance_row *row,
                 struct ec2_ResponseLaunchTemplateData *out)
{
    out->monitoring = ARENA_NEW(call->arena, struct ec2_LaunchTemplatesMonitoring);
    out->monitoring->enabled = opt_bool(row->monitoring);
    out->disable_api_termination = opt_bool(row->disable_api_termination);
    out->disable_api_stop = opt_bool(row->disable_api_stop);
    out->instance_initiated_shutdown_behavior = row->shutdown_behavior;
    if (row->user_data.n)
        out->user_data = str_base64(call->arena, row->user_data);
    if (row->cpu_credits.n) {
        out->credit_specification = ARENA_NEW(call->arena, struct ec2_CreditSpecification);
        out->credit_specification->cpu_credits = row->cpu_credits;
    }
    if (row->tags.n)
        *LIST_PUSH(call->arena, &out->tag_specifications) =
            (struct ec2_LaunchTemplateTagSpecification){S("instance"),
                                                        ec2_tags_show(call->arena, &row->tags)};
    STORE_EACH(call->txn, ec2_interface_by_instance, nic, row->id)
        *LIST_PUSH(call->arena, &out->network_interfaces) = interface_as_data(call, nic);
}

int
ec2_get_launch_template_data(struct api_call *call,
                             const struct ec2_GetLaunchTemplateDataRequest *req,
                             struct ec2_GetLaunchTemplateDataResult *res)
{
    const struct ec2_instance_row *row;
    struct ec2_instance_shower shower;
    struct ec2_Instance shown = {0};
    struct str text;
    void *data;
    int r = ec2_instance_find(call, req->instance_id, &row);

    if (r)
        return r;
    ec2_instance_shower_init(&shower, call);
    ec2_instance_show(&shower, row, &shown);
    /* lists of other things than a template has by these names */
    shown.network_interfaces.v = NULL;
    shown.security_groups.v = NULL;
    if (!write_as(call, EC2_SHAPE_Instance, &shown, &text))
        return error_origin(EFBIG, "instance %.*s is too large for a template", STR_ARG(row->id));
    r = read_as(call, text, EC2_SHAPE_ResponseLaunchTemplateData, &data);
    if (r)
        return r;
    res->launch_template_data = data;
    instance_as_data(call, row, res->launch_template_data);
    return 0;
}
