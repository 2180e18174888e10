/*
 * The calls that the helpers make: CloudFormation's query protocol, presigned URLs, and files.
 *
 * Plain HTTP, also where AWS's names are given with https: inside an instance those names lead to
 * the cloud's own daemon over the VPC's own link, on port 80 as on 443, and nobody else is on
 * that link.  Other hosts' https goes through the image's curl or wget.
 */
#ifndef CFN_CLIENT_H
#define CFN_CLIENT_H

#include "../node.h"
#include "options.h"
#include "sign.h"

struct client {
    struct arena *a;
    struct str region, url, service;
    const char *version; /* of the service's API */
    struct credentials who;
    bool signs_identity;
};

/* clang-format off */
/* The options by which every helper is told who it is; see client_open(). */
#define CLIENT_CREDENTIALS                                                                         \
    {'f', "credential-file", OPTION_TEXT,                                                          \
     "A credential file, readable only by the owner, with keys 'AWSAccessKeyId' and "              \
     "'AWSSecretKey'", "AWS Credentials"},                                                         \
    {0, "role", OPTION_TEXT, "An IAM Role", "AWS Credentials"},                                    \
    {0, "access-key", OPTION_TEXT, "An AWS Access Key", "AWS Credentials"},                        \
    {0, "secret-key", OPTION_TEXT, "An AWS Secret Key", "AWS Credentials"},                        \
    {0, "http-proxy", OPTION_TEXT, "A (non-SSL) HTTP proxy", "Proxy"},                             \
    {0, "https-proxy", OPTION_TEXT, "An HTTPS proxy", "Proxy"}

/* Those by which it is told of whose metadata it is, in the order of enum client_target. */
#define CLIENT_TARGET                                                                              \
    {'s', "stack", OPTION_TEXT, "A CloudFormation stack", NULL},                                   \
    {'r', "resource", OPTION_TEXT, "A CloudFormation logical resource ID", NULL},                  \
    {'u', "url", OPTION_TEXT,                                                                      \
     "The CloudFormation service URL. The endpoint URL must match the region option. Use of this " \
     "parameter is discouraged.", NULL},                                                           \
    {0, "region", OPTION_TEXT, "The CloudFormation region. Default: us-east-1.", NULL},            \
    {'v', "verbose", OPTION_FLAG, "Enables verbose logging", NULL}
/* clang-format on */

enum client_target { TARGET_STACK, TARGET_RESOURCE, TARGET_URL, TARGET_REGION, TARGET_VERBOSE };
enum { CLIENT_N_CREDENTIALS = 6, CLIENT_N_TARGET = 5 };

/* Takes values[0..5] of CLIENT_CREDENTIALS; says why and exits with 1 when they do not do. */
void client_open(struct client *c, struct arena *a, const struct option_value *values,
                 struct str url, struct str region);
/* The same from a file; false with a reason. */
bool client_read_credentials(struct arena *a, struct str path, struct credentials *ret,
                             struct str *ret_why);
bool client_role(struct arena *a, struct str role, struct credentials *ret, struct str *ret_why);

struct stack_resource {
    struct str logical_id, physical_id, status, last_updated;
    const struct node *metadata; /* NULL: none */
};

/* Both try again as aws-cfn-bootstrap does; false with "Code: message" or another reason. */
bool client_describe(struct client *c, struct str stack, struct str logical_id,
                     struct stack_resource *ret, struct str *ret_why);
bool client_signal(struct client *c, struct str stack, struct str logical_id, struct str id,
                   bool success, struct str *ret_why);
/* *ret_leader: the listener that acts for a command; of the service that AWS never documented. */
bool client_elect(struct client *c, struct str stack, struct str command, struct str invocation,
                  struct str listener, struct str *ret_leader, struct str *ret_why);
/* One message to a queue of SQS. */
bool client_send_message(struct arena *a, const struct credentials *who, struct str queue,
                         struct str message, struct str *ret_why);
bool client_put(struct arena *a, struct str url, struct str body, struct str *ret_why);

/* This instance's id, or empty outside of EC2. */
struct str client_instance_id(struct arena *a);

/*
 * A file by http, https or its path into another file; `auth` is AWS::CloudFormation::
 * Authentication, `name` the one to be used ("" finds it by bucket or host).
 */
bool client_download(struct arena *a, struct str source, const struct node *auth, struct str name,
                     const char *to, struct str *ret_why);

/* Pure, for tests: an element's text, entities resolved; false when there is none. */
bool xml_text(struct arena *a, struct str xml, const char *element, struct str *ret);

#endif
