/*
 * What holds of every row of EC2 that a transaction may see.  Whoever writes a row asserts it, and
 * so does who was given one by its id: a row that is not whole is found where it was made, in tests
 * and in the simulation, and not where it does harm.
 *
 * Each answers true, or does not return: the line that fails says what is wrong.
 */
#pragma once

#include "gen/store/ec2_rows.h"

bool ec2_instance_ok(const struct ec2_instance_row *row);
bool ec2_interface_ok(const struct ec2_interface_row *row);
bool ec2_volume_ok(const struct ec2_volume_row *row);
bool ec2_snapshot_ok(const struct ec2_snapshot_row *row);
bool ec2_modification_ok(const struct ec2_volume_modification_row *row);
bool ec2_address_ok(const struct ec2_address_row *row);
bool ec2_vpc_ok(const struct ec2_vpc_row *row);
bool ec2_subnet_ok(const struct ec2_subnet_row *row);
bool ec2_route_table_ok(const struct ec2_route_table_row *row);
bool ec2_route_ok(const struct ec2_route_row *row);
bool ec2_internet_gateway_ok(const struct ec2_internet_gateway_row *row);
bool ec2_network_acl_ok(const struct ec2_network_acl_row *row);
bool ec2_acl_entry_ok(const struct ec2_acl_entry_row *row);
bool ec2_dhcp_options_ok(const struct ec2_dhcp_options_row *row);
bool ec2_security_group_ok(const struct ec2_security_group_row *row);
bool ec2_sg_rule_ok(const struct ec2_sg_rule_row *row);
bool ec2_key_pair_ok(const struct ec2_key_pair_row *row);
bool ec2_image_ok(const struct ec2_image_row *row);
bool ec2_launch_template_ok(const struct ec2_launch_template_row *row);
bool ec2_launch_template_version_ok(const struct ec2_launch_template_version_row *row);
bool ec2_placement_group_ok(const struct ec2_placement_group_row *row);
bool ec2_dedicated_host_ok(const struct ec2_dedicated_host_row *row);
bool ec2_host_reservation_ok(const struct ec2_host_reservation_row *row);
bool ec2_capacity_reservation_ok(const struct ec2_capacity_reservation_row *row);
bool ec2_profile_association_ok(const struct ec2_profile_association_row *row);
bool ec2_event_ok(const struct ec2_event_row *row);
