/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One generator that pushes: a connection, the room that it may use, its segment. */
#ifndef DH_PUSHER_H
#define DH_PUSHER_H

#include <stdatomic.h>
#include <stdbool.h>

#include "instance.h"
#include "ingest/push.h"
#include "push_token.h"
#include "pusher_places.h"

struct dh_pusher {
	atomic_int refs;
	/* immutable */
	struct dh_instance *instance;
	struct dh_push_tokens *tokens; /* of the service; used while there is a connection */
	struct dh_push *push;          /* a reference */
	struct dh_pusher_places places;
	/* one line at a time */
	char *authorized;      /* the room that it has proved to know; NULL: none */
	atomic_bool is_queued; /* its segment has begun its life */
	/* of its segment; the room's thread, once it has begun */
	int64_t progress_ticks;  /* distance of `progress`; 0: none */
	int64_t told_ticks;      /* the last one */
	int64_t want_told_ticks; /* the last `want` */
};

/* `segments` and `askers`: see pusher_places.h. */
struct dh_pusher *dh_pusher_new(struct dh_instance *instance, struct dh_push_tokens *tokens,
	struct dh_push_places *segments, struct dh_push_places *askers, struct dh_push *push);
struct dh_pusher *dh_pusher_ref(struct dh_pusher *pusher);
void dh_pusher_unref(struct dh_pusher **pusher); /* *pusher may be NULL */

/* Its connection has ended. */
void dh_pusher_closed(struct dh_pusher *pusher);

/* Answers a line, or ends the connection. It may wait for a room's thread. */
void dh_pusher_line(struct dh_pusher *pusher, const char *line, size_t size);

/* The line that says that `limit`, a limit's name, is reached. A new reference. */
json_t *dh_pusher_refusal(const char *limit);

#endif
