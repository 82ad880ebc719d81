/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What generators push: prepared streams are read straight from the socket, others by a
 * worker, and neither further ahead than is allowed. */
#include "tests/support/live_fixture.h"
#include "tests/support/stream_fixture.h"

#include <sys/socket.h>

#define FRAMES 500 /* 10 s of sound, 20 ms each */

/* It ends with its own end; the connection goes on. */
static void test_stream(void)
{
	struct ingest_fixture fixture;
	struct bytes bytes = { .size = 0 };
	const struct dh_stream_writer writer = { bytes_write, &bytes };
	struct live live;

	CHECK_INT(fixture_write(&writer), 0);
	ingest_fixture_init(&fixture);
	fixture.config.worker_path = "/nonexistent";
	ingest_fixture_open(&fixture);
	live_open(&fixture, &live, 0);
	for (size_t i = 0; i < bytes.size; i++)
		live_push(&live, bytes.at + i, 1);
	AWAIT(&live.heard, live.heard.ends + live.heard.failures > 0);
	CHECK_INT(live.heard.ends, 1);
	CHECK_INT(live.heard.units, FIXTURE_UNITS);
	CHECK_INT(live.heard.out_of_order, 0);
	CHECK_INT(ingest_fixture_stats(&fixture).jobs, 0);
	live_close(&live);
	ingest_fixture_close(&fixture);
}

/* Words as records and as lines, before their sound and behind it. */
static void test_words(void)
{
	static const char before[] = "{\"words\":[[\"Good\",10,300],[\"morning\",300,400]]}\n",
			  behind[] = "{\"words\":[[\"all\",500,700]],\"other\":1}\n";
	const struct dh_stream_word early = { 0, 300 * DH_TICKS_PER_MS, "early" };
	GByteArray *bytes = live_sound(0), *rest = g_byte_array_new();
	const struct dh_stream_writer writer = { live_append, bytes };
	struct ingest_fixture fixture;
	struct live live;

	g_byte_array_append(bytes, (const guint8 *)before, sizeof before - 1);
	/* In order among themselves, records follow what has come. */
	CHECK_INT(dh_stream_write_word(&writer, &early), 0);
	for (int i = 0; i < 20; i++) {
		struct fixture_unit from = { DH_AUDIO, 0, INT64_C(14400) * i, 14400, 60 };
		CHECK_INT(fixture_write_unit(&writer, &from), 0);
	}
	g_byte_array_append(rest, (const guint8 *)behind, sizeof behind - 1);
	live_add_end(rest, 20);
	ingest_fixture_init(&fixture);
	ingest_fixture_open(&fixture);
	live_open(&fixture, &live, 0);
	live_push(&live, bytes->data, bytes->len);
	AWAIT(&live.heard, live.heard.units == 20);
	for (guint i = 0; i < rest->len; i++)
		live_push(&live, rest->data + i, 1);
	AWAIT(&live.heard, live.heard.ends + live.heard.failures > 0);
	CHECK_INT(live.heard.ends, 1);
	CHECK_STR(live.words, "10-300 Good|300-400 morning|300-300 early|500-700 all");
	CHECK_INT(live.first_bytes, 1);
	live_close(&live);
	ingest_fixture_close(&fixture);
	g_byte_array_unref(bytes);
	g_byte_array_unref(rest);
}

static const struct line_row {
	const char *name, *line, *error;
} line_rows[] = {
	{ "rubbish", "{\n", "a line between records: it is no JSON" },
	{ "not UTF-8", "{\"words\":[[\"\xff\",0,1]]}\n", "a line between records: it is no JSON" },
	{ "no words", "{\"text\":\"Hello\"}\n", "a line between records: \"words\" is expected" },
	{ "words as one text", "{\"words\":\"Hello\"}\n", "[word, from_ms, to_ms]" },
	{ "backwards", "{\"words\":[[\"a\",5,4]]}\n", "in order" },
	{ "before the last one", "{\"words\":[[\"a\",5,6]]}\n{\"words\":[[\"b\",4,6]]}\n", "in order" },
	{ "a control character", "{\"words\":[[\"a\\u0007\",5,6]]}\n", "without control characters" },
};

