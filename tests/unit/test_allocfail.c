/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every allocation of the playout code fails once: nothing crashes or leaks, and what can
 * report the failure returns -ENOMEM. The linker sends malloc, calloc, realloc and free
 * of all objects through the functions here (-Wl,--wrap=malloc and so on). A scenario is
 * one function. It runs with its first allocation failing, then with its second, and so
 * on until a run has no failure; each time once with that allocation alone failing, and
 * once with all from there on. To add a scenario, write it and put it into the table. */
#include "tests/support/check.h"
#include "tests/support/stream_fixture.h"

#include "playout/playout.h"

#include <malloc.h>

/* --- the allocator */

static struct {
	long until_failure; /* allocations that still succeed; negative: all do */
	int keeps_failing;
	long failures;
	long blocks; /* blocks now allocated */
	size_t bytes, peak;
} heap = { .until_failure = -1 };

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void __real_free(void *block);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);
void __wrap_free(void *block);

static int must_fail(void)
{
	if (heap.until_failure < 0)
		return 0;
	if (heap.until_failure > 0) {
		heap.until_failure--;
		return 0;
	}
	heap.until_failure = heap.keeps_failing ? 0 : -1;
	heap.failures++;
	return 1;
}

static void *count_block(void *block)
{
	if (block) {
		heap.blocks++;
		heap.bytes += malloc_usable_size(block);
		if (heap.bytes > heap.peak)
			heap.peak = heap.bytes;
	}
	return block;
}

static void forget_block(void *block)
{
	if (block) {
		heap.blocks--;
		heap.bytes -= malloc_usable_size(block);
	}
}

void *__wrap_malloc(size_t size)
{
	return must_fail() ? NULL : count_block(__real_malloc(size));
}

void *__wrap_calloc(size_t count, size_t size)
{
	return must_fail() ? NULL : count_block(__real_calloc(count, size));
}

void *__wrap_realloc(void *block, size_t size)
{
	size_t old = block ? malloc_usable_size(block) : 0;
	void *moved;
	if (must_fail())
		return NULL;
	moved = __real_realloc(block, size);
	if (moved) {
		heap.blocks -= block != NULL;
		heap.bytes -= old;
		count_block(moved);
	}
	return moved;
}

void __wrap_free(void *block)
{
	forget_block(block);
	__real_free(block);
}

/* --- scenarios */

static int unit_scenario(void)
{
	struct dh_unit *unit = dh_unit_new(DH_VIDEO, 0, 1, "abc", 3);
	struct dh_unit *other = unit ? dh_unit_ref(unit) : NULL;
	int err = unit ? 0 : -ENOMEM;
	dh_unit_unref(&unit);
	dh_unit_unref(&other);
	return err;
}

static int write_scenario(void)
{
	static struct bytes bytes;
	struct dh_stream_writer writer = { bytes_write, &bytes };
	int err;
	bytes.size = 0;
	err = fixture_write(&writer);
	return err < 0 ? err : dh_stream_write_failure(&writer, 1, "no");
}

static int keep_unit(void *arg, struct dh_unit *unit)
{
	struct dh_unit **kept = arg;
	dh_unit_unref(kept);
	*kept = dh_unit_ref(unit);
	return 0;
}

/* The fixture; made before anything fails. */
static struct bytes stream;

static int read_scenario(void)
{
	static const struct dh_stream_sink sink = { .anchor = keep_unit, .unit = keep_unit };
	struct dh_unit *kept = NULL;
	struct dh_stream_reader *reader = NULL;
	int err = dh_stream_reader_alloc(&reader, NULL, &sink, &kept);
	CHECK(err == 0 || !reader, "set in spite of an error");
	for (size_t i = 0; err == 0 && i < stream.size; i += 50) {
		err = dh_stream_reader_push(reader, stream.at + i, stream.size - i < 50 ? stream.size - i : 50);
		if (err < 0) {
			/* The error is permanent, even when there is memory again. */
			CHECK_INT(dh_stream_reader_push(reader, stream.at, 50), err);
			CHECK_INT(dh_stream_reader_finish(reader), err);
			CHECK_STR(dh_stream_reader_error(reader), "out of memory");
		}
	}
	if (err == 0)
		err = dh_stream_reader_finish(reader);
	dh_stream_reader_free(&reader);
	dh_unit_unref(&kept);
	return err;
}

/* A segment made of the fixture's units; NULL with *err set if an allocation failed. */
static struct dh_segment *make_segment(const char *id, int *err)
{
	struct dh_segment *segment = NULL;
	struct dh_unit *anchor = dh_unit_new(DH_VIDEO, 0, 1, fixture_anchor, sizeof fixture_anchor);
	*err = anchor ? dh_segment_alloc(&segment, id, NULL) : -ENOMEM;
	if (*err == 0)
		*err = dh_segment_open(segment, &fixture_head, anchor);
	for (size_t i = 0; *err == 0 && i < FIXTURE_UNITS; i++) {
		struct dh_unit *unit = fixture_unit_new(&fixture_units[i]);
		*err = unit ? dh_segment_append(segment, unit) : -ENOMEM;
		dh_unit_unref(&unit);
	}
	if (*err == 0)
		dh_segment_complete(segment);
	else
		dh_segment_free(&segment);
	dh_unit_unref(&anchor);
	return segment;
}

