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
	void *arg; /* the first argument of what has one */

	void *(*handle_ref)(void *handle);
	void (*handle_unref)(void *handle);

	/* Sends one RTP packet (RFC 3550); it is copied. */
	void (*relay)(void *handle, enum dh_media media, const uint8_t *rtp, size_t size);

	/* An event for one handle. Takes ownership of `event`. */
	void (*push)(void *arg, void *handle, json_t *event);
	/* An event for many. Takes ownership of `event` and of `handles`, an array
	 * of references that frees its elements. */
	void (*broadcast)(void *arg, GPtrArray *handles, json_t *event);
	/* For the gateway's event handlers; `handle` is whom it is about, or NULL.
	 * Takes ownership of `event`. */
	void (*notify)(void *arg, void *handle, json_t *event);

	/* The room has put `member` out: its handle watches no more, and its
	 * connection is closed. Nothing happens where the handle is with another
	 * member by now. */
	void (*dismiss)(void *arg, void *handle, struct dh_member *member);
};

#endif
