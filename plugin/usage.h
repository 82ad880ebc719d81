/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Usage of each of the plugin's limits. */
#ifndef DH_USAGE_H
#define DH_USAGE_H

#include <jansson.h>

#include "instance.h"

/* An object of {"used":…,"limit":…}; `limit` null: there is none. `with_rooms`: what `each_room` has is followed by
 * the room's counters, null of one that does not answer. A new reference. Any thread but the I/O thread, which it
 * waits for, and a room's. */
json_t *dh_usage(struct dh_instance *instance, bool with_rooms);

/* {"jobs":{…},"cache":{…}}: what was asked of the workers and of the cache since the start. A new reference.
 * Likewise. */
json_t *dh_usage_work(struct dh_instance *instance);

/* An array: every generator, its places, who waits. */
json_t *dh_usage_generators(struct dh_instance *instance);

#endif
