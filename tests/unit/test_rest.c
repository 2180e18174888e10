/* REST: which operation a request is for, what of it becomes which member, and replies. */
#include "api/rest.h"
#include "api/validate.h"
#include "gen/tests/restdemo.h"
#include "gen/tests/xmldemo.h"
#include "harness/harness.h"

struct outcome {
    struct api_call call;
    void *in;
    int r;
};

static struct outcome
ask(const struct api_service *s, const char *method, const char *uri, struct str body,
    const struct http_header *headers, size_t n)
{
    struct outcome o = {.call = {.arena = test_arena(), .service = s}};
    struct str query = str_from(uri), path = str_split(&query, '?');
    struct api_request req = {.http = {str_from(method), path, query, headers, n, body}};

    o.call.wire = api_wire_of(s->protocol);
    o.r = o.call.wire->find(&o.call, &req);
    if (o.r == 0) {
        o.in = api_new_input(s, o.call.op, test_arena());
        o.r = o.call.wire->decode(&o.call, &req, o.in);
    }
    return o;
}

static struct outcome
get(const char *uri)
{
    return ask(&restdemo_service, "GET", uri, S(""), NULL, 0);
}

static const char *
op_of(const char *method, const char *uri, const char *header)
{
    struct http_header h = {str_from(header), S("x")};
    struct outcome o = ask(&restdemo_service, method, uri, S(""), &h, header ? 1 : 0);

    return o.call.op ? test_cstr(api_op_name(&restdemo_service, o.call.op)) : "";
}

