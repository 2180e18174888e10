/*
 * Configuration files as Python's ConfigParser reads them: cfn-hup.conf and its hooks.
 */
#ifndef CFN_INI_H
#define CFN_INI_H

#include "../node.h"

/*
 * Adds a text's sections and options to `root`, a map of maps; later ones replace earlier ones.
 * Names of options are made small.  False with *ret_why for a line that is none.
 */
bool ini_read(struct arena *a, struct str text, struct node *root, struct str *ret_why);

#endif
