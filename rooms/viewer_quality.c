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
	int wanted = atomic_load(&quality->asked);
	bool is_thin;

	if (wanted == DH_QUALITY_AUTO)
		wanted = dh_choice_quality(&quality->choice, &is_thin);
	return atomic_exchange(&quality->wanted, wanted) != wanted;
}

static void begin_choice(struct dh_viewer_quality *quality, int place, int64_t now_ticks)
{
	dh_choice_init(&quality->choice, quality->kbps, false, quality->entry_ticks, place, now_ticks);
}

void dh_viewer_quality_init(struct dh_viewer_quality *quality, const struct dh_avatar_config *avatar, int64_t now_ticks)
{
	dh_avatar_rates(avatar, quality->kbps);
	quality->entry_ticks = avatar->entry_ms * DH_TICKS_PER_MS;
	quality->has_choice = dh_qualities_count(quality->kbps) > 1;
	atomic_init(&quality->asked, DH_QUALITY_AUTO);
	g_mutex_init(&quality->lock);
	atomic_init(&quality->remb_kbps, -1);
	begin_choice(quality, 0, now_ticks);
}

void dh_viewer_quality_clear(struct dh_viewer_quality *quality)
{
	g_mutex_clear(&quality->lock);
}

void dh_viewer_quality_continue(struct dh_viewer_quality *to, struct dh_viewer_quality *from, int64_t now_ticks)
{
	g_mutex_lock(&from->lock);
	int asked = atomic_load(&from->asked), place = from->choice.place;
	g_mutex_unlock(&from->lock);
	atomic_store(&to->asked, asked);
	begin_choice(to, place, now_ticks);
	set_wanted(to);
}

bool dh_viewer_quality_ask(struct dh_viewer_quality *quality, int asked, int64_t now_ticks)
{
	g_mutex_lock(&quality->lock);
	/* from what it has now: what was heard meanwhile was about that */
	int before = atomic_exchange(&quality->asked, asked);
	if (asked == DH_QUALITY_AUTO && before != DH_QUALITY_AUTO)
		begin_choice(quality, before, now_ticks);
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
	dh_choice_report(&quality->choice, (int)atomic_load(&receiver->media[DH_VIDEO].fraction_lost),
		atomic_load(&receiver->media[DH_VIDEO].rtt_ms), sent_bytes, now_ticks);
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

void dh_viewer_quality_describe(const struct dh_viewer_quality *quality, json_t *json)
{
	if (quality->has_choice)
		json_object_set_new(json, "quality", asked_json(atomic_load(&quality->asked)));
}

void dh_viewer_quality_get_stats(const struct dh_viewer_quality *quality, const struct dh_viewer_stats *sent,
	struct dh_viewer_quality_stats *stats)
{
	stats->has_choice = quality->has_choice;
	if (!stats->has_choice)
		return;
	stats->asked = atomic_load(&quality->asked);
	stats->sent = sent->quality;
	stats->changes = sent->switches;
	stats->remb_kbps = atomic_load(&quality->remb_kbps);
}

json_t *dh_viewer_quality_json(const struct dh_viewer_quality_stats *stats)
{
	return json_pack("{s:o, s:i, s:I, s:o}", "asked", asked_json(stats->asked), "sent", stats->sent, "changes",
		(json_int_t)stats->changes, "remb_kbps",
		stats->remb_kbps < 0 ? json_null() : json_integer(stats->remb_kbps));
}
