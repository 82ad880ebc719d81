/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Timed text: what goes with a segment's speech, captions and markers, each at a time of the segment.
 *
 * Captions are given, or are made of the words of a script (heard.h): as many as fit two lines
 * of a screen, up to the end of a sentence or a pause. Any thread; immutable but for dh_timed_text_add_marker.
 */
#ifndef DH_TIMED_TEXT_H
#define DH_TIMED_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "heard.h"

#define DH_CAPTIONS_MAX      1000
#define DH_CAPTION_BYTES_MAX 1000
#define DH_CAPTION_PAUSE_MS  600 /* after such a pause another caption begins */
#define DH_MARKERS_MAX       500
#define DH_MARKER_BYTES_MAX  4096 /* of its data as compact JSON */

struct dh_timed_text;

struct dh_caption {
	int64_t from_ticks, to_ticks; /* in the segment */
	size_t first, end;            /* words of the script; given ones: its number, and the next */
	bool is_open;                 /* more words may yet belong to it */
};

struct dh_marker {
	int64_t at_ticks;
	json_t *data; /* borrowed */
};

/* NULL: `captions` is an array of [text, from_ms, to_ms], `markers` one of [at_ms, data], in
 * order, within the limits above; else what is expected. */
const char *dh_captions_check(const json_t *captions);
const char *dh_markers_check(const json_t *markers);
/* The same of the data of one marker. */
const char *dh_marker_check(const json_t *data);

/* Arrays that were checked, or NULL; takes references. NULL if both are. */
struct dh_timed_text *dh_timed_text_new(const json_t *captions, const json_t *markers);
void dh_timed_text_free(struct dh_timed_text **timed_text);
/* One more marker, behind those of the same time; *timed_text is made if it is NULL. For the thread that reads
 * them. Takes a reference to `data`. *index (may be NULL): its own. -ENOBUFS: there are DH_MARKERS_MAX. */
int dh_timed_text_add_marker(struct dh_timed_text **timed_text, int64_t at_ms, json_t *data, size_t *index);
bool dh_timed_text_has_captions(const struct dh_timed_text *timed_text);

/* Marker `index`; false beyond the last. `timed_text` may be NULL here and below. */
bool dh_timed_text_marker(const struct dh_timed_text *timed_text, size_t index, struct dh_marker *marker);

/* The caption that begins with word (or given caption) `first`; false: there is none, or it is
 * not known yet. `is_complete`: no more words will come. */
bool dh_timed_text_caption(const struct dh_timed_text *timed_text, const struct dh_script *script, size_t first,
	bool is_complete, struct dh_caption *caption);

/* {"text":…} of a caption, and "words":[[word,from_ms,to_ms],…] where they are known, with
 * `start_ticks` added to their times. A new reference. */
json_t *dh_timed_text_json(const struct dh_timed_text *timed_text, const struct dh_script *script,
	const struct dh_caption *caption, int64_t start_ticks);

#endif