static void test_bad_lines(const void *arg)
{
	const struct line_row *row = arg;
	GByteArray *bytes = live_sound(1);
	struct ingest_fixture fixture;
	struct live live;

	g_byte_array_append(bytes, (const guint8 *)row->line, (guint)strlen(row->line));
	ingest_fixture_init(&fixture);
	ingest_fixture_open(&fixture);
	live_open(&fixture, &live, 0);
	live_push(&live, bytes->data, bytes->len);
	AWAIT(&live.heard, live.heard.ends + live.heard.failures > 0);
	CHECK_INT(live.heard.failures, 1);
	CHECK(strstr(live.heard.text, row->error), "%s", live.heard.text);
	live_close(&live);
	ingest_fixture_close(&fixture);
	g_byte_array_unref(bytes);
}

/* Anything else goes to a worker, from its first byte. */
static void test_foreign(void)
{
	static const char *const scripts[] = { "good 12", "DHS", "D", "DHS2" };
	struct ingest_fixture fixture;
	struct live live[4];

	ingest_fixture_init(&fixture);
	ingest_fixture_open(&fixture);
	for (int i = 0; i < 4; i++) {
		live_open(&fixture, &live[i], 0);
		live_push(&live[i], scripts[i], strlen(scripts[i]));
		shutdown(live[i].out, SHUT_WR);
	}
	for (int i = 0; i < 4; i++)
		AWAIT(&live[i].heard, live[i].heard.ends + live[i].heard.failures > 0);
	check_good(&live[0].heard, 12);
	for (int i = 0; i < 4; i++) {
		CHECK_INT(live[i].heard.ends, i == 0);
		live_close(&live[i]);
	}
	ingest_fixture_close(&fixture);
}

static const struct cut {
	const char *name;
	int frames;
	const char *rest; /* sent after them */
	bool reset;
	int ends, failures;
	const char *text; /* part of the note or of the error */
} cuts[] = {
	{ "nothing", -1, "", false, 0, 1, "without media" },
	{ "the head alone", 0, "", false, 0, 1, "without media" },
	{ "between records", 7, "", false, 1, 0, "ended before the stream" },
	{ "within a record", 7, "AUDI\x10", false, 1, 0, "ended before the stream" },
	{ "damaged", 7, "rubbish rubbish rubbish", false, 0, 1, "damaged" },
};

static void test_cut(const void *arg)
{
	const struct cut *row = arg;
	struct ingest_fixture fixture;
	struct live live;

	ingest_fixture_init(&fixture);
	ingest_fixture_open(&fixture);
	live_open(&fixture, &live, 0);
	if (row->frames >= 0) {
		GByteArray *bytes = live_sound(row->frames);
		live_push(&live, bytes->data, bytes->len);
		g_byte_array_unref(bytes);
	}
	live_push(&live, row->rest, strlen(row->rest));
	shutdown(live.out, SHUT_WR);
	AWAIT(&live.heard, live.heard.ends + live.heard.failures > 0);
	CHECK_INT(live.heard.ends, row->ends);
	CHECK_INT(live.heard.failures, row->failures);
	CHECK_INT(live.heard.is_incomplete, row->ends);
	CHECK(strstr(row->ends ? live.heard.notes : live.heard.text, row->text), "%s, %s", live.heard.notes,
		live.heard.text);
	CHECK_INT(live.heard.units, MAX(row->frames, 0));
	live_close(&live);
	ingest_fixture_close(&fixture);
}

static void test_silence(void)
{
	struct ingest_fixture fixture;
	GByteArray *bytes = live_sound(3);
	struct live live, part;

	ingest_fixture_init(&fixture);
	fixture.config.live_silence_ms = 300;
	ingest_fixture_open(&fixture);
	live_prepare(&live);
	live_push(&live, bytes->data, bytes->len);
	live_listen(&fixture, &live, 0);
	live_prepare(&part);
	live_push(&part, "DH", 2);
	live_listen(&fixture, &part, 0);
	AWAIT(&live.heard, live.heard.failures > 0);
	AWAIT(&part.heard, part.heard.failures > 0);
	CHECK_INT(live.heard.code, DH_PREPARE_SILENT);
	CHECK_INT(live.heard.units, 3);
	CHECK_INT(part.heard.code, DH_PREPARE_SILENT);
	live_close(&live);
	live_close(&part);
	g_byte_array_unref(bytes);
	ingest_fixture_close(&fixture);
}

