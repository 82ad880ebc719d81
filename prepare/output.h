/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writes the segment stream: head, anchor, units in order, notes, end. */
#ifndef DH_OUTPUT_H
#define DH_OUTPUT_H

#include "fault.h"
#include "mark.h"
#include "unit_order.h"
#include "playout/stream.h"
#include "video.h"

struct dh_output {
	struct dh_stream_writer writer;
	struct dh_fault *fault;
	struct dh_unit_order order;
	int64_t units;
	bool is_held;
	int64_t lead_ticks, lead_packets; /* see dh_output_release */
};

/* `writer` is copied, `fault` must outlive the output. */
void dh_output_init(struct dh_output *output, const struct dh_stream_writer *writer, struct dh_fault *fault);
void dh_output_clear(struct dh_output *output);

/* Each returns 0 or a code, recorded in the output's fault. `video` NULL: no video;
 * `i420` NULL: no PICT. */
int dh_output_head(struct dh_output *output, const struct dh_stream_head *head, const struct dh_video *video,
	const uint8_t *i420);
/* Of an idle clip whose head says that it has one: behind the head. */
int dh_output_mark(struct dh_output *output, const struct dh_stream_head *head, const struct dh_mark *mark);
/* `code` as in playout/stream.h; docs/api.md lists them. */
int dh_output_note(struct dh_output *output, const char *code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
int dh_output_word(struct dh_output *output, const struct dh_stream_word *word);
int dh_output_end(struct dh_output *output, const struct dh_stream_end *end);

/* Takes ownership of the unit, and writes all units whose turn is certain. A
 * dh_voice_emit_fn with the output as its argument. */
int dh_output_unit(void *output, struct dh_unit *unit);

/* Holds all units back until it is known where the segment's own media begin: `lead_ticks` behind
 * the beginning of its sound, which goes on from sound of `packets` packets; 0: with it. Pictures
 * are then moved by as much, in units, horizons and the end. */
void dh_output_hold(struct dh_output *output);
int dh_output_release(struct dh_output *output, int64_t lead_ticks, int64_t packets);
/* Writes LEAD; a dh_voice_emit_fn: the fresh packet, before the first unit of sound. */
int dh_output_lead(void *output, struct dh_unit *unit);

/* No unit of this medium will come before `ticks`; writes what that makes certain. */
int dh_output_horizon(struct dh_output *output, enum dh_media media, int64_t ticks);

#endif
