/* Capacity Reservations: capacity_reservation.c has the operations, capacity_use.c the use. */
#pragma once

#include "ec2/instance.h"

enum ec2_capacity_state { EC2_CAPACITY_ACTIVE, EC2_CAPACITY_EXPIRED, EC2_CAPACITY_CANCELLED };
extern const struct sm ec2_capacity_sm;

/* Whether the instance is of the kind that the active reservation is for. */
bool ec2_capacity_fits(const struct ec2_capacity_reservation_row *row,
                       const struct ec2_instance_row *instance);
/*
 * Gives an instance that starts a slot of the reservation that it targets, or of an open one, when
 * there is one: writes host and capacity_reservation_id.  Without one both stay empty, and it is
 * placed like any other.  Fault: ReservationCapacityExceeded.
 */
int ec2_capacity_take(struct api_call *call, struct ec2_instance_row *instance);
/* The instance leaves row->host, and its slot is free again. */
int ec2_capacity_give_back(struct txn *txn, struct ec2_instance_row *instance);
/* How many instances run in it, but `besides`. */
int64_t ec2_capacity_used(struct txn *txn, const struct ec2_capacity_reservation_row *row,
                          struct str besides);
/* Expires or cancels it.  0 or negative. */
int ec2_capacity_end(struct txn *txn, const struct ec2_capacity_reservation_row *row,
                     enum ec2_capacity_state to, int64_t now_ms) MUST_USE;
/* What a launch says of reservations, checked and written to the row. */
int
ec2_capacity_check(struct api_call *call, const struct ec2_CapacityReservationSpecification *want,
                   struct ec2_instance_row *row);
int ec2_capacity_find(struct api_call *call, struct str id,
                      const struct ec2_capacity_reservation_row **ret);

/* Lets reservations expire at their end dates. */
struct ec2_capacity_clock;
struct loop;
int ec2_capacity_clock_new(struct ec2_capacity_clock **ret, struct loop *loop, struct store *store);
struct ec2_capacity_clock *ec2_capacity_clock_free(struct ec2_capacity_clock *clock);

extern const struct api_filter_table ec2_capacity_filter_table;
