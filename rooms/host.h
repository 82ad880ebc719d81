/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a room needs of the gateway that hosts it, as a table of functions.
 *
 * A handle is the gateway's: one attached client. Rooms know it as an opaque
 * pointer that they hold references to. Tests replace the table.
 *
 * Threads: rooms call these functions from their own threads and hold no lock
 * then. None of them waits: `relay` sends at once, the others only queue.
 */
#ifndef DH_HOST_H
#define DH_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>
#include <jansson.h>

#include "playout/unit.h"

/* The payload types of every offer. */
#define DH_PAYLOAD_TYPE_OPUS 111
#define DH_PAYLOAD_TYPE_VP8  96

struct dh_member;

struct dh_host {
	void *arg; /* passed to every function that takes one */

	void *(*handle_ref)(void *handle);
	void (*handle_unref)(void *handle);

	/* Sends one RTP packet (RFC 3550). The gateway copies it. */
	void (*relay)(void *handle, enum dh_media media, const uint8_t *rtp, size_t size);

	/* An event for one handle. Takes ownership of `event`. */
	void (*push)(void *arg, void *handle, json_t *event);
	/* An event for many handles. Takes ownership of `event`, and of one reference
	 * to `handles`, an array that all events share until a member joins or leaves:
	 * it may not be changed. Takes as long for one handle as for a thousand. */
	void (*broadcast)(void *arg, GPtrArray *handles, json_t *event);

	/* Whether the gateway has event handlers: without any, nothing is made for
	 * them. */
	bool (*has_event_handlers)(void *arg);
	/* An event for them; `handle` is whom it is about, or NULL. Takes ownership
	 * of `event`; values inside may be shared with other events. */
	void (*notify)(void *arg, void *handle, json_t *event);

	/* The room has removed `member`: its handle watches no more, and its
	 * connection is closed. Does nothing when the handle has another member by
	 * now. */
	void (*dismiss)(void *arg, void *handle, struct dh_member *member);
};

#endif
