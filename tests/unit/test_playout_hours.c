/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A playout under a fake clock, for twelve hours: a generator makes 33 pictures a second and sound in pieces of
 * 40 ms, in segments of ten minutes, one behind the other, or in a single one. Neither does the sound leave the
 * picture, nor RTP time the clock, nor does memory grow after the first minute. The linker sends malloc, calloc,
 * realloc and free of all objects through the functions here, which count the bytes that were asked for. */
#include "tests/support/playout_rig_check.h"

#include <stdlib.h>

#define SEGMENT_MS (600 * 1000)
#define PIECE_MS   40
#define WHOLE_MS   1 /* what may be apart */

/* Sanitizers need ten times as long: ./test runs this program without them, too. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HOURS 1
#else
#define HOURS 12
#endif

static const struct dh_order live = { .source = 1 };
static char ids[100][16];

/* --- memory */

#define HEAD_BYTES 16 /* in front of each block: its size */

static size_t used; /* bytes now allocated */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void __real_free(void *block);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);
void __wrap_free(void *block);

static void *head_of(void *block)
{
	if (!block)
		return NULL;
	void *head = (char *)block - HEAD_BYTES;
	used -= *(size_t *)head;
	return head;
}

static void *block_of(void *head, size_t size)
{
	if (!head)
		abort();
	*(size_t *)head = size;
	used += size;
	return (char *)head + HEAD_BYTES;
}

