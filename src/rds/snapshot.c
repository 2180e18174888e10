/*
 * DB snapshots.  One is an image of the DB instance's machine (EC2's CreateImage), taken between
 * an end of the machine and its next start: the engine finds what it finds after a crash, and
 * recovers.  So a backup restarts the engine.
 */
#include "rds/rds.h"

static const struct rds_snapshot_row *
look(struct api_call *call, struct str name)
{
    struct str prefix = rds_arn(call, "snapshot", S("")), lower = str_lower(call->arena, name);

    if (str_starts(lower, prefix))
        lower = str_cut(lower, prefix.n, lower.n);
    return rds_snapshot_by_name_get(call->txn, call->account, call->region, lower);
}

static int
not_found(struct api_call *call, struct str name)
{
    return api_fault(call, &RDS_ERR(DBSnapshotNotFound), "DBSnapshot not found: %.*s",
                     STR_ARG(name));
}

static struct rds_DBSnapshot *
show(struct api_call *call, const struct rds_snapshot_row *row)
{
    struct rds_DBSnapshot *out = ARENA_NEW(call->arena, struct rds_DBSnapshot);
    const struct rds_offer *offer = rds_offer_find(row->engine);
    bool done = str_is(row->status, "available");

    assert(offer && row->name.n > 0);
    *out = (struct rds_DBSnapshot){
        .db_snapshot_identifier = row->name,
        .db_instance_identifier = row->source,
        .engine = row->engine,
        .allocated_storage = opt_i64(row->storage_gib),
        .status = row->status,
        .port = opt_i64(row->port),
        .availability_zone = row->zone,
        .vpc_id = row->vpc_id,
        .instance_create_time = opt_i64(row->instance_ms),
        .master_username = row->master,
        .engine_version = row->engine_version,
        .license_model = str_from(offer->licence),
        .snapshot_type = row->type,
        .option_group_name = str_from(offer->option_group),
        .percent_progress = opt_i64(done ? 100 : 0),
        .source_region = row->source_region.n ? row->source_region : STR_NONE,
        .source_db_snapshot_identifier = row->copied_from.n ? row->copied_from : STR_NONE,
        .storage_type = row->storage_type,
        .encrypted = opt_bool(false),
        .db_snapshot_arn = row->id,
        .iam_database_authentication_enabled = opt_bool(false),
        .dbi_resource_id = row->source_id,
        .tag_list = rds_tags_show(call->arena, &row->tags),
        .snapshot_target = S("region"),
    };
    if (row->iops)
        out->iops = opt_i64(row->iops);
    if (row->throughput)
        out->storage_throughput = opt_i64(row->throughput);
    if (row->created_ms)
        out->snapshot_create_time = out->original_snapshot_create_time = opt_i64(row->created_ms);
    API_PRESENT(&out->processor_features);
    return out;
}

static int
put(struct api_call *call, const struct rds_snapshot_row *row)
{
    bool is = rds_snapshot_get(call->txn, row->id) != NULL;
    int r = is ? rds_snapshot_update(call->txn, row) : rds_snapshot_insert(call->txn, row);

    assert(row->verifier.n > 0 && row->image_id.n > 0);
    return rds_written(r, "snapshot", row->name);
}

/* ---- making ---- */

int
rds_snapshot_name_free(struct api_call *call, const char *parameter, struct str given,
                       struct str *ret)
{
    size_t n = 0;
    int r = rds_identifier(call, parameter, given, 255, ret);

    if (r)
        return r;
    STORE_EACH(call->txn, rds_snapshot_by_owner, row, call->account, call->region)
        n += str_is(row->type, "manual");
    if (look(call, *ret))
        return api_fault(call, &RDS_ERR(DBSnapshotAlreadyExists),
                         "Cannot create the snapshot because a snapshot with the identifier %.*s "
                         "already exists.",
                         STR_ARG(*ret));
    if (n >= RDS_SNAPSHOTS_MAX)
        return api_fault(call, &RDS_ERR(SnapshotQuotaExceeded),
                         "The request would result in the user exceeding the allowed number of DB "
                         "snapshots.");
    return 0;
}

