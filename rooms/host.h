/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a room needs of the gateway that hosts it, as a table of functions.
 *
 * A handle is one attached client of the gateway. To rooms it is an opaque pointer that
 * they hold references to. Tests replace the table.
 *
 * Threads: rooms call these functions mostly from their own threads, but `push`,
 * `dismiss` and the reference counting also from others, and hold no lock of theirs.
 * None of them waits: `relay` sends at once, the others only queue.
 */
#ifndef DH_HOST_H
#define DH_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>
#include <jansson.h>

#include "playout/unit.h"

/* The payload types that offers have; an answer may choose others. */
#define DH_PAYLOAD_TYPE_OPUS 111
#define DH_PAYLOAD_TYPE_VP8  96

struct dh_member;

/* Header extensions of a packet (RFC 8285), for as far as the viewer's answer takes them. Zeroed: none. */
struct dh_extensions {
	bool has_delay;
	int delay[2];         /* playout-delay: the least and the most, in steps of 10 ms, 0 to 4095 */
	uint64_t capture_ntp; /* abs-capture-time, 32.32 bits since 1900; 0: none */
};

struct dh_host {
	void *arg; /* passed to every function that takes one */

	void *(*handle_ref)(void *handle);
	void (*handle_unref)(void *handle);

	/* Sends one RTP packet (RFC 3550) on m-line `mindex`. The gateway copies it. */
	void (*relay)(void *handle, enum dh_media media, int mindex, const uint8_t *rtp, size_t size,
		const struct dh_extensions *extensions);
	bool has_capture_time; /* it can send that extension */

	/* Sends `text`, of 1 to 16000 bytes, on the handle's data channel, as `relay` does. */
	void (*data)(void *handle, const char *text, size_t size);

	/* An event for one handle. Takes ownership of `event`. */
	void (*push)(void *arg, void *handle, json_t *event);
	/* An event for many handles. Takes ownership of `event`, and of one reference
	 * to `handles`, an array that all events share until a member joins or leaves:
	 * it must not be changed. Costs the caller the same for one handle as for a
	 * thousand. */
	void (*broadcast)(void *arg, GPtrArray *handles, json_t *event);

	/* Whether the gateway has event handlers; without any, rooms build no events
	 * for them. */
	bool (*has_event_handlers)(void *arg);
	/* An event for them; `handle` is the one that it is about, or NULL. Takes
	 * ownership of `event`; nested values may be shared with other events. */
	void (*notify)(void *arg, void *handle, json_t *event);

	/* Ends `member` on its handle, which gets `event` (NULL: none), and then hangs up
	 * if it is a viewer. Does nothing if the handle has another member by now. Takes
	 * ownership of `event`. */
	void (*dismiss)(void *arg, void *handle, struct dh_member *member, json_t *event);
};

#endif
