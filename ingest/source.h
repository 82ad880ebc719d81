/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What to prepare: one or two files, or a pipe, and for which avatar. */
#ifndef DH_INGEST_SOURCE_H
#define DH_INGEST_SOURCE_H

#include <stdbool.h>
#include <stdint.h>
#include <glib.h>

#include "file_identity.h"
#include "playout/stream.h"

enum dh_ingest_kind {
	DH_INGEST_SEGMENT,
	DH_INGEST_IDLE,
	DH_INGEST_PORTRAIT,
	DH_INGEST_BRIDGE,
	DH_INGEST_BACKGROUND,
	DH_INGEST_MARK,
};

/* See prepare/job.h for the numbers. Functions that keep a source copy its strings. */
struct dh_ingest_source {
	enum dh_ingest_kind kind;
	/* 1, or 2: picture and sound; idle clip and portrait; the end of a segment and a piece
	 * of the idle clip */
	int count;
	const char *names[2];                  /* paths of files; a pipe's name, for messages */
	const char *folders[2];                /* folders the files lie beneath; NULL: a path from the operator */
	int64_t max_bytes;                     /* per file; 0: any size */
	bool is_found[2];                      /* the file was found before, */
	struct dh_file_identity identities[2]; /* and was this one */
	/* a pipe or SOCK_STREAM, or of a bridge anonymous files, open for reading; -1: a file, not open */
	int fds[2];
	/* Live pieces of an utterance: pipes from and to the workers of the pieces beside it (job.h); -1:
	 * none. Taken with `fds`, and closed once a worker has them, or reads nothing. */
	int lead_fd, tail_fd;
	bool is_opened_late; /* the listener's `open` opens it once there is a worker; live, count is 1 */
	/* opened late, or a bridge: everything that it is made of, if it is kept like a file; may be NULL */
	const char *made_of;
	const void *owner;   /* e.g. a room; owners take turns at the workers; NULL: no owner */
	bool is_next;        /* before what is prepared ahead; see dh_ingest_set_next */
	int64_t ahead_ticks; /* how far a pipe or socket is read until dh_ingest_allow; 0: to its end */
	int width, height;
	int kbps, kbps_2, kbps_3, audio_kbps, entry_ms, fps_max;
	bool temporal;        /* every second picture is droppable */
	bool pingpong;        /* idle */
	int portrait_ms;      /* portrait */
	int skip;             /* bridge: pictures of the clip that are only decoded */
	bool leaves;          /* bridge: out of the clip */
	GBytes *anchor;       /* the anchor's picture, I420 as coded; NULL: the first picture; borrowed */
	GBytes *anchor_frame; /* it, as the avatar's encoder coded it; NULL: not known; borrowed */
	/* what transparent pictures are laid over */
	const char *background;     /* "#rrggbb", or DH_BACKGROUND_CLEAR: nothing; NULL: the default */
	GBytes *background_picture; /* I420; NULL: the colour, or nothing; borrowed */
	/* what is laid over a corner of every picture; a mark that is made, and a bridge, have no picture of it */
	bool has_mark;
	enum dh_mark_at mark_at;
	GBytes *mark_picture; /* that corner (playout/mark.h); borrowed */
};

/* A 512x512 segment with the defaults of prepare/job.h, without files. */
void dh_ingest_source_init(struct dh_ingest_source *source);

/* Whether it is "#rrggbb", or DH_BACKGROUND_CLEAR. */
bool dh_ingest_is_background(const char *text);

/* Whether its pictures are coded with their mattes (playout/matte.h), and how high they then are. */
bool dh_ingest_source_has_matte(const struct dh_ingest_source *source);
int dh_ingest_source_coded_height(const struct dh_ingest_source *source);

/* What a stream with this head lacks to be played where the source is for, for people; NULL: nothing. */
const char *dh_ingest_source_misfit(const struct dh_ingest_source *source, const struct dh_stream_head *head);

/* Whether every field is within its range and every input has a name. */
bool dh_ingest_source_is_valid(const struct dh_ingest_source *source);

#endif
