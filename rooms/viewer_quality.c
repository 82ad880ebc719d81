/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "viewer_quality.h"

#include "playout/remb.h"

static json_t *asked_json(int asked)
{
	return asked == DH_QUALITY_AUTO ? json_string("auto") : json_integer(asked);
}

/* The lock is held, or nobody else knows it. */
static bool set_wanted(struct dh_viewer_quality *quality)
{
	int asked = atomic_load(&quality->asked), temporal = atomic_load(&quality->temporal);
	bool is_thin, is_auto = asked == DH_QUALITY_AUTO;
	int carried = dh_choice_quality(&quality->choice, &is_thin), wanted = is_auto ? carried : asked;

	if (temporal != DH_QUALITY_AUTO)
		is_thin = !temporal;
	else if (!is_auto)
		is_thin = false;
	bool is_other = atomic_exchange(&quality->wanted, wanted) != wanted;
	return (atomic_exchange(&quality->thin, is_thin) != (int)is_thin) || is_other;
}

/* Droppable pictures are its to leave out unless somebody has said. */
static void begin_choice(struct dh_viewer_quality *quality, int place, int64_t now_ticks)
{
	bool can_thin = quality->is_temporal && atomic_load(&quality->temporal) == DH_QUALITY_AUTO;

	dh_choice_init(&quality->choice, quality->kbps, can_thin, quality->entry_ticks, place, now_ticks);
}

void dh_viewer_quality_init(struct dh_viewer_quality *quality, const struct dh_avatar_config *avatar, int64_t now_ticks)
{
	dh_avatar_rates(avatar, quality->kbps);
	quality->entry_ticks = avatar->entry_ms * DH_TICKS_PER_MS;
	quality->is_temporal = avatar->temporal != 0;
	quality->has_choice = quality->is_temporal || dh_qualities_count(quality->kbps) > 1;
	atomic_init(&quality->asked, DH_QUALITY_AUTO);
	atomic_init(&quality->temporal, DH_QUALITY_AUTO);
	g_mutex_init(&quality->lock);
	atomic_init(&quality->remb_kbps, -1);
	begin_choice(quality, 0, now_ticks);
}

void dh_viewer_quality_clear(struct dh_viewer_quality *quality)
{
	g_mutex_clear(&quality->lock);
}

void dh_viewer_quality_asked(const struct dh_viewer_quality *quality, struct dh_quality_asked *asked)
{
	asked->quality = atomic_load(&quality->asked);
	asked->temporal = atomic_load(&quality->temporal);
}

static void set_asked(struct dh_viewer_quality *quality, const struct dh_quality_asked *asked)
{
	atomic_store(&quality->asked, asked->quality);
	atomic_store(&quality->temporal, asked->temporal);
}

void dh_viewer_quality_continue(struct dh_viewer_quality *to, struct dh_viewer_quality *from, int64_t now_ticks)
{
	struct dh_quality_asked asked;

	g_mutex_lock(&from->lock);
	int place = from->choice.place;
	dh_viewer_quality_asked(from, &asked);
	g_mutex_unlock(&from->lock);
	set_asked(to, &asked);
	to->is_continued = true;
	begin_choice(to, place, now_ticks);
	set_wanted(to);
}

bool dh_viewer_quality_ask(struct dh_viewer_quality *quality, const struct dh_quality_asked *asked, int64_t now_ticks)
{
	struct dh_quality_asked before;

	g_mutex_lock(&quality->lock);
	dh_viewer_quality_asked(quality, &before);
	set_asked(quality, asked);
	/* from what it has now: what was heard meanwhile was about that */
	if (before.quality != asked->quality || before.temporal != asked->temporal)
		begin_choice(quality, atomic_load(&quality->wanted), now_ticks);
	bool is_new = set_wanted(quality);
	g_mutex_unlock(&quality->lock);
	return is_new;
}