struct allow {
	struct dh_subscription *subscription;
	int64_t ticks;
};

static void run_allow(void *arg)
{
	const struct allow *allow = arg;

	dh_ingest_allow(allow->subscription, allow->ticks);
}

static void allow(struct ingest_fixture *fixture, struct live *live, int64_t ticks)
{
	struct allow allow = { live->heard.subscription, ticks };

	dh_io_call(fixture->io, run_allow, &allow);
}

#define SILENCE_MS 2000

/* It is read a little further than allowed: as much as comes at once. While it is held its
 * silence does not count. */
static void hold(struct ingest_fixture *fixture, struct live *live, size_t most)
{
	AWAIT(&live->heard, live->held == 1);
	size_t units = live->heard.units;
	CHECK(units >= 100 && units <= most, "%zu units", units);
	usleep(SILENCE_MS * 1250);
	CHECK_INT(live->heard.units, units);
	CHECK_INT(live->heard.failures, 0);
	allow(fixture, live, live->heard.last_pts_ticks + DH_TICKS_PER_SECOND);
	AWAIT(&live->heard, live->held == 2 || live->heard.ends > 0);
	CHECK(live->heard.units > units, "%zu units", live->heard.units);
	allow(fixture, live, INT64_MAX);
	AWAIT(&live->heard, live->heard.ends + live->heard.failures > 0);
	CHECK_INT(live->heard.ends, 1);
	CHECK_INT(live->held, live->resumed);
}

/* --- longer than a file may be */

static const struct long_row {
	const char *name;
	bool is_stream;
	int live_ms; /* the limit on what is live; 0: a day */
	const char *error;
} long_rows[] = {
	{ "a prepared stream", true, 0, NULL },
	{ "what a worker encodes", false, 0, NULL },
	{ "a prepared stream beyond a limit of its own", true, 2000, "longer than 2000 ms" },
	{ "what a worker encodes beyond it", false, 2000, "longer than 2000 ms" },
};

static void test_long(const void *arg)
{
	const struct long_row *row = arg;
	GByteArray *bytes = live_sound(FRAMES);
	struct ingest_fixture fixture;
	struct live live;

	live_add_end(bytes, FRAMES);
	ingest_fixture_init(&fixture);
	fixture.config.max_ms = 1000;
	if (row->live_ms)
		fixture.config.max_live_ms = row->live_ms;
	ingest_fixture_open(&fixture);
	live_open(&fixture, &live, 0);
	if (row->is_stream)
		live_push(&live, bytes->data, bytes->len);
	else
		live_push(&live, "good 750", 8);
	shutdown(live.out, SHUT_WR);
	AWAIT(&live.heard, live.heard.ends + live.heard.failures > 0);
	CHECK_INT(live.heard.ends, !row->error);
	CHECK(!row->error || strstr(live.heard.text, row->error), "%s", live.heard.text);
	CHECK_INT(live.heard.units, row->error ? live.heard.units : row->is_stream ? FRAMES : 2250);
	live_close(&live);
	ingest_fixture_close(&fixture);
	g_byte_array_unref(bytes);
}

static void run_release(void *arg)
{
	const struct allow *release = arg;

	dh_ingest_release(release->subscription, release->ticks);
}

static int64_t memory_used(struct ingest_fixture *fixture)
{
	return ingest_fixture_stats(fixture).memory.used;
}

