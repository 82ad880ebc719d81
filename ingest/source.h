/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is to be prepared: one or two files, or a pipe, and for which avatar. */
#ifndef DH_INGEST_SOURCE_H
#define DH_INGEST_SOURCE_H

#include <stdbool.h>
#include <stdint.h>
#include <glib.h>

#include "file_identity.h"

enum dh_ingest_kind { DH_INGEST_SEGMENT, DH_INGEST_IDLE, DH_INGEST_PORTRAIT };

/* See prepare/job.h for the figures. Strings are copied where it is given away. */
struct dh_ingest_source {
	enum dh_ingest_kind kind;
	int count;                             /* 1, or 2: picture and sound; idle clip and portrait */
	const char *names[2];                  /* files: their paths; a pipe: for messages */
	const char *folders[2];                /* that the files lie beneath; NULL: the path is the operator's own */
	int64_t max_bytes;                     /* of a file; 0: any size */
	bool is_found[2];                      /* the file was looked at, and was */
	struct dh_file_identity identities[2]; /* this one */
	int fds[2];                            /* a pipe or socket, open for reading; -1: it is a file, not opened */
	bool is_opened_late; /* a pipe that is not there yet: the listener's `open` opens it when there is a
	                           * worker; count is 1 */
	const void *owner;   /* whose it is (a room): owners take turns at the workers; NULL: nobody's */
	bool is_next;        /* it goes before what is prepared ahead; see dh_ingest_set_next */
	int width, height;
	int kbps, audio_kbps, entry_ms, fps_max;
	bool pingpong;   /* idle */
	int portrait_ms; /* portrait */
	GBytes *anchor;  /* the anchor's picture, I420; NULL: the first picture; a reference is taken */
};

/* A segment of 512x512 with the defaults of prepare/job.h, no files. */
void dh_ingest_source_init(struct dh_ingest_source *source);

/* Whether every field is in its range, and each file has a name. */
bool dh_ingest_source_is_valid(const struct dh_ingest_source *source);

#endif
