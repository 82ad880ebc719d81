/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a feed consists of; for feed*.c only. */
#ifndef DH_FEED_PRIVATE_H
#define DH_FEED_PRIVATE_H

#include "feed.h"
#include "generator.h"

/* What came since the owner looked last. */
struct dh_feed_batch {
	GPtrArray *units;
	bool has_head, has_end, has_failure, is_incomplete;
	json_t *notes; /* with the end; NULL: none */
	struct dh_stream_head head;
	struct dh_unit *anchor;
	int code;
	char *text;
};

/* How the preparation ended. */
struct dh_feed_outcome {
	bool is_known, is_failure, is_incomplete;
	json_t *notes; /* NULL: none */
	int code;
	char *text;
};

struct dh_feed {
	gatomicrefcount refs;
	/* immutable; references are held */
	struct dh_feed_context context;
	struct dh_feed_owner owner;
	char *name;
	json_t *metadata;
	/* the owner's thread */
	struct dh_segment *segment;
	bool is_started, is_next, is_incomplete;
	json_t *notes; /* NULL: none */
	/* the owner's thread until started, then the I/O thread */
	struct dh_ingest_source source;
	char *names[2];
	char *who; /* for the log: owner and segment */
	struct dh_subscription *subscription;
	/* a generator's; I/O thread */
	const struct dh_generator_config *config; /* NULL: there is none; immutable */
	char *text, *voice;                       /* immutable */
	struct dh_generator *generator;           /* while it runs */
	char *generator_error;
	struct dh_feed_outcome outcome;
	bool is_delivered;
	GSource *patience;
	/* protected by lock */
	GMutex lock;
	struct dh_feed_batch arrived;
	bool is_posted; /* the owner will look */
};

/* --- feed_input.c; in the I/O thread */

/* Begins: subscribes; a generator starts when there is a worker for it. `feed` is
 * a reference, which dh_feed_input_close drops. */
void dh_feed_input_open(void *feed);
/* It is next now. `feed` is a reference, which it drops. */
void dh_feed_input_set_next(void *feed);
void dh_feed_input_close(void *feed);

#endif