/* What is not needed any more is not kept, and what is kept has a limit. */
static void test_release(void)
{
	GByteArray *bytes = live_sound(FRAMES);
	struct ingest_fixture fixture;
	struct allow release;
	struct live live;

	ingest_fixture_init(&fixture);
	ingest_fixture_open(&fixture);
	live_open(&fixture, &live, 0);
	live_push(&live, bytes->data, bytes->len);
	AWAIT(&live.heard, live.heard.units == FRAMES);
	int64_t all = memory_used(&fixture);
	release = (struct allow){ live.heard.subscription, 9 * DH_TICKS_PER_SECOND };
	dh_io_call(fixture.io, run_release, &release);
	CHECK(memory_used(&fixture) <= all / 8, "%d of %d bytes", (int)memory_used(&fixture), (int)all);
	release.ticks = INT64_MAX;
	dh_io_call(fixture.io, run_release, &release);
	CHECK(memory_used(&fixture) > 0);
	live_add_end(bytes, FRAMES);
	GByteArray *before = live_sound(FRAMES);
	live_push(&live, bytes->data + before->len, bytes->len - before->len);
	AWAIT(&live.heard, live.heard.ends + live.heard.failures > 0);
	CHECK_INT(live.heard.ends, 1);
	CHECK_INT(live.heard.units, FRAMES);
	live_close(&live);
	ingest_fixture_close(&fixture);
	g_byte_array_unref(bytes);
	g_byte_array_unref(before);
}

static const struct kept_row {
	const char *name;
	bool is_stream;
} kept_rows[] = {
	{ "a prepared stream", true },
	{ "what a worker encodes", false },
};

static void test_keeps_too_much(const void *arg)
{
	const struct kept_row *row = arg;
	GByteArray *bytes = live_sound(FRAMES);
	struct ingest_fixture fixture;
	struct live live;

	ingest_fixture_init(&fixture);
	fixture.config.max_segment_bytes = 10000;
	ingest_fixture_open(&fixture);
	live_open(&fixture, &live, 0);
	if (row->is_stream)
		live_push(&live, bytes->data, bytes->len);
	else
		live_push(&live, "good 750", 8);
	shutdown(live.out, SHUT_WR);
	AWAIT(&live.heard, live.heard.ends + live.heard.failures > 0);
	CHECK_INT(live.heard.failures, 1);
	CHECK_INT(live.heard.code, DH_PREPARE_LIMIT);
	CHECK(strstr(live.heard.text, "of it are kept"), "%s", live.heard.text);
	live_close(&live);
	ingest_fixture_close(&fixture);
	g_byte_array_unref(bytes);
}

/* The rest waits in the socket when it is held. */
static void test_hold_stream(void)
{
	const int ahead = 130; /* frames: 2.6 s */
	struct ingest_fixture fixture;
	GByteArray *bytes = live_sound(FRAMES), *first = live_sound(ahead);
	struct live live;

	live_add_end(bytes, FRAMES);
	ingest_fixture_init(&fixture);
	fixture.config.live_silence_ms = SILENCE_MS;
	ingest_fixture_open(&fixture);
	live_prepare(&live);
	live_push(&live, bytes->data, first->len);
	live_listen(&fixture, &live, DH_TICKS_PER_SECOND * 2);
	AWAIT(&live.heard, live.held == 1);
	live_push(&live, bytes->data + first->len, bytes->len - first->len);
	hold(&fixture, &live, (size_t)ahead);
	CHECK_INT(live.heard.units, FRAMES);
	live_close(&live);
	g_byte_array_unref(bytes);
	g_byte_array_unref(first);
	ingest_fixture_close(&fixture);
}

static void wake_all(void *arg)
{
	(void)arg;
	for (int i = 0; i < 30; i++) {
		each_child(wake);
		usleep(10000);
	}
}

/* The first byte is reported in time, even if the I/O thread looks only when units have come as well. */
static void test_first_byte_before_units(void)
{
	struct ingest_fixture fixture;
	struct dh_ingest_stats stats;
	struct live live;

	ingest_fixture_init(&fixture);
	ingest_fixture_open(&fixture);
	live_open(&fixture, &live, 0);
	live_push(&live, "first 5", 7);
	shutdown(live.out, SHUT_WR);
	AWAIT_STATS(&fixture, stats, stats.workers_live == 1);
	dh_io_call(fixture.io, wake_all, NULL); /* it sees nothing of what the worker does meanwhile */
	AWAIT_AWAKE(&fixture, stats, stats.workers_live == 0);
	AWAIT(&live.heard, live.heard.ends + live.heard.failures > 0);
	CHECK_INT(live.heard.ends, 1);
	CHECK_INT(live.first_bytes, 1);
	CHECK(!live.is_late);
	live_close(&live);
	ingest_fixture_close(&fixture);
}

