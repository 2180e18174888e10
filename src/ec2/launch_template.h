/*
 * What the files of launch templates share.
 *
 *   launch_template.c          templates: a name, which version is the default, which the latest
 *   launch_template_version.c  versions, which never change once they are made
 *   launch_template_data.c     what a version says, and how RunInstances takes it
 */
#pragma once

#include "ec2/instance.h"
#include "ec2/network.h"

#define LAUNCH_TEMPLATE_PAGE_MAX 200

/* ---- launch_template.c ---- */

/* By id or by name, whichever is given.  Faults: MissingParameter, InvalidParameterCombination,
 * InvalidLaunchTemplateId.Malformed and .NotFound, InvalidLaunchTemplateName.NotFoundException. */
int ec2_launch_template_find(struct api_call *call, struct str id, struct str name,
                             const struct ec2_launch_template_row **ret);
int ec2_launch_template_put(struct txn *txn, const struct ec2_launch_template_row *row);

/* ---- launch_template_version.c ---- */

/*
 * The version that a text names: a number, $Latest or $Default, which nothing (p NULL) is as well.
 * Faults: InvalidParameterValue, InvalidLaunchTemplateId.VersionNotFound.
 */
int ec2_launch_template_version_find(struct api_call *call,
                                     const struct ec2_launch_template_row *row, struct str version,
                                     const struct ec2_launch_template_version_row **ret);
/*
 * Makes the next version and counts it in *row, which the caller writes.  Faults:
 * LaunchTemplateVersionLimitExceeded, those of ec2_launch_template_data_pack().
 */
struct ec2_launch_template_version_want {
    const struct ec2_RequestLaunchTemplateData *data;
    struct str description, client_token, request_hash;
};
int ec2_launch_template_version_make(struct api_call *call, struct ec2_launch_template_row *row,
                                     const struct ec2_launch_template_version_want *want,
                                     struct ec2_launch_template_version_row *ret);
/* All versions go with their template. */
int ec2_launch_template_versions_drop(struct txn *txn, struct str template_id);

/* ---- launch_template_data.c ---- */

/*
 * The text of a row, of what a version may say.  Faults: those of ec2_launch_refuse() and
 * ec2_user_data_decode(), InvalidParameterValue (too large).
 */
int
ec2_launch_template_data_pack(struct api_call *call,
                              const struct ec2_RequestLaunchTemplateData *data, struct str *ret);
int ec2_launch_template_data_show(struct api_call *call,
                                  const struct ec2_launch_template_version_row *row,
                                  struct ec2_ResponseLaunchTemplateData **ret);
/* What `own` does not say is as `source` says it: SourceVersion. */
int ec2_launch_template_data_inherit(struct api_call *call,
                                     const struct ec2_launch_template_version_row *source,
                                     const struct ec2_RequestLaunchTemplateData *own,
                                     struct ec2_RequestLaunchTemplateData *ret);
