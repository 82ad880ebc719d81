/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An avatar that cannot be prepared is retried until it can be, and those who wait for it
 * are notified. The worker is tests/support/fake_worker. */
#include <stdatomic.h>

#include "tests/support/ingest_fixture.h"

#include "rooms/avatar.h"
#include "ingest/log.h"

/* Waits for an avatar, as rooms do. */
struct waiter {
	atomic_int references, told;
};

static void waiter_changed(void *arg)
{
	atomic_fetch_add(&((struct waiter *)arg)->told, 1);
}

static void *waiter_ref(void *arg)
{
	atomic_fetch_add(&((struct waiter *)arg)->references, 1);
	return arg;
}

static void waiter_unref(void *arg)
{
	atomic_fetch_sub(&((struct waiter *)arg)->references, 1);
}

static const struct dh_avatar_listener waiting = {
	.changed = waiter_changed,
	.ref = waiter_ref,
	.unref = waiter_unref,
};

static atomic_int failures_logged;

static void count_failures(enum dh_log_level level, const char *text)
{
	if (level == DH_LOG_ERROR && strstr(text, "avatar a cannot be prepared"))
		atomic_fetch_add(&failures_logged, 1);
}

/* --- an avatar whose idle clip is the file "idle" of the fixture */

struct set {
	struct ingest_fixture fixture;
	struct dh_avatar_config config;
	struct dh_avatar *avatar;
	struct waiter room;
};

static void set_init(struct set *set)
{
	memset(set, 0, sizeof *set);
	ingest_fixture_init(&set->fixture);
	set->config = (struct dh_avatar_config){ .name = "a", .width = 16, .height = 16, .kbps = 100, .entry_ms = 500 };
	set->config.idle = g_build_filename(set->fixture.folder, "idle", NULL);
	atomic_store(&failures_logged, 0);
	dh_log_set(count_failures);
}

static void set_open(struct set *set)
{
	ingest_fixture_open(&set->fixture);
	set->avatar = dh_avatar_new(&set->config, set->fixture.io, set->fixture.ingest);
	dh_avatar_join(set->avatar, &waiting, &set->room);
}

static void set_close(struct set *set)
{
	dh_avatar_leave(set->avatar, &set->room);
	dh_avatar_free(&set->avatar);
	ingest_fixture_close(&set->fixture);
	CHECK_INT(set->room.references, 0);
	g_free(set->config.idle);
	dh_log_set(NULL);
}

static void put_clip(struct set *set, const char *script)
{
	char *from = g_build_filename(set->fixture.folder, "new", NULL);

	/* Whole at once, since a retry may come at any time. */
	ingest_fixture_file(&set->fixture, "new", script, strlen(script));
	CHECK_INT(rename(from, set->config.idle), 0);
	g_free(from);
}

/* Waits until `room` has been notified at least `times` times; there may be a retry
 * meanwhile. */
static void await_told(struct waiter *room, int times)
{
	double end = now_ms() + AWAIT_S * 1e3;

	while (atomic_load(&room->told) < times && now_ms() < end)
		usleep(5000);
	CHECK(atomic_load(&room->told) >= times, "%d times", atomic_load(&room->told));
}

/* Whoever notifies drops its reference a moment later. */
static void await_unreferenced(struct waiter *room)
{
	double end = now_ms() + AWAIT_S * 1e3;

	while (atomic_load(&room->references) > 0 && now_ms() < end)
		usleep(1000);
	CHECK_INT(atomic_load(&room->references), 0);
}

/* Waits until the avatar is ready. */
static void await_ready(struct set *set)
{
	double end = now_ms() + AWAIT_S * 1e3;

	while (dh_avatar_state(set->avatar) != DH_AVATAR_READY && now_ms() < end)
		usleep(5000);
	CHECK_INT(dh_avatar_state(set->avatar), DH_AVATAR_READY);
}

/* Waits until it has failed and says why. */
static void await_error(struct set *set, const char *words)
{
	double end = now_ms() + AWAIT_S * 1e3;
	int is_it = 0;

	for (;;) {
		char *error = dh_avatar_error(set->avatar);
		is_it = error && strstr(error, words) != NULL;
		if (!is_it && now_ms() > end)
			printf("    error: %s\n", error ? error : "none");
		g_free(error);
		if (is_it || now_ms() > end)
			break;
		usleep(5000);
	}
	CHECK(is_it);
	CHECK_INT(dh_avatar_state(set->avatar), DH_AVATAR_FAILED);
}

/* What the error says is logged a moment later. */
static void await_logged(int failures)
{
	double end = now_ms() + AWAIT_S * 1e3;

	while (atomic_load(&failures_logged) < failures && now_ms() < end)
		usleep(1000);
	CHECK_INT(atomic_load(&failures_logged), failures);
}

