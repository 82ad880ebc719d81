/* SPDX-License-Identifier: GPL-3.0-or-later */
/* All generators' places (generator_pool.h), the processes among them, and who waits for one.
 *
 * I/O thread only, but for dh_generators_new, dh_generators_start and dh_generators_free.
 */
#ifndef DH_GENERATORS_H
#define DH_GENERATORS_H

#include <glib.h>

#include "generator_pool.h"
#include "generator_process.h"
#include "io.h"

struct dh_generators;

/* `scope` and `user`: as for generators, see dh_generator_spec; they outlive it. */
struct dh_generators *dh_generators_new(struct dh_io *io, const char *scope, const char *user);
/* Call once for each generator: starts its processes, if it has any, or looks whether its command
 * exists, and logs if it does not. `config` outlives the generators. Any thread. */
void dh_generators_start(struct dh_generators *generators, const struct dh_generator_config *config);
/* Nobody may wait or have a place any more. Kills the processes; does not wait. Any thread.
 * *generators may be NULL. */
void dh_generators_free(struct dh_generators **generators);

/* Somebody who wants a place, or has one; zero it, then set the first group. */
struct dh_place_wait {
	const struct dh_generator_config *config; /* outlives the generators */
	uint64_t tried;                           /* a mask of places not to be given */
	bool is_next;                             /* goes before those that are not */
	/* A place; or -EHOSTDOWN: none of its processes can be started. */
	void (*given)(void *arg, int place);
	/* Somebody waits for a place of that generator, and this one has one: it should not keep it for longer than
	 * it takes to make the segment. Must not take or leave places. */
	void (*wanted)(void *arg);
	void *arg;
	/* private */
	GList link;
	bool is_waiting;
};

/* A place at once, unless somebody waits for one of that generator; or -EINPROGRESS: `given` is called later, never
 * from within, and those who have one hear that it is `wanted`; or -ENOENT: all have been tried; or -EHOSTDOWN:
 * those that have not been tried are processes that cannot be started. */
int dh_generators_take(struct dh_generators *generators, struct dh_place_wait *wait);
/* It may or may not wait. */
void dh_generators_cancel(struct dh_generators *generators, struct dh_place_wait *wait);
/* It goes before all that wait now, if it waits. */
void dh_generators_go_first(struct dh_generators *generators, struct dh_place_wait *wait);

/* See dh_generator_pool_first. */
void dh_generators_first(struct dh_generators *generators, const struct dh_generator_config *config, int place,
	int64_t took_us);
/* How long its first media lately took; 0: not known. */
int64_t dh_generators_expected_ms(struct dh_generators *generators, const struct dh_generator_config *config,
	int place);
/* Whoever has this place leaves it, see dh_generator_pool_leave. */
void dh_generators_leave(struct dh_generators *generators, struct dh_place_wait *wait, int place,
	enum dh_place_end end);

/* See dh_generator_process_socket; -1 also where the place is no process. */
int dh_generators_socket(struct dh_generators *generators, const struct dh_generator_config *config, int place);
/* That process has fallen silent, see dh_generator_process_is_stuck. Does nothing for other
 * places. */
void dh_generators_is_stuck(struct dh_generators *generators, const struct dh_generator_config *config, int place);
/* The process that is this place; NULL: it is none. Borrowed. */
const struct dh_generator_process *dh_generators_process(struct dh_generators *generators,
	const struct dh_generator_config *config, int place);

/* Who waits for a generator. */
int dh_generators_waiting(const struct dh_generators *generators, const struct dh_generator_config *config);
/* Its places. Borrowed. */
struct dh_generator_pool *dh_generators_pool(struct dh_generators *generators,
	const struct dh_generator_config *config);

#endif
