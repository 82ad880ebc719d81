/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tokens of generators, and their places in rooms. */
#include "tests/support/check.h"

#include <errno.h>
#include <limits.h>
#include <glib.h>

#include "plugin/push_places.h"
#include "plugin/push_token.h"
#include "plugin/pusher_places.h"

#define NOW_S  INT64_C(1800000000)
#define NONCE  "abcdefghijklmnop"
#define SECRET "whisper"
#define ROOM   "7"

static char *token_of(int64_t expiry_s, const char *nonce, const char *secret, const char *room)
{
	char *head = g_strdup_printf("%" G_GINT64_FORMAT ".%s", expiry_s, nonce);
	char *text = g_strdup_printf("push.%s.%s", head, room);
	char *mac = g_compute_hmac_for_string(G_CHECKSUM_SHA256, (const guchar *)secret, strlen(secret), text, -1);
	char *token = g_strdup_printf("%s.%s", head, mac);

	g_free(mac);
	g_free(text);
	g_free(head);
	return token;
}

static int use(const char *token)
{
	struct dh_push_tokens *tokens = dh_push_tokens_new();
	int err = dh_push_token_use(tokens, token, SECRET, ROOM, NOW_S);

	dh_push_tokens_free(&tokens);
	return err;
}

/* Made with Python's hmac module, as docs/push.md shows. */
static void test_known(void)
{
	CHECK_INT(use("1800000060." NONCE ".01647c0ec7c8eeec0fa4cf233c1000ca2e29524a004739fd151685d65af80880"), 0);
}

static const struct row {
	const char *name;
	int64_t expiry_s;
	const char *nonce, *secret, *room;
	int err;
} rows[] = {
	{ "right", NOW_S + 60, NONCE, SECRET, ROOM, 0 },
	{ "this very second", NOW_S, NONCE, SECRET, ROOM, 0 },
	{ "an hour", NOW_S + 3600, NONCE, SECRET, ROOM, 0 },
	{ "late", NOW_S - 1, NONCE, SECRET, ROOM, -ETIME },
	{ "too far away", NOW_S + 3601, NONCE, SECRET, ROOM, -ETIME },
	{ "another secret", NOW_S + 60, NONCE, "Whisper", ROOM, -EINVAL },
	{ "another room", NOW_S + 60, NONCE, SECRET, "8", -EINVAL },
	{ "a short nonce", NOW_S + 60, "abcdefghijklmno", SECRET, ROOM, -EINVAL },
	{ "a long nonce", NOW_S + 60, "abcdefghijklmnopabcdefghijklmnopabcdefghijklmnopabcdefghijklmnopx", SECRET, ROOM,
		-EINVAL },
	{ "a strange nonce", NOW_S + 60, "abcdefghijklmnop+", SECRET, ROOM, -EINVAL },
};

static void test_row(const void *arg)
{
	const struct row *row = arg;
	char *token = token_of(row->expiry_s, row->nonce, row->secret, row->room);

	CHECK_INT(use(token), row->err);
	g_free(token);
}

/* Whatever is changed, added or left out, it is not right any more. */
static void test_damaged(void)
{
	char *token = token_of(NOW_S + 60, NONCE, SECRET, ROOM);
	size_t size = strlen(token);

	for (size_t i = 0; i < size; i++) {
		char *changed = g_strdup(token), *cut = g_strndup(token, i);
		changed[i] = changed[i] == '0' ? '1' : '0';
		CHECK(use(changed) == -EINVAL);
		CHECK(use(cut) == -EINVAL);
		g_free(changed);
		g_free(cut);
	}
	char *longer = g_strconcat(token, "0", NULL);
	CHECK(use(longer) == -EINVAL);
	CHECK(use("") == -EINVAL);
	CHECK(use("..") == -EINVAL);
	g_free(longer);
	g_free(token);
}

static void test_once(void)
{
	struct dh_push_tokens *tokens = dh_push_tokens_new();
	char *token = token_of(NOW_S + 60, NONCE, SECRET, ROOM);

	CHECK_INT(dh_push_token_use(tokens, token, SECRET, ROOM, NOW_S), 0);
	CHECK_INT(dh_push_token_use(tokens, token, SECRET, ROOM, NOW_S), -EALREADY);
	CHECK_INT(dh_push_token_use(tokens, token, SECRET, ROOM, NOW_S + 60), -EALREADY);
	CHECK_INT(dh_push_token_use(tokens, token, SECRET, ROOM, NOW_S + 61), -ETIME);
	g_free(token);
	dh_push_tokens_free(&tokens);
}

/* Uses tokens of `room` that expire in `for_s` until one is refused, or `most` have been used. Returns
 * how many were accepted. */
static int use_many(struct dh_push_tokens *tokens, const char *room, int64_t now_s, int for_s, int most)
{
	int err = 0, count = 0;
	char nonce[48];

	while (!err && count < most) {
		g_snprintf(nonce, sizeof nonce, "nonce-%026d", count);
		char *token = token_of(now_s + for_s, nonce, SECRET, room);
		err = dh_push_token_use(tokens, token, SECRET, room, now_s);
		g_free(token);
		count += !err;
	}
	CHECK(!err || err == -ENOBUFS);
	return count;
}

