/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A playout under a fake clock: pieces whose first packets are the last ones of the piece before, encoded
 * once more, replace these, unless they have been played. */
#include "tests/support/playout_rig_check.h"

#include <errno.h>
#include <stdlib.h>

/* A piece of `packets`, in all, that begins with `lead` samples of a piece of `after` packets (0: it does not),
 * and has a picture each 30 ms from there on. Packets with the other one's sound are `other`, the fresh one 'f'. */
struct piece {
	const char *id;
	int64_t index;
	int packets, lead, after;
	char other;
	bool is_last;
};

static void append(struct dh_segment *segment, struct dh_unit *unit, uint32_t flags)
{
	CHECK(unit);
	unit->flags = flags;
	CHECK_INT(dh_segment_append(segment, unit), 0);
	dh_unit_unref(&unit);
}

static void append_sound(struct dh_segment *segment, const struct piece *piece, int n)
{
	bool is_others = n * 960 < piece->lead;
	uint8_t bytes[4] = { (uint8_t)(is_others ? piece->other : piece->id[0]), 1, 2, 3 };
	append(segment, dh_unit_new(DH_AUDIO, n * DH_SLOT_TICKS, DH_SLOT_TICKS, bytes, sizeof bytes), 0);
}

static struct dh_unit *picture(char kind, char tag, int index, int64_t pts_ticks)
{
	uint8_t bytes[9] = { (uint8_t)kind, (uint8_t)tag, 'i', 0, 0, 0, (uint8_t)index, 0, kind == 'D' };
	return dh_unit_new(DH_VIDEO, pts_ticks, 30 * MS, bytes, sizeof bytes);
}

static struct dh_segment *make(const struct piece *piece)
{
	struct dh_stream_head head = { .has_video = true, .has_audio = true, .width = 64, .height = 64, .rate_den = 1 };
	struct dh_unit *anchor = picture('K', 'i', 0, 0);
	struct dh_segment *segment;
	uint8_t fresh[4] = { 'f', 1, 2, 3 };
	int64_t begin = (int64_t)piece->lead * DH_TICKS_PER_AUDIO_SAMPLE;
	int shown = 0;
	CHECK_INT(dh_segment_alloc(&segment, piece->id, NULL), 0);
	CHECK_INT(dh_segment_open(segment, &head, anchor), 0);
	dh_unit_unref(&anchor);
	if (piece->lead)
		append(segment, dh_unit_new(DH_AUDIO, begin, piece->after * DH_SLOT_TICKS, fresh, sizeof fresh),
			DH_UNIT_LEAD);
	for (int n = 0; n < piece->packets; n++) {
		append_sound(segment, piece, n);
		for (; begin + shown * 30 * MS < (n + 1) * DH_SLOT_TICKS; shown++)
			append(segment, picture(shown ? 'D' : 'E', piece->id[0], shown, begin + shown * 30 * MS),
				shown ? 0 : DH_UNIT_ENTRY);
	}
	dh_segment_complete(segment);
	return segment;
}

static void enqueue(const struct piece *piece)
{
	struct dh_order order = { .utterance = "u", .index = piece->index, .is_last = piece->is_last };
	struct dh_segment *segment = make(piece);
	dh_segment_set_order(segment, &order);
	dh_playout_poll(rig.playout, rig.now);
	CHECK_INT(dh_playout_enqueue(rig.playout, segment), 0);
}

/* The room's sound from the first packet of `a` to the last packet of any piece. */
static const char *sound_of(const struct rig_viewer *v)
{
	static char sound[RIG_LOG_MAX + 1];
	memcpy(sound, v->sound, RIG_LOG_MAX);
	sound[v->sound_count] = 0;
	char *begin = strchr(sound, 'a'), *end = sound + v->sound_count;
	CHECK(begin);
	while (strchr(".,", end[-1]))
		end--;
	*end = 0;
	return begin;
}

static int shown(const struct rig_viewer *v, char tag)
{
	int count = 0;
	for (int i = 0; i < v->picture_count; i++)
		count += v->pictures[i].kind != 'K' && v->pictures[i].tag == tag;
	return count;
}

/* Until the sound of `next` begins, if the two join. */
static int pictures_of(const struct piece *piece, const struct piece *next)
{
	int replaced = next ? (next->lead + 959) / 960 * 960 - next->lead : 0;
	int samples = piece->packets * 960 - piece->lead - replaced;
	return (samples + 30 * 48 - 1) / (30 * 48);
}

static int64_t played_ms(const char *id)
{
	return rig_event(&rig, DH_EVENT_FINISHED, id)->played_ticks / MS;
}

