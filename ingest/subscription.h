/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A listener of a preparation, and what it has heard so far. */
#ifndef DH_SUBSCRIPTION_H
#define DH_SUBSCRIPTION_H

#include <pthread.h>
#include <stdbool.h>

#include "listener.h"
#include "recording.h"

struct dh_ingest;
struct dh_inputs;
struct dh_preparation;

struct dh_subscription {
	/* immutable */
	struct dh_ingest *ingest;
	struct dh_ingest_listener listener;
	void *arg;
	char *names[2]; /* of its inputs; others share a recording under names of their own */
	/* I/O thread */
	struct dh_inputs *inputs;           /* until attached */
	struct dh_preparation *preparation; /* once attached */
	bool is_next;                       /* before what is prepared ahead of time */
	/* I/O thread: what the listener has heard */
	bool has_first_byte, has_head, has_anchor, has_picture, is_over;
	guint units, words, notes;
	/* Held while a listener function runs; recursive, since that may unsubscribe. */
	pthread_mutex_t lock;
	bool is_gone; /* protected by lock */
};

/* The caller fills in the other fields. */
struct dh_subscription *dh_subscription_new(const struct dh_ingest_listener *listener, void *arg);
void dh_subscription_free(struct dh_subscription **subscription);

/* I/O thread. Tells the listener everything in the recording that it has not heard yet; the
 * end only if `may_end`. */
void dh_subscription_tell(struct dh_subscription *subscription, const struct dh_recording *recording, bool may_end);

/* I/O thread. Of a recording that nobody else listens to: forgets what the listener has heard before that time. */
void dh_subscription_release(struct dh_subscription *subscription, struct dh_recording *recording,
	int64_t before_ticks);

/* I/O thread. Calls the listener's `open` and returns its result; -ECANCELED, without a
 * text, if the listener is gone. */
int dh_subscription_open(struct dh_subscription *subscription, int *fd, char **error);

/* I/O thread. Tells the listener that the source is held, or not any more. */
void dh_subscription_held(struct dh_subscription *subscription, bool is_held);

/* I/O thread. Tells the listener that there is no place for its source. */
void dh_subscription_no_place(struct dh_subscription *subscription, const struct dh_live_wait *wait);

/* I/O thread. Tells the listener that the first byte of its source has come; once. */
void dh_subscription_first_byte(struct dh_subscription *subscription);

/* Any thread. When it returns, no listener function runs or will run (if called from one:
 * once that one has returned). */
void dh_subscription_silence(struct dh_subscription *subscription);

#endif
