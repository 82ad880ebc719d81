/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "request_table.h"

#include <string.h>

const struct dh_request_type *dh_request_find(const char *name)
{
	static const struct dh_request_type *const tables[] = { dh_room_requests, dh_change_requests, dh_say_requests,
		dh_segment_requests, dh_cut_requests, dh_mark_requests, dh_playlist_requests, dh_order_requests,
		dh_viewer_requests, dh_watch_requests, dh_viewing_requests, dh_floor_requests, dh_forward_requests,
		dh_rtp_forward_requests, dh_recording_requests };

	for (size_t i = 0; i < G_N_ELEMENTS(tables); i++) {
		for (const struct dh_request_type *type = tables[i]; type->name; type++) {
			if (!strcmp(type->name, name))
				return type;
		}
	}
	return NULL;
}