/* --- tests */

static void test_a_clip_that_comes_later(void)
{
	struct dh_segment *clip = NULL;
	struct set set;

	set_init(&set);
	set_open(&set);
	await_told(&set.room, 1);
	await_error(&set, "no such file");
	CHECK_INT(dh_avatar_clip(set.avatar, &clip), -EAGAIN);
	put_clip(&set, "good 3");
	await_ready(&set);
	CHECK(dh_avatar_picture(set.avatar));
	CHECK_INT(dh_avatar_clip(set.avatar, &clip), 0);
	dh_segment_free(&clip);
	CHECK_INT(atomic_load(&failures_logged), 1);
	set_close(&set);
}

/* As on a machine that is briefly too busy. */
static void test_a_worker_that_is_ready_too_late(void)
{
	struct set set;

	set_init(&set);
	set.fixture.config.worker_start_ms = 2000;
	set.fixture.config.worker_wait_ms = 0;
	ingest_fixture_how(&set.fixture, "mute");
	put_clip(&set, "good 3");
	set_open(&set);
	await_told(&set.room, 1);
	await_error(&set, "not ready after 2000 ms");
	ingest_fixture_how(&set.fixture, "");
	await_ready(&set);
	set_close(&set);
}

/* It stays failed meanwhile, and the log gives each reason once. */
static void test_reasons(void)
{
	struct set set;

	set_init(&set);
	set_open(&set);
	await_told(&set.room, 2);
	await_error(&set, "no such file");
	CHECK_INT(atomic_load(&failures_logged), 1);
	put_clip(&set, "fail 4");
	await_error(&set, "the input says so");
	await_logged(2);
	set_close(&set);
}

/* Of a background and a mark; what is made must be one. */
static const struct picture_row {
	const char *name;
	bool is_mark;
	const char *script, *words;
} picture_rows[] = {
	{ "no background", false, NULL, "background: no such file" },
	{ "no mark", true, NULL, "disclosure_mark: no such file" },
	{ "a background that is none", false, "fail 4", "background: the input says so" },
	{ "a mark that is none", true, "fail 4", "disclosure_mark: the input says so" },
	{ "a background without its picture", false, "good 1", "background: it is not a picture of the avatar's size" },
	{ "a mark without its picture", true, "good 1",
		"disclosure_mark: it is not a mark for an avatar of this size" },
};

static void test_pictures_that_cannot_be_used(const void *arg)
{
	const struct picture_row *row = arg;
	struct set set;

	set_init(&set);
	char *path = g_build_filename(set.fixture.folder, "picture", NULL);
	*(row->is_mark ? &set.config.disclosure_mark : &set.config.background) = path;
	put_clip(&set, "good 3");
	if (row->script)
		ingest_fixture_file(&set.fixture, "picture", row->script, strlen(row->script));
	set_open(&set);
	await_error(&set, row->words);
	CHECK(!dh_avatar_mark(set.avatar) && !dh_avatar_background(set.avatar));
	set_close(&set);
	g_free(path);
}

/* By itself it is retried after 4, 8, 16, 32 and 60 s. */
static void test_a_room_that_comes_is_not_made_to_wait(void)
{
	struct set set;
	double since;

	set_init(&set);
	set_open(&set);
	await_told(&set.room, 2);
	for (int i = 0; i < 5; i++) {
		struct waiter other = { 0, 0 };
		since = now_ms();
		dh_avatar_join(set.avatar, &waiting, &other);
		await_told(&other, 1);
		dh_avatar_leave(set.avatar, &other);
		await_unreferenced(&other);
	}
	CHECK(now_ms() - since < 60e3, "the last one waited %.0f ms", now_ms() - since);
	await_told(&set.room, 7);
	set_close(&set);
}

/* The retry that was scheduled does not come. */
static void test_free_while_it_waits(void)
{
	struct set set;

	set_init(&set);
	set_open(&set);
	await_told(&set.room, 1);
	dh_avatar_leave(set.avatar, &set.room);
	dh_avatar_free(&set.avatar);
	set.avatar = dh_avatar_new(&set.config, set.fixture.io, set.fixture.ingest);
	dh_avatar_join(set.avatar, &waiting, &set.room);
	await_told(&set.room, 3); /* its successor's */
	CHECK_INT(dh_avatar_state(set.avatar), DH_AVATAR_FAILED);
	set_close(&set);
}

static const struct check_test tests[] = {
	TEST(test_a_clip_that_comes_later),
	TEST(test_a_worker_that_is_ready_too_late),
	TEST(test_reasons),
	TEST(test_a_room_that_comes_is_not_made_to_wait),
	TEST(test_free_while_it_waits),
	TABLE(test_pictures_that_cannot_be_used, picture_rows),
};

PREPARATION_MAIN(tests)
