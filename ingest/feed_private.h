/* What a feed consists of; for feed*.c only. */
#ifndef DH_FEED_PRIVATE_H
#define DH_FEED_PRIVATE_H

#include "feed.h"
#include "generator.h"

/* What came since the owner looked last. */
struct dh_feed_batch {
	GPtrArray *units;
	gboolean has_head, has_end, has_failure, is_incomplete;
	json_t *notes; /* with the end; NULL: none */
	struct dh_stream_head head;
	struct dh_unit *anchor;
	int code;
	char *text;
};

/* How the preparation ended. */
struct dh_feed_outcome {
	gboolean is_known, is_failure, is_incomplete;
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
	gboolean started, is_incomplete;
	json_t *notes; /* NULL: none */
	/* the owner's thread until started, then the I/O thread */
	struct dh_ingest_source source;
	char *names[2];
	struct dh_subscription *subscription;
	/* a generator's; I/O thread */
	const struct dh_generator_config *config; /* NULL: there is none; immutable */
	char *text, *voice;                       /* immutable */
	struct dh_generator *generator;           /* while it runs */
	char *generator_error;
	struct dh_feed_outcome outcome;
	GSource *patience;
	/* protected by lock */
	GMutex lock;
	struct dh_feed_batch arrived;
	gboolean posted;        /* the owner will look */
};

/* --- feed_input.c; in the I/O thread */

/* Begins: starts the generator where there is one, and subscribes. `feed` is a
 * reference, which dh_feed_input_close drops. */
void dh_feed_input_open(void *feed);
void dh_feed_input_close(void *feed);

#endif