/* The fake worker writes 25 pictures and 50 packets of sound for a second. */
static void test_hold_worker(void)
{
	struct ingest_fixture fixture;
	struct live live;

	ingest_fixture_init(&fixture);
	fixture.config.live_silence_ms = SILENCE_MS;
	ingest_fixture_open(&fixture);
	live_prepare(&live);
	live_push(&live, "good 10000", 10);
	shutdown(live.out, SHUT_WR);
	live_listen(&fixture, &live, DH_TICKS_PER_SECOND * 2);
	hold(&fixture, &live, 20000);
	check_good(&live.heard, 10000);
	live_close(&live);
	ingest_fixture_close(&fixture);
}

/* A held one that nobody wants any more leaves nothing behind. */
static void test_hold_and_leave(void)
{
	struct ingest_fixture fixture;
	GByteArray *bytes = live_sound(FRAMES);
	struct live stream, worker;

	ingest_fixture_init(&fixture);
	ingest_fixture_open(&fixture);
	live_open(&fixture, &stream, DH_TICKS_PER_SECOND);
	live_open(&fixture, &worker, DH_TICKS_PER_SECOND);
	live_push(&stream, bytes->data, bytes->len);
	live_push(&worker, "good 10000", 10);
	shutdown(worker.out, SHUT_WR);
	AWAIT(&stream.heard, stream.held == 1);
	AWAIT(&worker.heard, worker.held == 1);
	live_close(&stream);
	live_close(&worker);
	g_byte_array_unref(bytes);
	ingest_fixture_close(&fixture);
}

/* Workers that were started for pushes that are gone are not kept. */
static void test_no_spare_workers(void)
{
	struct dh_ingest_stats stats;
	struct ingest_fixture fixture;
	struct live live[12];

	ingest_fixture_init(&fixture);
	fixture.config.warm_workers = 1;
	ingest_fixture_open(&fixture);
	for (int i = 0; i < 12; i++) {
		live_open(&fixture, &live[i], 0);
		live_push(&live[i], "hang 5", 6);
		shutdown(live[i].out, SHUT_WR);
	}
	for (int i = 0; i < 12; i++)
		live_close(&live[i]);
	AWAIT_STATS(&fixture, stats, stats.subscriptions == 0 && stats.workers_busy == 0 && stats.workers_ready == 1);
	AWAIT_STATS(&fixture, stats, count_children() <= fixture.children + 6); /* once the others have ended */
	ingest_fixture_close(&fixture);
}

/* Once it plays next, what needs a worker and finds no place for one hears so; what comes prepared needs none. */
static void test_no_place(void)
{
	GByteArray *bytes = live_sound(10);
	struct ingest_fixture fixture;
	struct live first, second, stream;
	struct dh_ingest_stats stats;

	live_add_end(bytes, 10);
	ingest_fixture_init(&fixture);
	fixture.config.max_live = 1;
	ingest_fixture_open(&fixture);
	live_open(&fixture, &first, 0);
	dh_ingest_set_next(first.heard.subscription);
	live_push(&first, "hang 5", 6);
	shutdown(first.out, SHUT_WR);
	AWAIT(&first.heard, first.heard.units >= 15);
	live_open(&fixture, &second, 0);
	live_push(&second, "good 5", 6);
	shutdown(second.out, SHUT_WR);
	AWAIT_STATS(&fixture, stats, stats.jobs_waiting_live == 1);
	live_open(&fixture, &stream, 0);
	dh_ingest_set_next(stream.heard.subscription);
	live_push(&stream, bytes->data, bytes->len);
	AWAIT(&stream.heard, stream.heard.ends + stream.heard.failures > 0);
	CHECK_INT(stream.heard.ends, 1);
	CHECK_INT(second.no_places, 0);
	dh_ingest_set_next(second.heard.subscription);
	AWAIT(&second.heard, second.no_places > 0);
	CHECK(!second.wait.is_share);
	CHECK_INT(second.wait.limit, 1);
	CHECK_INT(second.heard.heads, 0);
	live_close(&first);
	AWAIT(&second.heard, second.heard.ends + second.heard.failures > 0);
	check_good(&second.heard, 5);
	CHECK_INT(first.no_places + stream.no_places, 0);
	CHECK_INT(second.no_places, 1);
	CHECK(second.wait.is_for_log);
	live_close(&second);
	live_close(&stream);
	ingest_fixture_close(&fixture);
	g_byte_array_unref(bytes);
}

