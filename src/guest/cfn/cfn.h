/*
 * The helpers of CloudFormation, as programs: what aws-cfn-bootstrap puts into /opt/aws/bin.
 *
 * They are names of the same binary as the init; see init.c.
 */
#ifndef CFN_CFN_H
#define CFN_CFN_H

/* Runs the helper of that name; -1 when there is none, else its exit status. */
int cfn_command(const char *name, int argc, char **argv);

int cfn_init_command(int argc, char **argv);
int cfn_signal_command(int argc, char **argv);
int cfn_get_metadata_command(int argc, char **argv);
int cfn_hup_command(int argc, char **argv);
int cfn_elect_cmd_leader_command(int argc, char **argv);
int cfn_send_cmd_result_command(int argc, char **argv);

#endif
