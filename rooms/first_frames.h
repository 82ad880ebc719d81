/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where the time to the first packet of segments went, as histograms for each source: files,
 * pushes, and each generator.
 *
 * Counters only grow. Any thread; nobody waits.
 */
#ifndef DH_FIRST_FRAMES_H
#define DH_FIRST_FRAMES_H

#include <stdint.h>

#include <glib.h>
#include <jansson.h>

struct dh_first_frames;

/* `generators`: the names of those that can occur; copied, doubles and all. */
struct dh_first_frames *dh_first_frames_new(const char *const *generators, size_t count);
void dh_first_frames_free(struct dh_first_frames **frames);

enum dh_first_kind { DH_FIRST_FILE, DH_FIRST_PUSH, DH_FIRST_GENERATOR };

/* What a segment went through, in this order. */
enum dh_first_step {
	DH_FIRST_ASKED,
	DH_FIRST_BEGUN,  /* its turn to be prepared came */
	DH_FIRST_BYTE,   /* the first byte of what is made while it plays */
	DH_FIRST_UNIT,   /* the first picture or sound that can be played */
	DH_FIRST_READY,  /* enough of it */
	DH_FIRST_PACKET, /* sent */
	DH_FIRST_STEPS,
};

/* A segment has started. `ms`: when each step was; -1: it had none, and its time counts for the
 * next. `generator`: the name, or NULL. Other names are not counted. */
void dh_first_frames_add(struct dh_first_frames *frames, enum dh_first_kind kind, const char *generator,
	const int64_t ms[DH_FIRST_STEPS]);

/* As in `stats`, see docs/api.md. A new reference. */
json_t *dh_first_frames_json(const struct dh_first_frames *frames);

#endif