static int segment_scenario(void)
{
	int err;
	struct dh_segment *segment = make_segment("s", &err);
	if (segment) {
		CHECK_INT(dh_segment_count(segment, DH_VIDEO) + dh_segment_count(segment, DH_AUDIO), FIXTURE_UNITS);
		CHECK(dh_segment_is_complete(segment));
	}
	dh_segment_free(&segment);
	return err;
}

/* What a playout has sent. */
struct audience {
	long packets[2];
	int ends, others;
};

static void count_packet(void *arg, void *viewer_user, enum dh_media media, const uint8_t *rtp, size_t size)
{
	struct audience *audience = arg;
	(void)viewer_user;
	CHECK(rtp[0] == 0x80 && size > 12);
	audience->packets[media]++;
}

static void count_event(void *arg, const struct dh_playout_event *event)
{
	struct audience *audience = arg;
	if (event->type >= DH_EVENT_FINISHED && event->type <= DH_EVENT_FAILED)
		audience->ends++;
	else
		audience->others++;
}

static int fill_playout(struct dh_playout *playout, int *queued)
{
	static const char *const ids[] = { "first", "second", "third" };
	int err;
	struct dh_segment *segment = make_segment("idle", &err);
	if (err == 0)
		err = dh_playout_set_idle(playout, segment);
	for (size_t i = 0; err == 0 && i < sizeof ids / sizeof *ids; i++) {
		const struct dh_order order = { .utterance = "u", .index = -1, .is_last = i == 2, .source = 1 };
		segment = make_segment(ids[i], &err);
		if (err == 0 && i > 0)
			dh_segment_set_order(segment, &order);
		if (err == 0)
			err = dh_playout_enqueue(playout, segment);
		if (err == 0)
			++*queued;
	}
	if (err < 0)
		dh_segment_free(&segment);
	return err;
}

/* Three segments, two of them an utterance, two viewers, a PLI, a viewer that leaves. A poll
 * without memory sends less, but each queued segment still ends once. */
static int playout_scenario(void)
{
	static const struct dh_playout_sink sink = { .packet = count_packet, .event = count_event };
	static const struct dh_continuity_seed seed = { .payload_type = { 111, 96 } };
	const struct dh_viewer_way ways[2] = { { .ptime = 20 }, { .ptime = 60 } };
	struct audience audience = { .ends = 0 };
	struct dh_viewer *viewers[2] = { NULL, NULL };
	struct dh_playout_config config;
	struct dh_playout *playout = NULL;
	int queued = 0, err;
	dh_playout_config_init(&config);
	config.spread_from = 1;
	err = dh_playout_alloc(&playout, &config, &sink, &audience, 0);
	if (err < 0)
		return err;
	err = fill_playout(playout, &queued);
	for (int i = 0; err == 0 && i < 2; i++)
		err = dh_playout_add_viewer(playout, &seed, &ways[i], NULL, &viewers[i]);
	if (err == 0)
		dh_playout_viewer_keyframes(viewers[1], 100 * DH_TICKS_PER_MS);
	for (int64_t now = 0; err == 0 && now < DH_TICKS_PER_SECOND; now += 5 * DH_TICKS_PER_MS) {
		dh_playout_poll(playout, now);
		if (now == 50 * DH_TICKS_PER_MS)
			dh_playout_viewer_pli(playout, viewers[0], now);
		if (now == 300 * DH_TICKS_PER_MS)
			dh_playout_remove_viewer(playout, &viewers[1]);
	}
	if (err == 0)
		CHECK(audience.ends == queued && queued == 3, "%d of %d", audience.ends, queued);
	if (err == 0 && heap.failures == 0)
		CHECK(audience.packets[DH_AUDIO] > 20 && audience.packets[DH_VIDEO] > 30);
	dh_playout_free(&playout);
	return err;
}

static const struct scenario {
	const char *name;
	int (*run)(void); /* frees what it made; returns 0 or -ENOMEM */
	int may_go_on;    /* may return 0 despite a failure: it did with less */
} scenarios[] = {
	{ "a unit", unit_scenario, 0 },
	{ "a stream written", write_scenario, 0 },
	{ "a stream read", read_scenario, 0 },
	{ "a segment", segment_scenario, 0 },
	{ "a playout", playout_scenario, 1 },
};

/* --- the sweep */

