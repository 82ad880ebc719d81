/* What is to be prepared: one or two files, and for which avatar. */
#ifndef DH_INGEST_SOURCE_H
#define DH_INGEST_SOURCE_H

#include <stdbool.h>
#include <glib.h>

enum dh_ingest_kind { DH_INGEST_SEGMENT, DH_INGEST_IDLE, DH_INGEST_PORTRAIT };

/* What to prepare, and for which avatar; see prepare/job.h for each field. */
struct dh_ingest_source {
	enum dh_ingest_kind kind;
	int count;              /* 1, or 2: picture and sound; idle clip and portrait */
	const char *names[2];   /* for messages; copied */
	int fds[2];             /* open for reading */
	bool is_opened_late;    /* live, one input, and no descriptor yet: the listener's `open` opens it when
	                         * there is a worker */
	const void *owner;      /* whose it is (a room): owners take turns at the workers; NULL: nobody's */
	bool is_next;           /* it goes before what is prepared ahead; see dh_ingest_set_next */
	int width, height;
	int kbps, audio_kbps, entry_ms, fps_max;
	int pingpong;           /* idle */
	int portrait_ms;        /* portrait */
	GBytes *anchor;         /* the anchor's picture, I420; NULL: the first picture; a reference is taken */
};

/* A segment of 512x512 with the defaults of prepare/job.h, no files. */
void dh_ingest_source_init(struct dh_ingest_source *source);

/* Whether every field is in its range, and each file has a name and a descriptor. */
bool dh_ingest_source_is_valid(const struct dh_ingest_source *source);

#endif
