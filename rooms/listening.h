/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How a member gets what is sent at its media time: captions and markers if it wants them, on its
 * data channel, where the room's events go, too, or as events on its handle.
 */
#ifndef DH_LISTENING_H
#define DH_LISTENING_H

#include <glib.h>

#include "channel.h"

struct dh_listening {
	/* set before the member is attached */
	bool offers_data; /* a data channel is in its offer */
	/* any thread, atomically */
	atomic_int wants; /* captions and markers */
	/* see there; opened and closed by the room's thread */
	struct dh_channel channel;
	/* owner: the room's thread */
	bool is_on;         /* it is one of the room's listeners … */
	guint index;        /* … at this place */
	bool is_on_channel; /* its messages, and the room's events, go there, and not to its handle */
	uint64_t moved;     /* the number of the first post since it goes there, or to its handle again */
	bool is_sent;       /* media: neither it nor the room is paused */
	bool is_wanted;     /* `wants`, when it was last looked at */
	bool needs_state;   /* what it gets next is the present state */
	uint64_t next;      /* the number of the post that it gets next */
};

#endif