int
rds_snapshot_begin(struct api_call *call, const struct rds_instance_row *from, struct str name,
                   const char *type, const struct str_list *tags, struct rds_snapshot_row *ret)
{
    const struct ec2_instance_row *machine = rds_machine(call, from);
    struct ec2_CreateImageRequest ask = {.instance_id = from->instance_id};
    struct ec2_CreateImageResult made = {0};

    *ret = (struct rds_snapshot_row){
        .id = rds_arn(call, "snapshot", name),
        .account = call->account,
        .region = call->region,
        .name = name,
        .type = str_from(type),
        .status = S("creating"),
        .source_id = from->id,
        .source = from->name,
        .engine = from->engine,
        .engine_version = from->engine_version,
        .master = from->master,
        .verifier = from->verifier,
        .database = from->database,
        .port = from->port,
        .storage_gib = from->storage_gib,
        .storage_type = from->storage_type,
        .iops = from->iops,
        .throughput = from->throughput,
        .zone = from->zone,
        .vpc_id = from->vpc_id,
        .instance_ms = from->created_ms,
        .parameter_group = from->parameter_group,
        .tags = from->copy_tags ? from->tags : (struct str_list){0},
    };
    assert(machine && name.n > 0);
    for (size_t i = 0; tags && i < tags->n; i += 2)
        rds_pair_set(call, &ret->tags, tags->v[i], tags->v[i + 1]);
    ask.name = str_fmt(call->arena, "%.*s %.*s", STR_ARG(from->id),
                       STR_ARG(api_uuid(call->env, call->arena)));
    int r = rds_ec2(call, machine->account, "CreateImage", &ask, &made);

    if (r > 0)
        return api_fault(call, &RDS_ERR(InvalidDBInstanceState),
                         "Cannot create a snapshot of the database instance %.*s: %.*s",
                         STR_ARG(from->name), STR_ARG(str_dup(call->arena, call->fault.message)));
    ret->image_id = made.image_id;
    assert(r || ret->image_id.n > 0);
    if (r == 0)
        r = put(call, ret);
    if (r == 0 && str_is(ret->type, "manual"))
        r = rds_event_put(call, RDS_EVENT_SNAPSHOT_BEGIN, name);
    return r;
}

bool
rds_snapshot_runs(struct api_call *call, const struct rds_instance_row *row)
{
    STORE_EACH(call->txn, rds_snapshot_by_source, snapshot, row->id)
        if (str_is(snapshot->status, "creating") && !snapshot->copied_from.n)
            return true;
    return false;
}

int
rds_snapshot_step(struct api_call *call, struct str id)
{
    const struct rds_snapshot_row *old = rds_snapshot_get(call->txn, id);
    const struct ec2_image_row *image = old ? ec2_image_get(call->txn, old->image_id) : NULL;
    bool done = image && str_is(image->state, "available");

    if (!old || !str_is(old->status, "creating") || (image && str_is(image->state, "pending")))
        return 0;
    struct rds_snapshot_row row = *old;

    assert(old->image_id.n > 0);
    assert(rds_offer_find(old->engine));
    row.status = done ? S("available") : S("failed");
    row.created_ms = row.created_ms ? row.created_ms : call->now_ms;
    int r = put(call, &row);

    if (r == 0 && done && str_is(row.type, "manual"))
        r = rds_event_put(call, RDS_EVENT_SNAPSHOT_END, row.name);
    return r;
}

/* ---- deleting ---- */

/* The image and what it stands on; what was restored from it runs on. */
static int
drop(struct api_call *call, const struct rds_snapshot_row *row)
{
    const struct ec2_image_row *image = ec2_image_get(call->txn, row->image_id);
    const struct ec2_DeregisterImageRequest off = {.image_id = row->image_id};
    struct ec2_DeregisterImageResult gone = {0};
    struct ec2_DeleteSnapshotRequest del = {0};
    struct ec2_DeleteSnapshotResult deleted = {0};
    int r = 0;

    assert(!image || str_is(image->account, RDS_MACHINES));
    if (image) {
        del.snapshot_id = image->snapshot_id;
        r = rds_ec2(call, image->account, "DeregisterImage", &off, &gone);
        if (r == 0)
            r = rds_ec2(call, image->account, "DeleteSnapshot", &del, &deleted);
    }
    if (r > 0)
        return error_origin(EPROTO, "snapshot %.*s cannot be deleted: %.*s", STR_ARG(row->name),
                            STR_ARG(call->fault.message));
    return r ? r : rds_written(rds_snapshot_delete(call->txn, row->id), "snapshot", row->name);
}

int
rds_snapshots_expire(struct api_call *call, const struct rds_instance_row *row, bool all)
{
    int r = 0;

    STORE_EACH(call->txn, rds_snapshot_by_source, snapshot, row->id) {
        int64_t age_ms = call->now_ms - snapshot->created_ms;

        if (r == 0 && str_is(snapshot->type, "automated") &&
            !str_is(snapshot->status, "creating") &&
            (all || age_ms > row->retention_days * RDS_DAY_MS))
            r = drop(call, snapshot);
    }
    return r;
}

int
rds_delete_db_snapshot(struct api_call *call, const struct rds_DeleteDBSnapshotMessage *req,
                       struct rds_DeleteDBSnapshotResult *res)
{
    const struct rds_snapshot_row *row = look(call, req->db_snapshot_identifier);

    if (!row)
        return not_found(call, req->db_snapshot_identifier);
    if (str_is(row->type, "automated"))
        return api_fault(call, &RDS_ERR(InvalidDBSnapshotState),
                         "Automated snapshots cannot be deleted: %.*s", STR_ARG(row->name));
    if (str_is(row->status, "creating"))
        return api_fault(call, &RDS_ERR(InvalidDBSnapshotState),
                         "The snapshot %.*s is not in an available state.", STR_ARG(row->name));
    res->db_snapshot = show(call, row);
    res->db_snapshot->status = S("deleted");
    struct str name = row->name;
    int r = drop(call, row);

