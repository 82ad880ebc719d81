/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One who listens to a preparation, and what it has heard so far. */
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
	/* I/O thread */
	struct dh_inputs *inputs;           /* until it is attached */
	struct dh_preparation *preparation; /* from then on */
	bool is_next;                       /* it goes before what is prepared ahead */
	/* I/O thread: what it has been told */
	bool has_head, has_anchor, has_picture, is_over;
	guint units, notes;
	/* Held while its listener runs; recursive, since a listener may unsubscribe. */
	pthread_mutex_t lock;
	bool is_gone; /* protected by lock */
};

/* -ENOMEM. Its other fields are the caller's to fill. */
int dh_subscription_alloc(struct dh_subscription **subscription, const struct dh_ingest_listener *listener, void *arg);
void dh_subscription_free(struct dh_subscription **subscription);

/* I/O thread. Tells it what is in the recording and it has not heard yet; the
 * end only where it `may_end`. */
void dh_subscription_tell(struct dh_subscription *subscription, const struct dh_recording *recording, bool may_end);

/* I/O thread. Has it open its input; as the listener's `open`, and -ECANCELED
 * (without a text) when it is gone. */
int dh_subscription_open(struct dh_subscription *subscription, int *fd, char **error);

/* Any thread. No listener function runs or will run when it returns (from
 * within one: after that one has returned). */
void dh_subscription_silence(struct dh_subscription *subscription);

#endif