static void test_out_of_memory(const void *arg)
{
	const struct scenario *scenario = arg;
	struct dh_stream_writer writer = { bytes_write, &stream };
	stream.size = 0;
	CHECK_INT(fixture_write(&writer), 0);
	for (long run = 0;; run++) {
		long blocks = heap.blocks;
		int err;
		CHECK_AT("allocation %ld fails%s", run / 2, run % 2 ? ", and all after it" : "");
		heap.failures = 0;
		heap.keeps_failing = run % 2;
		heap.until_failure = run / 2;
		err = scenario->run();
		heap.until_failure = -1;
		CHECK_INT(heap.blocks, blocks);
		if (heap.failures == 0) {
			CHECK_INT(err, 0);
			CHECK(run > 0, "it allocates nothing");
			return;
		}
		CHECK(err == -ENOMEM || (err == 0 && scenario->may_go_on), "%d", err);
	}
}

/* --- what a reader may allocate */

/* Feeds the start of a video record that claims `length` bytes, `sent` of them,
 * and returns the most that the reader had allocated meanwhile. */
static size_t peak_of_claim(uint32_t length, size_t sent)
{
	static const struct dh_stream_sink nothing = { .head = NULL };
	uint8_t prefix[8] = { 'V', 'I', 'D', 'E' }, zeros[1000] = { 0 };
	struct bytes bytes = { .size = 0 };
	struct dh_stream_writer writer = { bytes_write, &bytes };
	struct dh_stream_reader *reader;
	size_t before = heap.bytes, peak;
	for (int i = 0; i < 4; i++)
		prefix[4 + i] = (uint8_t)(length >> 8 * i);
	CHECK_INT(dh_stream_write_head(&writer, &fixture_head), 0);
	CHECK_INT(dh_stream_write_anchor(&writer, fixture_anchor, sizeof fixture_anchor), 0);
	heap.peak = heap.bytes;
	CHECK_INT(dh_stream_reader_alloc(&reader, NULL, &nothing, NULL), 0);
	CHECK_INT(dh_stream_reader_push(reader, bytes.at, bytes.size), 0);
	CHECK_INT(dh_stream_reader_push(reader, prefix, sizeof prefix), 0);
	for (size_t i = 0; i < sent; i += sizeof zeros)
		CHECK_INT(dh_stream_reader_push(reader, zeros, sizeof zeros), 0);
	peak = heap.peak - before;
	dh_stream_reader_free(&reader);
	CHECK_INT(heap.bytes, before);
	return peak;
}

static void test_memory_follows_the_bytes_not_the_claim(void)
{
	const uint32_t largest = DH_VIDEO_UNIT_MAX + 16 + DH_LUMA_BYTES;
	CHECK(peak_of_claim(largest, 0) < 10000);
	CHECK(peak_of_claim(largest, 1000) < 10000);
	CHECK(peak_of_claim(largest, 100000) < 400000);
	CHECK(peak_of_claim(3000000, 2900000) < 3010000); /* never more than the record needs */
}

static int push_to_reader(void *arg, const void *bytes, size_t size)
{
	return dh_stream_reader_push(arg, bytes, size);
}

/* The reader does not keep a large record's buffer. */
static void test_memory_is_given_back(void)
{
	static const struct dh_stream_sink nothing = { .head = NULL };
	static uint8_t i420[1024 * 1024 * 3 / 2];
	struct dh_stream_head head = fixture_head;
	uint8_t anchor[sizeof fixture_anchor];
	struct dh_stream_reader *reader;
	struct bytes bytes = { .size = 0 };
	struct dh_stream_writer into_bytes = { bytes_write, &bytes }, into_reader;
	size_t before = heap.bytes;
	head.width = head.height = 1024;
	memcpy(anchor, fixture_anchor, sizeof anchor);
	anchor[6] = anchor[8] = 0;
	anchor[7] = anchor[9] = 4;
	CHECK_INT(dh_stream_write_head(&into_bytes, &head), 0);
	CHECK_INT(dh_stream_write_anchor(&into_bytes, anchor, sizeof anchor), 0);
	CHECK_INT(dh_stream_reader_alloc(&reader, NULL, &nothing, NULL), 0);
	CHECK_INT(dh_stream_reader_push(reader, bytes.at, bytes.size), 0);
	into_reader = (struct dh_stream_writer){ push_to_reader, reader };
	CHECK_INT(dh_stream_write_picture(&into_reader, i420, sizeof i420), 0);
	CHECK(heap.peak - before > sizeof i420);
	CHECK(heap.bytes - before < 10000, "%zu bytes stay", heap.bytes - before);
	dh_stream_reader_free(&reader);
}

static const struct check_test tests[] = {
	TABLE(test_out_of_memory, scenarios),
	TEST(test_memory_follows_the_bytes_not_the_claim),
	TEST(test_memory_is_given_back),
};

int main(int argc, char **argv)
{
	return CHECK_MAIN(argc, argv, tests);
}