    return r ? r : rds_event_put(call, RDS_EVENT_SNAPSHOT_DELETED, name);
}

/* ---- CreateDBSnapshot ---- */

int
rds_create_db_snapshot(struct api_call *call, const struct rds_CreateDBSnapshotMessage *req,
                       struct rds_CreateDBSnapshotResult *res)
{
    struct rds_instance_row db;
    struct rds_snapshot_row row;
    struct str_list tags = {0};
    struct str name;
    int r = rds_instance_find(call, req->db_instance_identifier, &db);

    if (r == 0)
        r = rds_snapshot_name_free(call, "DBSnapshotIdentifier", req->db_snapshot_identifier,
                                   &name);
    if (r == 0)
        r = rds_tags_put(call, &req->tags, &tags);
    if (r == 0 && db.status != RDS_AVAILABLE && db.status != RDS_STOPPED)
        r = api_fault(call, &RDS_ERR(InvalidDBInstanceState),
                      "Cannot create a snapshot because the database instance %.*s is not "
                      "currently in the available state.",
                      STR_ARG(db.name));
    if (r == 0)
        r = rds_snapshot_begin(call, &db, name, "manual", &tags, &row);
    /* a stopped one stays that */
    if (r == 0 && db.status == RDS_AVAILABLE)
        r = rds_instance_move(call, &db, RDS_BACKING_UP, RDS_STEP_SNAPSHOT);
    res->db_snapshot = r ? NULL : show(call, &row);
    return r;
}

/* ---- DescribeDBSnapshots ---- */

static bool
one_of(const struct rds_FilterList *filters, const char *name, struct str value)
{
    bool given = false;

    LIST_EACH(filters, f) {
        if (!str_is(f->name, name))
            continue;
        given = true;
        if (str_in(&f->values, value))
            return true;
    }
    return !given;
}

static int
describe_check(struct api_call *call, const struct rds_DescribeDBSnapshotsMessage *req)
{
    static const char *const types[] = {"automated", "manual", "shared", "public", "awsbackup"};
    bool known = !req->snapshot_type.n;

    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        known = known || str_is(req->snapshot_type, types[i]);
    if (!known)
        return RDS_INVALID(call, "Invalid value for SnapshotType: %.*s",
                           STR_ARG(req->snapshot_type));
    LIST_EACH(&req->filters, f)
        if (!str_is(f->name, "db-instance-id") && !str_is(f->name, "db-snapshot-id") &&
            !str_is(f->name, "dbi-resource-id") && !str_is(f->name, "snapshot-type") &&
            !str_is(f->name, "engine"))
            return RDS_INVALID(call, "Unrecognized filter name: %.*s", STR_ARG(f->name));
    if (req->db_snapshot_identifier.n && !look(call, req->db_snapshot_identifier))
        return not_found(call, req->db_snapshot_identifier);
    return 0;
}

static bool
wanted(struct api_call *call, const struct rds_DescribeDBSnapshotsMessage *req,
       const struct rds_snapshot_row *row)
{
    struct str source = str_lower(call->arena, req->db_instance_identifier);
    struct str prefix = rds_arn(call, "db", S(""));

    if (str_starts(source, prefix))
        source = str_cut(source, prefix.n, source.n);
    return (!source.n || str_eq(source, row->source)) &&
           (!req->db_snapshot_identifier.n || look(call, req->db_snapshot_identifier) == row) &&
           (!req->dbi_resource_id.n || str_eq(req->dbi_resource_id, row->source_id)) &&
           (!req->snapshot_type.n || str_eq(req->snapshot_type, row->type)) &&
           one_of(&req->filters, "db-instance-id", row->source) &&
           one_of(&req->filters, "db-snapshot-id", row->name) &&
           one_of(&req->filters, "dbi-resource-id", row->source_id) &&
           one_of(&req->filters, "snapshot-type", row->type) &&
           one_of(&req->filters, "engine", row->engine);
}

int
rds_describe_db_snapshots(struct api_call *call, const struct rds_DescribeDBSnapshotsMessage *req,
                          struct rds_DBSnapshotMessage *res)
{
    const struct rds_refusal refused[] = {
        {opt_bool_or(req->include_shared, false), "IncludeShared"},
        {opt_bool_or(req->include_public, false), "IncludePublic"},
    };
    struct api_page page;
    int r = rds_refuse_first(call, refused, ARRAY_LEN(refused));

    if (r == 0)
        r = describe_check(call, req);
    if (r == 0)
        r = rds_page_open(call, req->marker, req->max_records, &page);
    if (r)
        return r;
    API_PRESENT(&res->db_snapshots);
    STORE_EACH(call->txn, rds_snapshot_by_owner, row, call->account, call->region) {
        if (!wanted(call, req, row))
            continue;
        if (api_page_take(&page, row->name))
            *LIST_PUSH(call->arena, &res->db_snapshots) = *show(call, row);
        if (page.more)
            break;
    }
    res->marker = rds_page_next(call, &page);
    return 0;
}
