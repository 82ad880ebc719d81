/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The internals of a source; for source*.c only. */
#ifndef DH_SOURCE_PRIVATE_H
#define DH_SOURCE_PRIVATE_H

#include "captions.h"
#include "input_bytes.h"
#include "restart.h"
#include "scout.h"
#include "source.h"
#include "stated.h"
#include "track.h"

struct dh_source {
	struct dh_source_config config;
	struct dh_input_bytes *input;
	AVFormatContext *format;
	AVPacket *packet;
	AVFrame *frame;
	bool is_still;
	bool has[2];             /* by medium: the first container has it */
	bool is_late[2];         /* by medium: only a further container has it */
	const char *unplayed[2]; /* by medium: the codec of a stream that cannot be played */
	bool is_read_ahead;      /* opening it has reached the end of the input */
	int64_t stated_ticks;
	bool is_stated_end;  /* that is a time, not a length */
	int64_t begun_ticks; /* time of the first frame */
	bool has_begun;
	/* of the container that is being read, one of several that were joined */
	int part;
	bool has_next; /* another one follows; known once this one is read */
	int64_t base_ticks, origin_ticks;
	bool has_origin;
	struct dh_track *tracks[2];   /* by enum dh_media; NULL where there is none */
	struct dh_captions *captions; /* NULL: the first container has none */
	struct dh_restart restart;
	struct dh_scout *scouts[2];
	int64_t packets[2];    /* by medium: passed to its track */
	int ending;            /* medium without further packets, or -1 */
	int draining;          /* medium whose decoder may hold frames, or -1 */
	bool at_end;           /* no more packets */
	bool is_last_cut[2];   /* by medium: its last packet is shorter than stated */
	int damaged_before[2]; /* by medium: damaged packets before its last one */
	bool has_failed;       /* the demuxer stopped with an error */
	int64_t read_to;       /* end of the last packet */
	/* of all so far */
	int64_t reached_ticks; /* end of the last frame */
	int restarts;
	bool was_cut;
	bool is_broken_off; /* a further container could not be opened */
	int damaged;        /* packets that nobody could use */
};

/* --- source_parts.c: the containers of an input, one after the other */

/* Opens the first one. */
int dh_source_open(struct dh_source *source, struct dh_fault *fault);
/* Opens the next one. What cannot be opened is left out. */
int dh_source_open_next(struct dh_source *source, struct dh_fault *fault);
void dh_source_close(struct dh_source *source);

/* Fails if the first container states that it is too long. */
int dh_source_check_length(const struct dh_source *source, struct dh_fault *fault);

#endif