static const struct row {
	const char *name;
	struct piece pieces[3];
	int arrivals[3];
	int late;          /* the last one to come, after so many ms; 0: at once */
	const char *sound; /* of all */
} rows[] = {
	{ "less than a packet",
		{ { "a", 0, 10, 0, 0, 0, false }, { "b", 1, 9, 700, 10, 'A', false },
			{ "c", 2, 8, 500, 9, 'B', true } },
		{ 2, 0, 1 }, 0, "aaaaaaaaaAbbbbbbbBccccccc" },
	{ "more than a packet",
		{ { "a", 0, 10, 0, 0, 0, false }, { "b", 1, 9, 961, 10, 'A', false },
			{ "c", 2, 8, 1379, 9, 'B', true } },
		{ 2, 1, 0 }, 0, "aaaaaaaaAAbbbbbBBcccccc" },
	{ "exactly a packet",
		{ { "a", 0, 10, 0, 0, 0, false }, { "b", 1, 9, 960, 10, 'A', false },
			{ "c", 2, 8, 960, 9, 'B', true } },
		{ 0, 2, 1 }, 0, "aaaaaaaaaAbbbbbbbBccccccc" },
	{ "the sound of another piece",
		{ { "a", 0, 10, 0, 0, 0, false }, { "b", 1, 9, 700, 11, 'A', false },
			{ "c", 2, 8, 700, 9, 'B', true } },
		{ 0, 1, 2 }, 0, "aaaaaaaaaafbbbbbbbBccccccc" },
};

static void test_pieces_join(const void *arg)
{
	const struct row *row = arg;
	rig_open_idle(&rig, NULL, start);
	struct rig_viewer *v = rig_join(&rig, NULL);
	rig_run(&rig, media_ms(100));
	for (int i = 0; i < 3; i++)
		enqueue(&row->pieces[row->arrivals[i]]);
	rig_run(&rig, media_ms(2000));
	CHECK_STR(sound_of(v), row->sound);
	CHECK_INT(rig_event(&rig, DH_EVENT_STARTED, "b")->media_ticks,
		rig_event(&rig, DH_EVENT_FINISHED, "a")->media_ticks);
	int64_t ms = 0;
	for (int i = 0; i < 3; i++) {
		const struct piece *piece = &row->pieces[i];
		CHECK_INT(shown(v, piece->id[0]),
			pictures_of(piece, i < 2 && piece[1].after == piece->packets ? piece + 1 : NULL));
		ms += played_ms(piece->id);
	}
	CHECK_INT(ms, (int)strlen(row->sound) * 20);
	finish_after(0);
}

/* What comes after the other one's end has been played begins with its own sound. */
static void test_a_late_piece_begins_afresh(const void *arg)
{
	const int lead = *(const int *)arg;
	const struct piece a = { "a", 0, 10, 0, 0, 0, false }, b = { "b", 1, 9, lead, 10, 'A', true };
	rig_open_idle(&rig, NULL, start);
	struct rig_viewer *v = rig_join(&rig, NULL);
	rig_run(&rig, media_ms(100));
	enqueue(&a);
	rig_run(&rig, media_ms(100 + 20 + 400));
	enqueue(&b);
	rig_run(&rig, media_ms(2000));
	const char *sound = sound_of(v), *fresh = strchr(sound, 'f');
	CHECK_INT((int)strspn(sound, "a"), 10);
	CHECK(fresh);
	CHECK_STR(fresh, lead < 960 ? "fbbbbbbbb" : lead < 1920 ? "fbbbbbbb" : "");
	CHECK(!strchr(sound, 'A'));
	CHECK_INT(shown(v, 'a'), 7);
	finish_after(0);
}

static const struct late {
	const char *name;
	int lead;
} lates[] = { { "700 samples", 700 }, { "960 samples", 960 }, { "1300 samples", 1300 } };

static void test_late(const void *arg)
{
	test_a_late_piece_begins_afresh(&((const struct late *)arg)->lead);
}

/* Once its last packets have begun, a piece goes on to its end. */
static void test_a_piece_that_is_ready_too_late(void)
{
	const struct piece a = { "a", 0, 10, 0, 0, 0, false }, b = { "b", 1, 9, 1300, 10, 'A', true };
	rig_open_idle(&rig, NULL, start);
	struct rig_viewer *v = rig_join(&rig, NULL);
	rig_run(&rig, media_ms(100));
	enqueue(&a);
	rig_run(&rig, media_ms(120 + 170)); /* its last but one plays */
	enqueue(&b);
	rig_run(&rig, media_ms(2000));
	CHECK_STR(sound_of(v), "aaaaaaaaaafbbbbbbb");
	finish_after(0);
}

static void test_interrupted_between(void)
{
	const struct piece a = { "a", 0, 10, 0, 0, 0, false }, b = { "b", 1, 9, 700, 10, 'A', true };
	rig_open_idle(&rig, NULL, start);
	rig_join(&rig, NULL);
	rig_run(&rig, media_ms(100));
	enqueue(&a);
	enqueue(&b);
	rig_run(&rig, media_ms(120 + 185)); /* `b` has just begun */
	dh_playout_interrupt(rig.playout);
	rig_run(&rig, media_ms(1000));
	CHECK_INT(rig_event(&rig, DH_EVENT_FINISHED, "a")->played_ticks, 200 * MS);
	CHECK_INT(rig_event(&rig, DH_EVENT_INTERRUPTED, "b")->played_ticks, 0);
	finish_after(0);
}

static const struct check_test tests[] = {
	TABLE(test_pieces_join, rows),
	TABLE(test_late, lates),
	TEST(test_a_piece_that_is_ready_too_late),
	TEST(test_interrupted_between),
};

int main(int argc, char **argv)
{
	return CHECK_MAIN(argc, argv, tests);
}
