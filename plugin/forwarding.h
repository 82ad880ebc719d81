/* SPDX-License-Identifier: GPL-3.0-or-later */
/* RTP forwards of an instance's rooms: where the operator lets them go, how many there may be, and those that are
 * permanent.
 *
 * Any thread.
 */
#ifndef DH_FORWARDING_H
#define DH_FORWARDING_H

#include <stdbool.h>

#include <glib.h>
#include <jansson.h>

#include "config.h"
#include "instance.h"

/* The operator says where a room's secret may send packets. */
bool dh_forwarding_is_allowed(const struct dh_config *config, const char *host);

/* Begins a right one (forward_record.h) to a `host` that is allowed; `record`: what is kept of it, NULL: it is not
 * permanent. *reply as of dh_room_rtp_forward, whose errors it returns. -EDQUOT: max_forwards. */
int dh_forwarding_begin(struct dh_instance *instance, struct dh_room *room, const json_t *forward, json_t *record,
	json_t **reply);
/* Those that the room's settings have. Logs failures. */
void dh_forwarding_begin_permanent(struct dh_instance *instance, struct dh_room *room);

/* --- permanent changes: written to the room file before anything else changes; its errors */

/* The record stays. -EDQUOT: the room keeps max_forwards_per_room already. */
int dh_forwarding_keep(struct dh_instance *instance, struct dh_room *room, json_t *record);
/* That very object stays no longer. */
int dh_forwarding_drop(struct dh_instance *instance, struct dh_room *room, json_t *record);
/* Ends one medium, which does not come again. -ENOENT: there is none of that number. */
int dh_forwarding_stop_for_good(struct dh_instance *instance, struct dh_room *room, guint id);

#endif