static void take_report(struct dh_viewer_quality *quality, const struct dh_receiver *receiver, uint64_t sent_bytes,
	int64_t now_ticks)
{
	uint32_t reports = atomic_load(&receiver->media[DH_VIDEO].reports);

	if (reports == quality->reports)
		return;
	quality->reports = reports;
	const struct dh_choice_report report = { .lost = atomic_load(&receiver->media[DH_VIDEO].said),
		.highest = dh_receiver_highest(receiver, DH_VIDEO),
		.rtt_ms = atomic_load(&receiver->media[DH_VIDEO].rtt_ms),
		.is_first = reports == 1 && !quality->is_continued,
		.first_lost = (int)atomic_load(&receiver->media[DH_VIDEO].fraction_lost) };
	dh_choice_report(&quality->choice, &report, sent_bytes, now_ticks);
}

bool dh_viewer_quality_hear(struct dh_viewer_quality *quality, const struct dh_receiver *receiver, const uint8_t *rtcp,
	size_t size, int64_t now_ticks)
{
	uint64_t sent_bytes = atomic_load(&quality->video_bytes);
	bool is_new = false;

	if (!quality->has_choice)
		return false;
	int32_t remb_kbps = dh_remb_read(rtcp, size);
	if (remb_kbps >= 0)
		atomic_store(&quality->remb_kbps, remb_kbps);
	g_mutex_lock(&quality->lock);
	if (atomic_load(&quality->asked) == DH_QUALITY_AUTO) {
		take_report(quality, receiver, sent_bytes, now_ticks);
		if (remb_kbps >= 0)
			dh_choice_remb(&quality->choice, remb_kbps, sent_bytes, now_ticks);
		is_new = set_wanted(quality);
	}
	g_mutex_unlock(&quality->lock);
	return is_new;
}

bool dh_viewer_quality_slow_link(struct dh_viewer_quality *quality, int64_t now_ticks)
{
	bool is_new = false;

	if (!quality->has_choice)
		return false;
	g_mutex_lock(&quality->lock);
	if (atomic_load(&quality->asked) == DH_QUALITY_AUTO) {
		dh_choice_slow_link(&quality->choice, atomic_load(&quality->video_bytes), now_ticks);
		is_new = set_wanted(quality);
	}
	g_mutex_unlock(&quality->lock);
	return is_new;
}

static void describe_temporal(json_t *json, bool is_temporal, int temporal)
{
	if (is_temporal)
		json_object_set_new(json, "temporal", asked_json(temporal));
}

void dh_viewer_quality_describe(const struct dh_viewer_quality *quality, json_t *json)
{
	if (!quality->has_choice)
		return;
	json_object_set_new(json, "quality", asked_json(atomic_load(&quality->asked)));
	describe_temporal(json, quality->is_temporal, atomic_load(&quality->temporal));
}

void dh_viewer_quality_get_stats(const struct dh_viewer_quality *quality, const struct dh_viewer_stats *sent,
	struct dh_viewer_quality_stats *stats)
{
	stats->has_choice = quality->has_choice;
	if (!stats->has_choice)
		return;
	stats->is_temporal = quality->is_temporal;
	dh_viewer_quality_asked(quality, &stats->asked);
	stats->sent = sent->quality;
	stats->changes = sent->switches;
	stats->left_out = sent->left_out;
	stats->remb_kbps = atomic_load(&quality->remb_kbps);
}

json_t *dh_viewer_quality_json(const struct dh_viewer_quality_stats *stats)
{
	json_t *json = json_pack("{s:o, s:i, s:I, s:o}", "asked", asked_json(stats->asked.quality), "sent", stats->sent,
		"changes", (json_int_t)stats->changes, "remb_kbps",
		stats->remb_kbps < 0 ? json_null() : json_integer(stats->remb_kbps));

	describe_temporal(json, stats->is_temporal, stats->asked.temporal);
	if (stats->is_temporal)
		json_object_set_new(json, "left_out", json_integer((json_int_t)stats->left_out));
	return json;
}
