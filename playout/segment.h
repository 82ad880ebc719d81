/* A segment as one room plays it: access units that may still be arriving.
 *
 * Not thread-safe: it belongs to the thread that owns its room. The units in
 * it are shared and immutable. A segment is opened (head and anchor known),
 * then filled in order of pts, then completed or failed; it can be played from
 * the moment `dh_segment_known_ticks` says that enough is there.
 */
#ifndef DH_SEGMENT_H
#define DH_SEGMENT_H

#include <stdbool.h>

#include "stream.h"

#define DH_SEGMENT_ID_MAX 64

/* How long a segment lasts where picture and sound differ in length. */
enum dh_duration {
	DH_DURATION_SPEECH = 0, /* as long as its sound, where it has one */
	DH_DURATION_LONGEST,
};

struct dh_segment;

/* `id`: 1 to DH_SEGMENT_ID_MAX bytes, copied. `user` is the owner's, never
 * touched here. -EINVAL, -ENOMEM. */
int dh_segment_alloc(struct dh_segment **segment, const char *id, void *user);
void dh_segment_free(struct dh_segment **segment);

const char *dh_segment_id(const struct dh_segment *segment);
void *dh_segment_user(const struct dh_segment *segment);

/* --- filling */

/* Once, before any unit. `anchor` is NULL exactly when there is no video; a
 * reference is taken. -EINVAL. */
int dh_segment_open(struct dh_segment *segment, const struct dh_stream_head *head, struct dh_unit *anchor);

/* Uses `anchor` (takes a reference) instead of the segment's own where both hold
 * the same bytes: then whoever compares anchors need only compare pointers.
 * `anchor` may be NULL. */
void dh_segment_share_anchor(struct dh_segment *segment, struct dh_unit *anchor);

/* The next unit (a reference is taken), in the order of a valid stream.
 * -EINVAL when not opened or ended, or of a medium that the head does not have; -ENOMEM. */
int dh_segment_append(struct dh_segment *segment, struct dh_unit *unit);

/* No further unit comes. */
void dh_segment_complete(struct dh_segment *segment);

/* No further unit comes, because of an error: what is there may still be
 * played, then the segment ends as failed. `text` is copied, at most
 * DH_STREAM_TEXT_MAX bytes. */
void dh_segment_fail(struct dh_segment *segment, int code, const char *text);

/* Notes that READY was told; 1 the first time, then 0. */
bool dh_segment_mark_ready(struct dh_segment *segment);

/* --- reading */

bool dh_segment_is_open(const struct dh_segment *segment);
bool dh_segment_is_complete(const struct dh_segment *segment);
/* The error's text, NULL where none; *code is set when it is not NULL. */
const char *dh_segment_error(const struct dh_segment *segment, int *code);
const struct dh_stream_head *dh_segment_head(const struct dh_segment *segment);
struct dh_unit *dh_segment_anchor(const struct dh_segment *segment);

/* Everything before this segment time is there; INT64_MAX once complete. */
int64_t dh_segment_known_ticks(const struct dh_segment *segment);

/* What it lasts, a multiple of 20 ms; -1 while unknown. A failed segment lasts
 * as long as what is known of it. */
int64_t dh_segment_duration_ticks(const struct dh_segment *segment, enum dh_duration rule);

/* Number of units of a medium, and the unit at `index` (lent). */
size_t dh_segment_count(const struct dh_segment *segment, enum dh_media media);
struct dh_unit *dh_segment_unit(const struct dh_segment *segment, enum dh_media media, size_t index);

/* Bytes of all units held. */
size_t dh_segment_bytes(const struct dh_segment *segment);

#endif
