/*
 * Elastic Container Registry: repositories and what is said of them.  There are no images and no
 * registry that one could push to; DescribeImages and all about layers say so.
 */
#pragma once

#include "api/api.h"
#include "api/authorize.h"
#include "gen/api/ecr.h"
#include "gen/store/ecr_rows.h"

extern const struct api_service_hooks ecr_hooks;

enum { ECR_TAGS_MAX = 50, ECR_PAGE_MAX = 1000, ECR_PAGE = 100 };

/* The repository of a registry; RepositoryNotFoundException. */
int ecr_find(struct api_call *call, struct str registry, struct str name,
             const struct ecr_repository_row **ret);
/* By its ARN. */
int ecr_find_arn(struct api_call *call, struct str arn, const struct ecr_repository_row **ret);
/* What is true of every row, as assertions. */
void ecr_repository_assert(const struct ecr_repository_row *row);
/* Writes a row that exists; 0 or negative. */
int ecr_save(struct api_call *call, const struct ecr_repository_row *row);
/* Puts tags to a list; TooManyTagsException, InvalidTagParameterException. */
int ecr_tags_add(struct api_call *call, const struct ecr_TagList *tags, struct str_list *list);
/* A fault of the description, 400. */
int ecr_refuse(struct api_call *call, const char *code, const char *fmt, ...) PRINTF_LIKE(3, 4);
