/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a segment stream has delivered so far, kept for late subscribers. One thread at a
 * time.
 */
#ifndef DH_RECORDING_H
#define DH_RECORDING_H

#include <stdbool.h>
#include <stdint.h>
#include <glib.h>

#include "limits.h"
#include "loader.h"
#include "playout/stream.h"

enum dh_recording_state { DH_RECORDING_OPEN, DH_RECORDING_ENDED, DH_RECORDING_FAILED };

struct dh_recording {
	struct dh_limits *limits; /* its memory is counted there; borrowed */
	int64_t bytes;
	bool has_head;
	struct dh_stream_head head;
	struct dh_unit *anchor; /* NULL until it comes */
	GBytes *picture;        /* NULL until it comes */
	GPtrArray *units;       /* struct dh_unit; holds a reference to each */
	GPtrArray *words;       /* struct dh_stream_word, in order */
	GPtrArray *notes;       /* texts */
	enum dh_recording_state state;
	struct dh_stream_end end;
	int code; /* if FAILED */
	char *text;
};

/* `limits` must outlive the recording. */
void dh_recording_init(struct dh_recording *recording, struct dh_limits *limits);
/* Its units are freed later (free_later.h) if `loader` is not NULL. */
void dh_recording_clear(struct dh_recording *recording, struct dh_loader *loader);

/* Fills the recording given as `arg`. */
extern const struct dh_stream_sink dh_recording_sink;

/* Ends it with an error, unless it has ended. `text` is copied. */
void dh_recording_fail(struct dh_recording *recording, int code, const char *text);

/* Marks an ended recording as incomplete, and adds a note. `text` is copied. */
void dh_recording_mark_incomplete(struct dh_recording *recording, const char *text);

/* Ends an open recording that lacks its end. `text` says why; copied. */
void dh_recording_end_incomplete(struct dh_recording *recording, const char *text);

/* Forgets units that begin before this time, `most` at most and never the newest. Returns how many. */
guint dh_recording_release(struct dh_recording *recording, int64_t before_ticks, guint most);

/* Appends `more`, the next part of the same stream, and empties it. */
void dh_recording_absorb(struct dh_recording *recording, struct dh_recording *more);

#endif
