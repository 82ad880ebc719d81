/* SPDX-License-Identifier: GPL-3.0-or-later */
/* When what happened to a room's segments. */
#include "room_private.h"

#include "playout/timebase.h"

/* A room's generator and those that stand in for it. */
#define GENERATORS_MAX 16

void dh_room_note_moment(struct dh_room *room, struct dh_account *account, enum dh_moment_kind kind,
	int64_t monotonic_us)
{
	int64_t ago_us = g_get_monotonic_time() - monotonic_us;
	int64_t media_ticks = dh_playout_media_ticks(room->playout, dh_ticks_from_ns(monotonic_us * 1000));

	dh_account_moment(account, kind, MAX(media_ticks, 0), (g_get_real_time() - ago_us) / 1000);
}

void dh_room_note_first_byte(struct dh_room *room, struct dh_account *account, const struct dh_feed *feed)
{
	int64_t first_us = dh_feed_first_byte_us(feed);

	if (first_us > 0)
		dh_room_note_moment(room, account, DH_MOMENT_FIRST_BYTE, first_us);
}

static void note_words(struct dh_account *account, struct dh_feed *feed)
{
	GPtrArray *words = dh_feed_take_words(feed);

	if (!words)
		return;
	dh_script_add(&account->script, (const struct dh_stream_word *const *)words->pdata, words->len);
	g_ptr_array_unref(words);
}

void dh_room_note_arrivals(struct dh_room *room, struct dh_feed *feed)
{
	const struct dh_segment *segment = dh_feed_segment(feed);
	struct dh_account *account = dh_room_account(room, segment);

	note_words(account, feed);
	dh_room_note_first_byte(room, account, feed);
	account->life.is_broken_off = dh_feed_is_complete(feed) && dh_feed_is_incomplete(feed);
	if (dh_segment_count(segment, DH_AUDIO) + dh_segment_count(segment, DH_VIDEO) > 0)
		dh_room_note_moment(room, account, DH_MOMENT_FIRST_UNIT, g_get_monotonic_time());
}

static enum dh_first_kind kind_of(const struct dh_feed *feed)
{
	if (dh_feed_is_generated(feed))
		return DH_FIRST_GENERATOR;
	return dh_feed_is_live(feed) ? DH_FIRST_PUSH : DH_FIRST_FILE;
}

void dh_room_note_start(struct dh_room *room, const struct dh_account *account, const struct dh_feed *feed)
{
	static const enum dh_moment_kind steps[] = {
		[DH_FIRST_ASKED] = DH_MOMENT_ASKED,
		[DH_FIRST_BEGUN] = DH_MOMENT_BEGUN,
		[DH_FIRST_BYTE] = DH_MOMENT_FIRST_BYTE,
		[DH_FIRST_UNIT] = DH_MOMENT_FIRST_UNIT,
		[DH_FIRST_READY] = DH_MOMENT_READY,
		[DH_FIRST_PACKET] = DH_MOMENT_STARTED,
	};
	int64_t ms[DH_FIRST_STEPS];

	for (int i = 0; i < DH_FIRST_STEPS; i++) {
		int64_t ticks = account->life.moments[steps[i]].media_ticks;
		ms[i] = ticks < 0 ? -1 : dh_ms_from_ticks(ticks);
	}
	dh_first_frames_add(room->first_frames, kind_of(feed), dh_feed_generator(feed), ms);
	if (room->context.first_frames)
		dh_first_frames_add(room->context.first_frames, kind_of(feed), dh_feed_generator(feed), ms);
}

struct dh_first_frames *dh_room_first_frames_new(const struct dh_room_facts *facts)
{
	const char *names[GENERATORS_MAX];
	const struct dh_generator_config *generator = facts->generator;
	size_t count = 0;

	for (; generator && count < GENERATORS_MAX; generator = generator->fallback_config) {
		for (size_t i = 0; i < count; i++)
			if (!g_strcmp0(names[i], generator->name))
				return dh_first_frames_new(names, count);
		names[count++] = generator->name;
	}
	return dh_first_frames_new(names, count);
}
