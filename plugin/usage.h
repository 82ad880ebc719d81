/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is used of each limit of the plugin. */
#ifndef DH_USAGE_H
#define DH_USAGE_H

#include <jansson.h>

#include "instance.h"

/* An object of {"used":…,"limit":…}; `limit` null: there is none. A new reference.
 * Any thread; waits a moment for the I/O thread. */
json_t *dh_usage(struct dh_instance *instance);

#endif
