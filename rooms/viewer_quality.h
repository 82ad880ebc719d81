/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which of its avatar's qualities a viewer is to be sent: one that it asked for, or the one that its network carries
 * (playout/choice.h), which is decided where RTCP is heard, so that a room's thread is woken by changes alone.
 */
#ifndef DH_VIEWER_QUALITY_H
#define DH_VIEWER_QUALITY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>
#include <jansson.h>

#include "avatar_config.h"
#include "playout/choice.h"
#include "playout/packets.h"
#include "receiver.h"

#define DH_QUALITY_AUTO (-1)

/* What a viewer asks for; DH_QUALITY_AUTO: what its network carries. */
struct dh_quality_asked {
	int quality;  /* 0 to DH_QUALITIES_MAX - 1 */
	int temporal; /* 0: without droppable pictures, 1: with them */
};

/* Zero it, then call dh_viewer_quality_init. */
struct dh_viewer_quality {
	/* immutable */
	int kbps[DH_QUALITIES_MAX]; /* the avatar's */
	int64_t entry_ticks;
	bool is_temporal; /* there are droppable pictures */
	bool has_choice;  /* there are those, or more than one quality */
	/* protected by lock */
	GMutex lock;
	struct dh_choice choice;
	uint32_t reports;  /* how many were heard */
	bool is_continued; /* there were some before, in another room */
	/* any thread; the first is set while the lock is held */
	atomic_int asked, temporal;   /* as in struct dh_quality_asked */
	atomic_int wanted, thin;      /* the quality; whether it does without droppable pictures */
	_Atomic uint64_t video_bytes; /* sent; counted where there is a choice */
	_Atomic int32_t remb_kbps;    /* -1: none came */
};

/* Copied in the room's thread. */
struct dh_viewer_quality_stats {
	bool has_choice, is_temporal;
	struct dh_quality_asked asked;
	int sent;
	uint64_t changes, left_out;
	int32_t remb_kbps;
};

void dh_viewer_quality_init(struct dh_viewer_quality *quality, const struct dh_avatar_config *avatar,
	int64_t now_ticks);
void dh_viewer_quality_clear(struct dh_viewer_quality *quality);

/* `to`, in another room, goes on as `from`. */
void dh_viewer_quality_continue(struct dh_viewer_quality *to, struct dh_viewer_quality *from, int64_t now_ticks);

/* Any thread; each returns whether `wanted` or `thin` changes. Never wait. */
bool dh_viewer_quality_ask(struct dh_viewer_quality *quality, const struct dh_quality_asked *asked, int64_t now_ticks);
/* RTCP of the viewer; `receiver` has heard it, too. */
bool dh_viewer_quality_hear(struct dh_viewer_quality *quality, const struct dh_receiver *receiver, const uint8_t *rtcp,
	size_t size, int64_t now_ticks);
bool dh_viewer_quality_slow_link(struct dh_viewer_quality *quality, int64_t now_ticks);

/* A packet of video was sent to it. */
static inline void dh_viewer_quality_sent(struct dh_viewer_quality *quality, size_t size)
{
	if (quality->has_choice)
		atomic_fetch_add_explicit(&quality->video_bytes, size, memory_order_relaxed);
}

/* What it has asked for. Any thread. */
void dh_viewer_quality_asked(const struct dh_viewer_quality *quality, struct dh_quality_asked *asked);
/* Sets `quality`, "auto" or a number, in `json`, and `temporal` likewise; not where there is no choice. Any thread. */
void dh_viewer_quality_describe(const struct dh_viewer_quality *quality, json_t *json);

void dh_viewer_quality_get_stats(const struct dh_viewer_quality *quality, const struct dh_viewer_stats *sent,
	struct dh_viewer_quality_stats *stats);
/* {"asked":…,"sent":…,"changes":…,"remb_kbps":…}, with droppable pictures also "temporal" and "left_out". A new
 * reference. */
json_t *dh_viewer_quality_json(const struct dh_viewer_quality_stats *stats);

#endif
