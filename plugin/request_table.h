/* SPDX-License-Identifier: GPL-3.0-or-later */
/* All requests, one row each: name, authority, fields, handler. */
#ifndef DH_REQUEST_TABLE_H
#define DH_REQUEST_TABLE_H

#include "request_authority.h"
#include "request_fields.h"

struct dh_request_type {
	const char *name;  /* NULL: the last one of a table */
	bool asynchronous; /* answered by an event; needs a handle */
	enum dh_authority authority;
	const struct dh_field *fields;
	/* Runs in the calling thread; asynchronous ones in a thread of the outbox, one
	 * at a time for each handle. */
	void (*handle)(struct dh_request *request);
};

/* clang-format off */
#define DH_REQUEST_END { NULL, false, DH_AUTHORITY_NONE, NULL, NULL }
/* clang-format on */

/* request_room.c, request_playlist.c, request_change.c, request_say.c, request_segment.c, request_order.c,
 * request_cut.c, request_viewer.c, request_watch.c, request_viewing.c, request_floor.c,
 * request_forward.c, request_rtp_forward.c, request_recording.c */
extern const struct dh_request_type dh_room_requests[], dh_change_requests[], dh_say_requests[], dh_segment_requests[],
	dh_cut_requests[], dh_mark_requests[], dh_playlist_requests[], dh_order_requests[], dh_viewer_requests[],
	dh_watch_requests[], dh_viewing_requests[], dh_floor_requests[], dh_forward_requests[],
	dh_rtp_forward_requests[], dh_recording_requests[];

/* NULL: there is no such request. */
const struct dh_request_type *dh_request_find(const char *name);

#endif
