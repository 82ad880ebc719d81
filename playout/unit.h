/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An access unit: one encoded picture or one Opus packet, with its time.
 *
 * Immutable once it is shared, and refcounted: all rooms, replays and viewers
 * share one unit. `dh_unit_ref` and `dh_unit_unref` may be called from any thread.
 */
#ifndef DH_UNIT_H
#define DH_UNIT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum dh_media { DH_AUDIO = 0, DH_VIDEO = 1 };

/* The picture refers to the anchor (golden) alone: any decoder that holds the
 * anchor can start here. */
#define DH_UNIT_ENTRY 0x1u
/* No other picture refers to this one (temporal layer 1). */
#define DH_UNIT_DROPPABLE 0x2u
/* Not a packet of its own: the segment begins with sound of the one before it in its
 * utterance (stream.h, LEAD). `pts_ticks` is where its own media begin, `duration_ticks` how
 * long that other one's packets are, the data what replaces the packet at `pts_ticks` if the
 * segment begins after silence. Comes before all other units. Audio only. */
#define DH_UNIT_LEAD 0x4u

/* A picture's thumbnail: DH_LUMA_SIDE x DH_LUMA_SIDE mean luma values, row by row.
 * It tells a cut which idle picture looks most like the one just shown. */
#define DH_LUMA_SIDE  16
#define DH_LUMA_BYTES (DH_LUMA_SIDE * DH_LUMA_SIDE)

#define DH_LOUDNESS_MAX 128

/* Limits on every unit, whoever made it. */
#define DH_AUDIO_UNIT_MAX 1275              /* RFC 6716, one Opus frame */
#define DH_VIDEO_UNIT_MAX (4 * 1024 * 1024) /* bytes of one picture */

struct dh_unit {
	/* private */
	atomic_int refs;
	/* immutable */
	enum dh_media media;
	uint32_t flags;              /* DH_UNIT_… */
	int64_t pts_ticks;           /* from the segment's start, >= 0 */
	int64_t duration_ticks;      /* > 0; audio: DH_SLOT_TICKS */
	uint8_t luma[DH_LUMA_BYTES]; /* video only, else zeros */
	uint8_t loudness;            /* audio only: 1 + its level in -dBov (1: full scale, 128: silence); 0: unknown */
	size_t size;                 /* >= 1 */
	size_t fade_size;            /* audio: of the packet behind the data, see dh_unit_fade; 0: there is none */
	struct dh_unit
		*lower; /* video: the same picture, with its times and flags, in the next lower quality; a reference;
				      * NULL: there is none */
	uint8_t data[];
};

/* A new unit with one reference and a copy of `size` bytes at `data`. The caller
 * may set `flags`, `luma`, `loudness` and `lower` before sharing it. NULL: out of memory. */
struct dh_unit *dh_unit_new(enum dh_media media, int64_t pts_ticks, int64_t duration_ticks, const void *data,
	size_t size);

/* A packet of sound, and behind it the one that takes its place where the sound is cut. NULL: out of
 * memory. */
struct dh_unit *dh_unit_new_sound(int64_t pts_ticks, const void *data, size_t size, const void *fade, size_t fade_size);

/* The packet that is sent instead of this one if the sound ends here: it goes on as this one does, and fades
 * to silence within its 20 ms. NULL: there is none. Sets *size. */
const uint8_t *dh_unit_fade(const struct dh_unit *unit, size_t *size);

/* Bytes of all that it carries: in all qualities, and its fade. */
size_t dh_unit_bytes(const struct dh_unit *unit);

struct dh_unit *dh_unit_ref(struct dh_unit *unit);

/* Drops the reference and sets *unit to NULL. *unit may be NULL. */
void dh_unit_unref(struct dh_unit **unit);

/* How different two pictures look: the sum of the differences of their thumbnails. */
unsigned dh_unit_luma_distance(const struct dh_unit *a, const struct dh_unit *b);

/* True if both hold the same bytes, or both are NULL. */
bool dh_unit_same_bytes(const struct dh_unit *a, const struct dh_unit *b);

#endif
