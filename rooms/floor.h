/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who may barge in: the floor of a room. One viewer at a time has it, or nobody, or it is everybody's.
 *
 * Viewers ask for it and wait in the order in which they asked; where it is given to who comes first, the next
 * one gets it when it is free, and where nobody waits, whoever speaks. The room's secret gives it to anyone
 * and takes it back. It ends after a time, or a silence.
 *
 * Pure: time is an argument, in ticks. Belongs to one thread.
 */
#ifndef DH_FLOOR_H
#define DH_FLOOR_H

#include <glib.h>

#include "barge_in.h"

#define DH_FLOOR_ASKS_MAX 100 /* viewers that wait */

/* Why a viewer has it no more. */
enum dh_floor_end {
	DH_FLOOR_HAS, /* it has it, from now on */
	DH_FLOOR_GIVEN_BACK,
	DH_FLOOR_TAKEN,    /* by the room's secret */
	DH_FLOOR_GIVEN_ON, /* to another viewer, by the room's secret */
	DH_FLOOR_TIMEOUT,
	DH_FLOOR_SILENCE,
	DH_FLOOR_EDITED, /* the room's settings have changed */
	DH_FLOOR_LEFT,   /* the viewer has left, or the room ends */
};
const char *dh_floor_end_name(enum dh_floor_end end);

/* `waited`: it had asked for it, and waits no more. */
typedef void dh_floor_changed_fn(void *arg, guint viewer, enum dh_floor_end end, bool waited);

struct dh_floor_ask {
	guint viewer;
	int64_t since_ticks;
};

/* Zero it, then call dh_floor_init. */
struct dh_floor {
	/* readable */
	guint holder;                                /* a viewer's number; 0: nobody has it */
	int64_t since_ticks, voice_ticks;            /* since when it has it; its last voice */
	struct dh_floor_ask asks[DH_FLOOR_ASKS_MAX]; /* who waits, first come first */
	guint waiting;                               /* how many */
	/* private */
	struct dh_barge_in config;
	dh_floor_changed_fn *changed;
	void *arg;
};

/* `changed` is called from within the other functions. */
void dh_floor_init(struct dh_floor *floor, dh_floor_changed_fn *changed, void *arg);
void dh_floor_configure(struct dh_floor *floor, const struct dh_barge_in *config, int64_t now_ticks);

/* Its place among those who wait, from 1 on; 0: it has the floor. Asking again changes nothing. -EPERM: nobody can
 * ask here (it is nobody's, or everybody's); -ENOBUFS: too many wait. */
int dh_floor_ask(struct dh_floor *floor, guint viewer, int64_t now_ticks);
/* It waits no more, and gives back what it has. `end`: why. False: it had nothing. */
bool dh_floor_drop(struct dh_floor *floor, guint viewer, enum dh_floor_end end, int64_t now_ticks);
/* Nobody has it, nor waits for it. */
void dh_floor_drop_all(struct dh_floor *floor, enum dh_floor_end end);
/* By the room's secret. -EPERM: as above. */
int dh_floor_give(struct dh_floor *floor, guint viewer, int64_t now_ticks);

/* A viewer speaks: where nobody has the floor and nobody waits, it may be its own now. Not of a voice that has lost it
 * already. */
void dh_floor_speaks(struct dh_floor *floor, guint viewer, int64_t now_ticks);
/* It was heard until now, which gives it nothing. Who has the floor is to be named as long as it speaks, and when it
 * falls silent. */
void dh_floor_heard(struct dh_floor *floor, guint viewer, int64_t now_ticks);
/* Whether that viewer may barge in. */
bool dh_floor_is_open(const struct dh_floor *floor, guint viewer);

/* Ends what has lasted too long. */
void dh_floor_poll(struct dh_floor *floor, int64_t now_ticks);
/* When to call it next; INT64_MAX: not before something changes. */
int64_t dh_floor_deadline_ticks(const struct dh_floor *floor);

#endif