TEST(the_most_specific_route_is_the_operation)
{
    static const struct {
        const char *method, *uri, *header, *op;
    } rows[] = {
        {"GET", "/things", NULL, "ListThings"},
        {"GET", "/things/", NULL, "ListThings"},
        {"GET", "/things?limit=3", NULL, "ListThings"},
        {"GET", "/things?tags", NULL, "ListTags"},
        {"GET", "/things?limit=3&tags=", NULL, "ListTags"},
        {"POST", "/things", NULL, "CreateThing"},
        {"POST", "/things/", NULL, "CreateThing"},
        {"GET", "/things/latest", NULL, "GetLatest"},
        {"GET", "/things/late", NULL, "GetThing"},
        {"GET", "/things/lat%65st", NULL, "GetThing"},
        {"DELETE", "/things/latest", NULL, "DeleteThing"},
        {"PUT", "/files/b/k", NULL, "PutFile"},
        {"PUT", "/files/b/k/l//m/", NULL, "PutFile"},
        {"PUT", "/files/b/k?acl", NULL, "PutAcl"},
        {"PUT", "/files/b/k", "X-Copy-Source", "CopyFile"},
        {"PUT", "/files/b/k?part=1&upload=u", NULL, "PutPart"},
        {"PUT", "/files/b/k?part=1", NULL, "PutFile"},
        {"GET", "/", NULL, ""},
        {"GET", "", NULL, ""},
        {"GET", "//", NULL, ""},
        {"PUT", "/things", NULL, ""},
        {"get", "/things", NULL, ""},
        {"GET", "/things/a/b", NULL, ""},
        {"GET", "/files/b", NULL, ""},
        {"GET", "/files/b/", NULL, ""},
        {"GET", "/files//k", NULL, ""},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (strcmp(op_of(rows[i].method, rows[i].uri, rows[i].header), rows[i].op) != 0)
            FAIL("%s %s is %s", rows[i].method, rows[i].uri,
                 op_of(rows[i].method, rows[i].uri, rows[i].header));
    struct outcome o = get("/nothing");
    CHECK_STR(o.call.fault.code, "UnknownOperationException");
    CHECK_INT(o.call.fault.http, 404);
    o = ask(&xmldemo_service, "GET", "/nothing", S(""), NULL, 0);
    CHECK_STR(o.call.fault.code, "MethodNotAllowed");
    CHECK_INT(o.call.fault.http, 405);
}

TEST(labels_are_decoded_and_a_greedy_one_takes_the_rest)
{
    struct outcome o = get("/files/b%20x/k%2Fl//m%3F/");
    const struct restdemo_FileId *file = o.in;

    CHECK_INT(o.r, 0);
    CHECK_STR(file->box, "b x");
    CHECK_STR(file->key, "k/l//m?/");
    o = get("/things/%ff");
    CHECK(o.r > 0);
    o = get("/things/%4");
    CHECK(o.r > 0);
    CHECK_STR(o.call.fault.code, "SerializationException");
    /* More segments than the matcher has room for. */
    char uri[256] = "/files/b";
    for (size_t i = 8; i < 208; i += 2)
        memcpy(uri + i, "/k", 2);
    o = get(uri);
    CHECK_INT(o.r, 0);
    CHECK_INT(((const struct restdemo_FileId *)o.in)->key.n, 199);
}

TEST(parameters_and_headers_become_members)
{
    struct http_header headers[] = {
        {S("X-Names"), S("a, \"b,\\\"c\" ,d")},
        {S("x-times"), S("Mon, 16 Dec 2019 23:48:18 GMT, Mon, 16 Dec 2019 23:48:19 GMT")},
        {S("x-context"), S("eyJhIjoxfQ==")},
    };
    struct outcome o = ask(&restdemo_service, "GET",
                           "/things?colour=red&colour=green&since=2019-12-16T23:48:18Z&limit=7",
                           S(""), headers, ARRAY_LEN(headers));
    const struct restdemo_ListThingsRequest *in = o.in;

    CHECK_INT(o.r, 0);
    CHECK_INT(in->colours.n, 2);
    CHECK_STR(in->colours.v[1], "green");
    CHECK_INT(in->since.v, 1576540098000);
    CHECK_INT(in->limit.v, 7);
    CHECK_INT(in->names.n, 3);
    CHECK_STR(in->names.v[1], "b,\"c");
    CHECK_STR(in->names.v[2], "d");
    CHECK_INT(in->times.n, 2);
    CHECK_INT(in->times.v[1], 1576540099000);
    CHECK_STR(in->context, "{\"a\":1}");
    o = get("/things?limit=x");
    CHECK_STR(o.call.fault.message, "The value of limit is not an integer");
    o = get("/things?tags&a=1&b=2&a=3");
    CHECK_INT(o.r, 0);
    const struct restdemo_ListTagsRequest *tags = o.in;
    CHECK_INT(tags->rest.n, 2);
    CHECK_STR(tags->rest.v[0].key, "a");
    CHECK_INT(tags->rest.v[0].value.n, 2);
    CHECK_STR(tags->rest.v[0].value.v[1], "3");
}

TEST(a_payload_is_a_slice_of_the_body)
{
    struct http_header meta[] = {{S("X-Meta-Colour"), S("red")}, {S("x-meta-"), S("none")}};
    struct str body = S("bytes \xff");
    struct outcome o = ask(&restdemo_service, "PUT", "/files/b/k", body, meta, ARRAY_LEN(meta));
    const struct restdemo_PutFileRequest *in = o.in;

    CHECK_INT(o.r, 0);
    CHECK(in->body.p == body.p && in->body.n == body.n);
    CHECK_INT(in->meta.n, 1);
    CHECK_STR(in->meta.v[0].key, "Colour");
    CHECK_STR(in->meta.v[0].value, "red");
}

TEST(a_document_keeps_its_text)
{
    struct outcome o = ask(
        &restdemo_service, "POST", "/things",
        S("{\"Name\":\"n\",\"Doc\": {\"a\": [1.50, null]} ,\"Attributes\":{\"x\":null}}"), NULL, 0);
    const struct restdemo_CreateThingRequest *in = o.in;

    CHECK_INT(o.r, 0);
    CHECK_STR(in->doc, "{\"a\": [1.50, null]}");
    CHECK_INT(in->attributes.n, 1);
    CHECK(!in->attributes.v[0].value.p);
}

/* ---- replies ---- */

static struct api_reply
reply_of(const struct api_service *s, const char *op, const void *out, struct api_call *call)
{
    struct api_reply reply = {0};

    *call = (struct api_call){.arena = test_arena(),
                              .service = s,
                              .op = api_op_find(s, str_from(op)),
                              .wire = api_wire_of(s->protocol),
                              .request_id = S("id")};
    CHECK(call->op != NULL);
    buf_init(&reply.body, 1 << 16);
    if (out)
        call->wire->encode(call, &(struct api_request){.trusted = true}, out, &reply);
    return reply;
}

static struct str
body_of(struct api_reply *reply)
{
    struct str body = str_dup(test_arena(), buf_str(&reply->body));

    CHECK(!buf_failed(&reply->body));
    buf_done(&reply->body);
    return body;
}

static struct str
header_of(const struct api_reply *reply, const char *name)
{
    for (size_t i = 0; i < reply->headers.n; i++)
        if (str_is(reply->headers.v[i].name, name))
            return reply->headers.v[i].value;
    return STR_NONE;
}

TEST(a_rest_reply_has_status_headers_and_body)
{
    struct restdemo_Thing thing = {.id = S("i\x7f"),
                                   .size = opt_i64(-3),
                                   .ratio = opt_f64(0.1),
                                   .made = opt_i64(1500),
                                   .blob = S("\1\2"),
                                   .on = opt_bool(false),
                                   .doc = S("[1]"),
                                   .parts = {.v = API_EMPTY}};
    struct api_call call;
    struct api_reply reply = reply_of(&restdemo_service, "CreateThing", &thing, &call);

    CHECK_INT(reply.status, 201);
    CHECK_STR(reply.content_type, "application/json");
    CHECK_STR(body_of(&reply), "{\"Id\":\"i\\u007f\",\"Size\":-3,\"Ratio\":0.1,\"Made\":1.5,"
                               "\"Blob\":\"AQI=\",\"On\":false,\"Doc\":[1],\"Parts\":[]}");

    struct restdemo_DeleteThingResult nothing = {0};
    reply = reply_of(&restdemo_service, "DeleteThing", &nothing, &call);
    CHECK_INT(reply.status, 204);
    CHECK_INT(body_of(&reply).n, 0);

    struct restdemo_TextMapEntry meta = {.key = S("a"), .value = S("x\r\ny")};
    struct restdemo_File file = {.body = S("raw"),
                                 .type = S("text/x"),
                                 .modified = opt_i64(1576540098000),
                                 .meta = {&meta, 1},
                                 .status = opt_i64(206)};
    reply = reply_of(&restdemo_service, "GetFile", &file, &call);
    CHECK_INT(reply.status, 206);
    CHECK_STR(reply.content_type, "text/x");
    CHECK_STR(header_of(&reply, "Last-Modified"), "Mon, 16 Dec 2019 23:48:18 GMT");
    CHECK_STR(header_of(&reply, "x-meta-a"), "x  y"); /* no header of one's own */
    CHECK_STR(body_of(&reply), "raw");
}

TEST(faults_of_rest_json_are_named_in_a_header)
{
    struct restdemo_NoSuchFile detail = {.key = S("k"), .hint = S("h")};
    struct api_call call;
    struct api_reply reply = reply_of(&restdemo_service, "PutAcl", NULL, &call);

    call.fault = (struct api_fault){S("NoSuchFile"), 404, S("It is not there."), true, &detail};
    call.wire->encode_fault(&call, &(struct api_request){.trusted = true}, &reply);
    CHECK_INT(reply.status, 404);
    CHECK_STR(header_of(&reply, "x-amzn-errortype"), "NoSuchFile");
    CHECK_STR(header_of(&reply, "x-hint"), "h");
    CHECK_STR(body_of(&reply), "{\"message\":\"It is not there.\",\"Key\":\"k\"}");
}

TEST(faults_of_s3s_kind_have_no_envelope)
{
    struct xmldemo_NoSuchGrant detail = {.resource = S("/a&b")};
    struct api_call call;
    struct api_reply reply = reply_of(&xmldemo_service, "GetGrants", NULL, &call);

    call.fault = (struct api_fault){S("NoSuchGrant"), 404, S("<no>"), true, &detail};
    call.wire->encode_fault(&call, &(struct api_request){.trusted = true}, &reply);
    CHECK_STR(reply.content_type, "application/xml");
    CHECK_STR(header_of(&reply, "x-amz-request-id"), "id");
    CHECK_STR(body_of(&reply),
              "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>NoSuchGrant"
              "</Code><Message>&lt;no&gt;</Message><Resource>/a&amp;b</Resource>"
              "<RequestId>id</RequestId><HostId>id</HostId></Error>");
}

/* ---- XML ---- */

static struct outcome
put(const char *xml)
{
    return ask(&xmldemo_service, "PUT", "/grants", str_from(xml), NULL, 0);
}

TEST(xml_becomes_members)
{
    struct outcome o =
        put("\xef\xbb\xbf<?xml version='1.0'?>\n<!-- c --><x:Any xmlns:x='u'>"
            "<List><Grant xsi:type=\"Group &quot;&gt;\"><ID>a</ID></Grant><Other/>"
            "<Grant><ID>b<![CDATA[<&>]]>c&#x41;</ID></Grant></List>"
            "<Name>n1</Name><Owner> o </Owner><Name>n2</Name><Unknown><a>t<b/></a></Unknown>"
            "<Map><entry><K>k</K><V> 7 </V></entry></Map>"
            "<FlatMap><key>x</key><value/></FlatMap>"
            "<When>2019-12-16T23:48:18.500Z</When><Data>AQI=</Data></x:Any>\n");
    const struct xmldemo_PutGrantsRequest *in = o.in;

    CHECK_INT(o.r, 0);
    const struct xmldemo_Grants *g = in->grants;
    CHECK_INT(g->list.n, 2);
    CHECK_STR(g->list.v[0].type, "Group \">");
    CHECK_STR(g->list.v[1].id, "b<&>cA");
    CHECK(!g->list.v[1].type.p);
    CHECK_STR(g->owner, " o ");
    CHECK_INT(g->flat.n, 2);
    CHECK_STR(g->flat.v[1], "n2");
    CHECK_INT(g->map.n, 1);
    CHECK_INT(g->map.v[0].value.v, 7);
    CHECK_STR(g->flat_map.v[0].key, "x");
    CHECK_STR(g->flat_map.v[0].value, "");
    CHECK_INT(g->when.v, 1576540098500);
    CHECK_INT(g->data.n, 2);
    CHECK(!g->count.set);
    o = put("");
    CHECK_INT(o.r, 0);
    CHECK(!((const struct xmldemo_PutGrantsRequest *)o.in)->grants);
}

TEST(xml_that_is_none_is_refused)
{
    static const char *const bad[] = {"x",
                                      "<a>",
                                      "<a></b>",
                                      "<a/><b/>",
                                      "<a><Owner></a></Owner>",
                                      "<a>&lol;</a>",
                                      "<a b></a>",
                                      "<!DOCTYPE a [<!ENTITY lol 'x'>]><a><Owner>&lol;</Owner></a>",
                                      "<a><Count>x</Count></a>",
                                      "<a><Owner><b/></Owner></a>",
                                      "<a><Owner>&#0;</Owner></a>",
                                      "<a><Owner>&#xD800;</Owner></a>",
                                      "<a>text</a>",
                                      "<a><Owner>&amp</Owner></a>",
                                      "<>",
                                      "</a>",
                                      "<a><Data>!</Data></a>",
                                      "<a b='1' b</a>",
                                      "<a><!-- </a>",
                                      "<a><![CDATA[ </a>",
                                      "\xff<a/>"};

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct outcome o = put(bad[i]);

        if (o.r <= 0 || !str_is(o.call.fault.code, "MalformedXML"))
            FAIL("taken: %s", bad[i]);
    }
    struct buf deep;
    buf_init(&deep, 1 << 20);
    for (int i = 0; i < 100; i++)
        buf_add_lit(&deep, "<a>");
    for (int i = 0; i < 100; i++)
        buf_add_lit(&deep, "</a>");
    CHECK(put(test_cstr(buf_str(&deep))).r > 0);
    buf_done(&deep);
}

