/*
 * Host names as EC2 makes them from addresses, and back; the ARNs of IAM; what accounts look like.
 * https://docs.aws.amazon.com/vpc/latest/userguide/vpc-dns.html
 */
#pragma once

#include "base/str.h"

/* "ip-172-31-0-5.ec2.internal", other regions "ip-….REGION.compute.internal". */
struct str aws_private_name(struct arena *a, struct str region, uint32_t ip);
/* "ec2-198-18-0-5.compute-1.amazonaws.com", other regions "ec2-….REGION.compute.amazonaws.com". */
struct str aws_public_name(struct arena *a, struct str region, uint32_t ip);
/* "ec2.internal" or "REGION.compute.internal": the domain that DHCP hands out. */
struct str aws_private_domain(struct arena *a, struct str region);

/* The address in a name of either form, whatever its region; ASCII case does not count. */
bool aws_private_name_parse(struct str name, uint32_t *ret_ip);
bool aws_public_name_parse(struct str name, uint32_t *ret_ip);

/* Whether it is an account's number: twelve digits. */
bool aws_is_account(struct str s);

/* "arn:aws:iam::ACCOUNT:TYPE/PATH/NAME"; the path begins and ends with a slash, as rows have it. */
struct str aws_iam_arn(struct arena *a, struct str account, const char *type, struct str path,
                       struct str name);
