/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A segment as one room plays it: access units, more of which may still arrive.
 *
 * Not thread-safe: it belongs to its room's thread. Its units are shared and immutable.
 * A segment is opened (its head and anchor are known), then filled in the order of pts,
 * then completed or failed. It can play as soon as enough of it is known
 * (dh_segment_known_ticks).
 */
#ifndef DH_SEGMENT_H
#define DH_SEGMENT_H

#include <stdbool.h>

#include "order.h"
#include "stream.h"

#define DH_SEGMENT_ID_MAX 64

/* How long a segment lasts if picture and sound differ in length. */
enum dh_duration {
	DH_DURATION_SPEECH = 0, /* as long as its sound, if it has any */
	DH_DURATION_LONGEST,
};

struct dh_arrivals;
struct dh_segment;

/* Copies `id`, which has 1 to DH_SEGMENT_ID_MAX bytes. `user` is the owner's and
 * never touched here. -EINVAL, -ENOMEM. */
int dh_segment_alloc(struct dh_segment **segment, const char *id, void *user);
void dh_segment_free(struct dh_segment **segment);
/* Drops up to `count` units, so that a long segment can be freed in steps. After that
 * it may only be dropped further and freed. True when no unit is left. */
bool dh_segment_drop(struct dh_segment *segment, size_t count);

const char *dh_segment_id(const struct dh_segment *segment);
void *dh_segment_user(const struct dh_segment *segment);

/* It says what the segment with that id has left unsaid, or what another one has that did so for it; its own
 * id until set. Who means the one means the other. */
void dh_segment_set_asked(struct dh_segment *segment, const char *id);
const char *dh_segment_asked(const struct dh_segment *segment);

/* When and how it plays; zeroed until set. Copied. Once it is enqueued only its playout
 * sets it. */
void dh_segment_set_order(struct dh_segment *segment, const struct dh_order *order);
const struct dh_order *dh_segment_order(const struct dh_segment *segment);

/* When its playout removes it if it has not started, in media time; INT64_MAX: never. */
void dh_segment_set_expiry(struct dh_segment *segment, int64_t media_ticks);
int64_t dh_segment_expiry_ticks(const struct dh_segment *segment);

/* Its playout notes how its media arrive from now on (preroll.h). -ENOMEM. */
int dh_segment_follow_arrivals(struct dh_segment *segment);
/* NULL: they are not noted. */
struct dh_arrivals *dh_segment_arrivals(const struct dh_segment *segment);

/* --- filling */

/* Call it once, before any unit. Takes a reference to `anchor`, which is NULL if
 * and only if there is no video. -EINVAL. */
int dh_segment_open(struct dh_segment *segment, const struct dh_stream_head *head, struct dh_unit *anchor);

/* If `anchor` holds the same bytes as the segment's own, uses it instead (takes a
 * reference), so that anchors can be compared by pointer. `anchor` may be NULL. */
void dh_segment_share_anchor(struct dh_segment *segment, struct dh_unit *anchor);

/* Appends a unit and takes a reference to it. -EINVAL: the segment is not open or
 * has ended, or a valid stream (stream.h) could not go on with this unit; -ENOMEM. */
int dh_segment_append(struct dh_segment *segment, struct dh_unit *unit);

/* No more units will come. */
void dh_segment_complete(struct dh_segment *segment);

/* No more units will come because of an error. The units so far may still play, then
 * the segment ends as failed. Copies at most DH_STREAM_TEXT_MAX bytes of the UTF-8 in
 * `text`, cut at a character. */
void dh_segment_fail(struct dh_segment *segment, int code, const char *text);

/* More units are about to be appended, of those that have arrived: it is not ready until they
 * are. Only for a segment that has not begun to play. */
void dh_segment_set_partial(struct dh_segment *segment, bool partial);
bool dh_segment_is_partial(const struct dh_segment *segment);

/* Remembers that event READY was sent. True only the first time. */
bool dh_segment_mark_ready(struct dh_segment *segment);

/* --- reading */

bool dh_segment_is_open(const struct dh_segment *segment);
bool dh_segment_is_complete(const struct dh_segment *segment);
/* The error's text, NULL unless the segment failed. Sets *code (unless NULL) to the
 * error's code. */
const char *dh_segment_error(const struct dh_segment *segment, int *code);
const struct dh_stream_head *dh_segment_head(const struct dh_segment *segment);
struct dh_unit *dh_segment_anchor(const struct dh_segment *segment);

/* All units before this time (from the segment's start) have arrived; INT64_MAX once it
 * is complete or failed. */
int64_t dh_segment_known_ticks(const struct dh_segment *segment);

/* How long it lasts, a multiple of 20 ms; -1 until that is known. A failed segment
 * lasts as long as its units. */
int64_t dh_segment_duration_ticks(const struct dh_segment *segment, enum dh_duration rule);

/* The picture that it shows last, if it is played to its end: sets *index. False: it has none,
 * or its end is not known yet. */
bool dh_segment_last_picture(const struct dh_segment *segment, enum dh_duration rule, size_t *index);

/* If it begins with the end of another segment: that unit (DH_UNIT_LEAD), and the length of the
 * other one's packets that its own first packets replace. NULL and 0: it does not. */
struct dh_unit *dh_segment_lead(const struct dh_segment *segment);
int64_t dh_segment_lead_slots_ticks(const struct dh_segment *segment);

/* How long it lasts without them; -1 until that is known. */
int64_t dh_segment_own_ticks(const struct dh_segment *segment, enum dh_duration rule);

/* How long its source says that it lasts, a multiple of 20 ms; -1 if it does not. */
int64_t dh_segment_stated_ticks(const struct dh_segment *segment);

/* The number of units of a medium, and the unit at `index`: borrowed, valid as long
 * as the segment. */
size_t dh_segment_count(const struct dh_segment *segment, enum dh_media media);
struct dh_unit *dh_segment_unit(const struct dh_segment *segment, enum dh_media media, size_t index);

/* Forgets what is over before this time (from its start), except that pictures are kept from an entry on and
 * each medium keeps its newest unit. The indices of the others stay as they are. It cannot be played again
 * from its start. */
void dh_segment_release(struct dh_segment *segment, int64_t before_ticks);
/* It can be played from here on, a multiple of 20 ms; 0: nothing is forgotten. */
int64_t dh_segment_kept_ticks(const struct dh_segment *segment);
/* The index of a medium's first unit that is kept; 0 while it has none. */
size_t dh_segment_first(const struct dh_segment *segment, enum dh_media media);

/* Bytes of all units that are kept. */
size_t dh_segment_bytes(const struct dh_segment *segment);

#endif
