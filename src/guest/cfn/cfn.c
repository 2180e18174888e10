/*
 * Which helper a name is.
 */
#include "cfn.h"

#include <string.h>

int
cfn_command(const char *name, int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(int argc, char **argv);
    } helpers[] = {
        {"cfn-init", cfn_init_command},
        {"cfn-signal", cfn_signal_command},
        {"cfn-get-metadata", cfn_get_metadata_command},
        {"cfn-hup", cfn_hup_command},
        {"cfn-elect-cmd-leader", cfn_elect_cmd_leader_command},
        {"cfn-send-cmd-result", cfn_send_cmd_result_command},
    };

    for (size_t i = 0; i < sizeof(helpers) / sizeof(*helpers); i++)
        if (strcmp(name, helpers[i].name) == 0)
            return helpers[i].run(argc, argv);
    return -1;
}