/* Used ones are remembered as long as they are valid, and no longer. */
static void test_many(void)
{
	struct dh_push_tokens *tokens = dh_push_tokens_new();

	CHECK_INT(use_many(tokens, ROOM, NOW_S, 60, INT_MAX), 10000);
	char *token = token_of(NOW_S + 120, NONCE, SECRET, ROOM);
	CHECK_INT(dh_push_token_use(tokens, token, SECRET, ROOM, NOW_S + 61), 0);
	g_free(token);
	dh_push_tokens_free(&tokens);
}

/* Those that are over are forgotten fast enough for as many others. */
static void test_many_again(void)
{
	struct dh_push_tokens *tokens = dh_push_tokens_new();

	CHECK_INT(use_many(tokens, ROOM, NOW_S, 60, INT_MAX), 10000);
	CHECK_INT(use_many(tokens, ROOM, NOW_S + 61, 60, INT_MAX), 10000);
	dh_push_tokens_free(&tokens);
}

/* Who knows the secrets of some rooms keeps nobody out of another. */
static void test_many_of_some_rooms(void)
{
	struct dh_push_tokens *tokens = dh_push_tokens_new();
	char room[4];

	for (int i = 0; i < 9; i++) {
		g_snprintf(room, sizeof room, "%d", 10 + i);
		CHECK_INT(use_many(tokens, room, NOW_S, 3600, INT_MAX), 10000);
		CHECK_INT(use_many(tokens, ROOM, NOW_S + i, 3600, 1), 1);
	}
	/* Memory has a limit, too. */
	CHECK_INT(use_many(tokens, "20", NOW_S, 3600, INT_MAX), 100000 - 9 * 10001);
	CHECK_INT(use_many(tokens, "8", NOW_S, 3600, INT_MAX), 1000);
	/* The others come no more; what they have used up is free again after a while. */
	CHECK_INT(use_many(tokens, ROOM, NOW_S + 3700, 60, 1000), 1000);
	for (int i = 0; i < 20000; i++)
		CHECK_INT(use_many(tokens, "9", NOW_S + 3700 + i, 0, 1), 1);
	CHECK_INT(use_many(tokens, "8", NOW_S + 23701, 60, INT_MAX), 10000);
	dh_push_tokens_free(&tokens);
}

static void test_places(void)
{
	struct dh_push_places *places = dh_push_places_new(2);

	CHECK(dh_push_places_take(places, "a"));
	CHECK(dh_push_places_take(places, "a"));
	CHECK(!dh_push_places_take(places, "a"));
	CHECK(dh_push_places_take(places, "b"));
	dh_push_places_leave(places, "a");
	CHECK(dh_push_places_take(places, "a"));
	CHECK(!dh_push_places_take(places, "a"));
	dh_push_places_leave(places, "a");
	dh_push_places_leave(places, "a");
	dh_push_places_leave(places, "b");
	CHECK(dh_push_places_take(places, "b"));
	dh_push_places_unref(&places);
}

/* A segment keeps its place while it lives, whatever becomes of its connection, and the other way
 * round. */
static void test_places_of_a_pusher(void)
{
	struct dh_push_places *segments = dh_push_places_new(1), *askers = dh_push_places_new(1);
	struct dh_pusher_places one, other;

	dh_pusher_places_init(&one, segments, askers);
	dh_pusher_places_init(&other, segments, askers);
	CHECK_INT(dh_pusher_places_ask(&one, "a"), 0);
	CHECK_INT(dh_pusher_places_ask(&one, "a"), 0);
	CHECK_INT(dh_pusher_places_ask(&other, "a"), -ENOBUFS);
	CHECK_INT(dh_pusher_places_ask(&other, "b"), 0);
	CHECK_INT(dh_pusher_places_push(&one, "a"), 0); /* it asks no more */
	CHECK_INT(dh_pusher_places_ask(&other, "a"), 0);
	CHECK_INT(dh_pusher_places_push(&other, "a"), -ENOBUFS);
	dh_pusher_places_close(&one);
	CHECK_INT(dh_pusher_places_push(&other, "a"), -ENOBUFS);
	dh_pusher_places_ended(&one);
	CHECK_INT(dh_pusher_places_push(&other, "a"), 0);
	dh_pusher_places_ended(&other);
	dh_pusher_places_ended(&other);
	CHECK_INT(dh_pusher_places_ask(&one, "b"), -ENOTCONN);
	CHECK_INT(dh_pusher_places_push(&one, "b"), -ENOTCONN);
	CHECK(!dh_push_places_take(segments, "a"));
	dh_pusher_places_close(&other);
	dh_push_places_unref(&segments); /* what waits outlives the service */
	CHECK(dh_push_places_take(askers, "a"));
	dh_push_places_unref(&askers);
	dh_pusher_places_clear(&one);
	dh_pusher_places_clear(&other);
}

static const struct check_test tests[] = {
	TEST(test_known),
	TABLE(test_row, rows),
	TEST(test_damaged),
	TEST(test_once),
	TEST(test_many),
	TEST(test_many_again),
	TEST(test_many_of_some_rooms),
	TEST(test_places),
	TEST(test_places_of_a_pusher),
};

int main(int argc, char **argv)
{
	return CHECK_MAIN(argc, argv, tests);
}