TEST(a_rest_xml_reply_has_its_root_and_attributes)
{
    struct xmldemo_Grant grant = {.type = S("a\"b<"), .id = S("i")};
    struct str names[] = {S_INIT("x"), S_INIT("y")};
    struct xmldemo_GrantsResult out = {
        .list = {&grant, 1}, .flat = {names, 2}, .when = opt_i64(1576540098500)};
    struct api_call call;
    struct api_reply reply = reply_of(&xmldemo_service, "GetGrants", &out, &call);

    CHECK_INT(reply.status, 200);
    CHECK_STR(
        body_of(&reply),
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Grants xmlns=\"http://example.com/doc/\">"
        "<List><Grant xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" "
        "xsi:type=\"a&quot;b&lt;\"><ID>i</ID></Grant></List><Name>x</Name><Name>y</Name>"
        "<When>2019-12-16T23:48:18.500Z</When></Grants>");
}

TEST(mistakes_in_the_keys_of_a_map_are_one_mistake_of_it)
{
    struct restdemo_CreateThingRequest req = {.name = S("x")};
    struct api_fault fault = {0};
    const struct api_service *s = &restdemo_service;
    struct restdemo_TextMap *map = LIST_PUSH(test_arena(), &req.notes);

    *map = (struct restdemo_TextMap){0};
    *LIST_PUSH(test_arena(), map) = (struct restdemo_TextMapEntry){S(""), S("x")};
    *LIST_PUSH(test_arena(), map) = (struct restdemo_TextMapEntry){S("a"), S("b")};
    const struct api_op *op = api_op_find(s, S("CreateThing"));
    CHECK_INT(api_validate(s, API_JSON, api_shape(s, op->input), test_arena(), &req, &fault), 1);
    CHECK_STR(
        fault.message,
        "1 validation error detected: Value '{=x, a=b}' at 'notes.1.member' failed to "
        "satisfy constraint: Map keys must satisfy constraint: [Member must have length less than "
        "or equal to 4, Member must have length greater than or equal to 1]");
}