static struct live *leaves, *follows;

/* What is closed is followed at once, as when a room skips. */
static void make_next(void *arg)
{
	(void)arg;
	live_close(leaves);
	dh_ingest_set_next(follows->heard.subscription);
}

/* A worker that is about to end leaves its place to whoever waits: that is not without one. */
static void test_place_of_one_that_ends(void)
{
	struct ingest_fixture fixture;
	struct dh_ingest_stats stats;
	struct live live[3];

	ingest_fixture_init(&fixture);
	fixture.config.max_live = 2;
	ingest_fixture_open(&fixture);
	for (int i = 0; i < 2; i++) {
		live_open(&fixture, &live[i], 0);
		dh_ingest_set_next(live[i].heard.subscription);
		live_push(&live[i], "hang 5", 6);
		shutdown(live[i].out, SHUT_WR);
		AWAIT(&live[i].heard, live[i].heard.units >= 15);
	}
	live_open(&fixture, &live[2], 0);
	live_push(&live[2], "good 5", 6);
	shutdown(live[2].out, SHUT_WR);
	AWAIT_STATS(&fixture, stats, stats.jobs_waiting_live == 1);
	leaves = &live[0];
	follows = &live[2];
	dh_io_call(fixture.io, make_next, NULL);
	AWAIT(&live[2].heard, live[2].heard.ends + live[2].heard.failures > 0);
	check_good(&live[2].heard, 5);
	CHECK_INT(live[2].no_places, 0);
	live_close(&live[1]);
	live_close(&live[2]);
	ingest_fixture_close(&fixture);
}

/* Only a SOCK_STREAM is a source: a worker would look for a file in a SOCK_SEQPACKET. */
static void test_other_sockets(void)
{
	static const int types[] = { SOCK_SEQPACKET, SOCK_DGRAM };
	struct ingest_fixture fixture;

	ingest_fixture_init(&fixture);
	ingest_fixture_open(&fixture);
	for (int i = 0; i < 2; i++) {
		struct dh_subscription *subscription = NULL;
		struct dh_ingest_source source;
		struct heard heard;
		int ends[2];

		heard_init(&heard);
		CHECK_INT(socketpair(AF_UNIX, types[i] | SOCK_CLOEXEC, 0, ends), 0);
		dh_ingest_source_init(&source);
		source.count = 1;
		source.names[0] = "push";
		source.fds[0] = ends[1];
		CHECK_INT(dh_ingest_subscribe(fixture.ingest, &source, &hear, &heard, &subscription), -EINVAL);
		while (send(ends[0], "x", 1, MSG_NOSIGNAL | MSG_DONTWAIT) == 1 || errno == EAGAIN)
			usleep(2000); /* until a loader thread has closed the other end */
		close(ends[0]);
		heard_clear(&heard);
	}
	ingest_fixture_close(&fixture);
}

static const struct check_test tests[] = {
	TEST(test_stream),
	TEST(test_words),
	TABLE(test_bad_lines, line_rows),
	TEST(test_foreign),
	TABLE(test_cut, cuts),
	TEST(test_silence),
	TABLE(test_long, long_rows),
	TEST(test_release),
	TABLE(test_keeps_too_much, kept_rows),
	TEST(test_hold_stream),
	TEST(test_first_byte_before_units),
	TEST(test_hold_worker),
	TEST(test_hold_and_leave),
	TEST(test_no_spare_workers),
	TEST(test_no_place),
	TEST(test_place_of_one_that_ends),
	TEST(test_other_sockets),
};

PREPARATION_MAIN(tests)
