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
#include "rooms/rtp_forward.h"

/* The operator says where a room's secret may send packets. */
bool dh_forwarding_is_allowed(const struct dh_config *config, const char *host);

/* Makes a right one (`body`: as in forward_record.h) to a `host` that is allowed; nothing is sent yet. `record`: what
 * is kept of it, NULL: it is not permanent. Errors of dh_rtp_forward_alloc; -EDQUOT: max_forwards; -EUSERS:
 * max_forwards_per_room. */
int dh_forwarding_make(struct dh_instance *instance, struct dh_room *room, const json_t *body, json_t *record,
	struct dh_rtp_forward **forward);
/* Begins it, which is kept (`record`) and sent, or neither; takes ownership, also on failure. *reply and errors as of
 * dh_room_rtp_forward, but -EUSERS: max_forwards_per_room. With a record those of dh_instance_edit_room, too: -EDQUOT:
 * the room keeps max_forwards_per_room already. */
int dh_forwarding_begin(struct dh_instance *instance, struct dh_room *room, json_t *record,
	struct dh_rtp_forward **forward, json_t **reply);
/* Those that the room's settings have. Logs failures. */
void dh_forwarding_begin_permanent(struct dh_instance *instance, struct dh_room *room);

/* Ends one medium, which does not come again; or nothing has changed. -ENOENT: there is none of that number; errors of
 * the room file. */
int dh_forwarding_stop_for_good(struct dh_instance *instance, struct dh_room *room, guint id);

#endif