void *__wrap_malloc(size_t size)
{
	return block_of(__real_malloc(HEAD_BYTES + size), size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return block_of(__real_calloc(1, HEAD_BYTES + count * size), count * size);
}

void *__wrap_realloc(void *block, size_t size)
{
	return block_of(__real_realloc(head_of(block), HEAD_BYTES + size), size);
}

void __wrap_free(void *block)
{
	__real_free(head_of(block));
}

/* The most that was allocated in the current minute, and in the second one. A live segment keeps a minute of what
 * was played, so only then is all of it there. */
static struct {
	int pieces;
	size_t most, second;
} memory;

static void memory_begin(void)
{
	memset(&memory, 0, sizeof memory);
}

/* After each piece. */
static void memory_check(void)
{
	const int minute = 60 * 1000 / PIECE_MS;

	memory.most = used > memory.most ? used : memory.most;
	if (++memory.pieces % minute)
		return;
	if (memory.pieces == 2 * minute)
		memory.second = memory.most;
	if (memory.pieces > 2 * minute)
		CHECK(memory.most <= memory.second, "%zu bytes in minute %d, %zu in the second", memory.most,
			memory.pieces / minute, memory.second);
	memory.most = 0;
}

/* --- what is played */

static struct rig_segment segment(int number)
{
	snprintf(ids[number], sizeof ids[number], "s-%d", number);
	return (struct rig_segment){ ids[number], (char)('a' + number % 2), 'i', SEGMENT_MS, 33, 1, 17, SEGMENT_MS,
		PIECE_MS * 6 };
}

/* How far a time of RTP is from `media_ticks`, in ms. */
static double apart_ms(uint32_t timestamp, int64_t media_ticks, int64_t clock)
{
	int32_t difference = (int32_t)(timestamp - (uint32_t)(media_ticks / clock));
	return abs(difference) * (double)clock / DH_TICKS_PER_MS;
}

/* When a picture leaves: at its time, or with sound that is due at most 2 ms before. */
static int64_t leaves(int64_t media_ticks)
{
	int64_t behind = media_ticks % DH_SLOT_TICKS;
	return behind <= 2 * MS ? media_ticks - behind : media_ticks;
}

/* The newest picture and packet of the segment that plays. */
static void check_newest(const struct rig_viewer *v, const struct rig_segment *spec, int64_t *heard)
{
	const struct rig_event *started = rig_event(&rig, DH_EVENT_STARTED, spec->id);
	const struct rig_picture *picture = &v->pictures[(v->picture_count - 1) % RIG_LOG_MAX];
	if (!started || picture->tag != spec->tag)
		return;
	int64_t shown = started->media_ticks + dh_ticks_of_frame(picture->index, 33, 1);
	CHECK(apart_ms(picture->timestamp, shown, DH_TICKS_PER_VIDEO_CLOCK) <= WHOLE_MS, "picture %d", picture->index);
	CHECK(llabs(picture->sent_ticks - rig.origin - leaves(shown)) <= WHOLE_MS * MS, "picture %d was late",
		picture->index);
	int64_t packet = (v->sound_ticks[(v->sound_count - 1) % RIG_LOG_MAX] - rig.origin - started->media_ticks) /
		DH_SLOT_TICKS;
	CHECK(v->sound[(v->sound_count - 1) % RIG_LOG_MAX] == spec->tag, "%s is not heard", spec->id);
	uint32_t sound = v->timestamp[DH_AUDIO] - v->seed.first_timestamp[DH_AUDIO];
	CHECK(apart_ms(sound, started->media_ticks + packet * DH_SLOT_TICKS, DH_TICKS_PER_AUDIO_SAMPLE) <= WHOLE_MS,
		"packet %lld", (long long)packet);
	(*heard)++;
}

/* Plays one segment as it is made. Returns how often it was looked at. */
static int64_t play(const struct rig_viewer *v, int number)
{
	const struct rig_segment spec = segment(number);
	int64_t heard = 0;
	CHECK_INT(rig_order(&rig, &spec, &live, NULL), 0);
	for (int ms = spec.known_ms + PIECE_MS; ms < SEGMENT_MS; ms += PIECE_MS) {
		rig_run(&rig, rig.now + PIECE_MS * MS);
		rig_arrive(&rig, &spec, ms);
		check_newest(v, &spec, &heard);
		memory_check();
	}
	rig_arrive(&rig, &spec, -1);
	rig_run(&rig, rig.now + spec.known_ms * MS);
	return heard;
}

static void test_twelve_hours(void)
{
	const int count = HOURS * 3600 * 1000 / SEGMENT_MS;
	size_t resting = 0;
	memory_begin();
	rig_open_idle(&rig, NULL, start);
	struct rig_viewer *v = rig_join(&rig, NULL);
	for (int i = 0; i < count; i++) {
		CHECK(play(v, i) > SEGMENT_MS / PIECE_MS - 20, "segment %d", i);
		rig_run(&rig, rig.now + 100 * MS);
		CHECK_INT(rig_count(&rig, DH_EVENT_FINISHED, ids[i]), 1);
		if (i == 0)
			resting = used;
	}
	CHECK_INT(rig_count(&rig, DH_EVENT_HELD, NULL), 0);
	CHECK(used <= resting, "%zu bytes, %zu after ten minutes", used, resting);
	finish_after(0);
}

/* One that is pushed for hours: what was played is forgotten, so neither the segment grows nor anything else. */
static void test_one_segment(void)
{
	const int64_t all_ms = (int64_t)HOURS * 3600 * 1000;
	const struct rig_segment spec = { "live", 'l', 'i', (int)all_ms, 33, 1, 17, (int)all_ms, PIECE_MS * 6 };
	memory_begin();
	rig_open_idle(&rig, NULL, start);
	struct rig_viewer *v = rig_join(&rig, NULL);
	CHECK_INT(rig_order(&rig, &spec, &live, NULL), 0);
	for (int64_t ms = spec.known_ms + PIECE_MS; ms < all_ms; ms += PIECE_MS) {
		rig_run(&rig, rig.now + PIECE_MS * MS);
		rig_arrive(&rig, &spec, (int)ms);
		memory_check();
	}
	rig_arrive(&rig, &spec, -1);
	rig_run(&rig, rig.now + (spec.known_ms + 200) * MS);
	const struct rig_event *end = rig_event(&rig, DH_EVENT_FINISHED, "live");
	CHECK(end && end->played_ticks == all_ms * MS);
	CHECK_INT(rig_count(&rig, DH_EVENT_HELD, NULL), 0);
	CHECK_INT(v->broken, 0);
	finish_after(0);
}

static const struct check_test tests[] = {
	TEST(test_twelve_hours),
	TEST(test_one_segment),
};

int main(int argc, char **argv)
{
	return CHECK_MAIN(argc, argv, tests);
}
