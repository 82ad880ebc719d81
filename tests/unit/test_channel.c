/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a data channel may be given, and how long messages are split. */
#include "tests/support/check.h"

#include <stdlib.h>

#include <glib.h>
#include <jansson.h>

#include "rooms/channel.h"

#define S INT64_C(1000000)

static void test_a_window(void)
{
	struct dh_channel channel = { .is_open = true };

	CHECK(dh_channel_ready(&channel));
	for (int i = 0; i < 8; i++)
		CHECK(dh_channel_take(&channel, 8192, S));
	CHECK(!dh_channel_take(&channel, 1, S));
	CHECK(!dh_channel_take(&channel, 8192, S));
	CHECK_INT(channel.missed, 2);
	CHECK(channel.is_open);
	CHECK(!dh_channel_is_behind(&channel), "it cannot take any yet");
	CHECK(dh_channel_ready(&channel), "whoever sends wants to know");
	CHECK(dh_channel_is_behind(&channel));
	CHECK(dh_channel_take(&channel, 8192, S));
	CHECK(!dh_channel_ready(&channel), "nobody waits");
	CHECK_INT(channel.messages, 9);
	CHECK_INT(channel.bytes, 9 * 8192);
	CHECK_INT(channel.dropped, 2);
}

/* One that is longer than the window goes alone. */
static void test_a_message_beyond_the_window(void)
{
	struct dh_channel channel = { .is_open = true };

	CHECK(dh_channel_take(&channel, 10 * DH_CHANNEL_WINDOW, S));
	CHECK(!dh_channel_take(&channel, 1, S));
	dh_channel_ready(&channel);
	CHECK(dh_channel_take(&channel, 1, S));
	CHECK(!dh_channel_take(&channel, 10 * DH_CHANNEL_WINDOW, S));
}

static void test_one_that_is_dead(void)
{
	struct dh_channel channel = { .is_open = true };

	dh_channel_ready(&channel);
	CHECK(dh_channel_take(&channel, 10, 5 * S));
	CHECK(dh_channel_take(&channel, 10, 5 * S + DH_CHANNEL_STUCK_US - 1));
	CHECK(!dh_channel_take(&channel, 10, 5 * S + DH_CHANNEL_STUCK_US));
	CHECK(!channel.is_open);
	CHECK(!channel.was_ready, "nor is it in another room");
	CHECK(dh_channel_ready(&channel), "it may be opened again");
	CHECK(channel.was_ready);
}

/* It is not dead if it is ready now and then. */
static void test_one_that_is_slow(void)
{
	struct dh_channel channel = { .is_open = true };

	for (int64_t at = 0; at < 20 * DH_CHANNEL_STUCK_US; at += DH_CHANNEL_STUCK_US / 2) {
		CHECK(dh_channel_take(&channel, 10, at));
		CHECK(dh_channel_take(&channel, 10, at + DH_CHANNEL_STUCK_US / 4));
		dh_channel_ready(&channel);
	}
	CHECK(channel.is_open);
}

/* --- long messages */

struct joined {
	GString *text;
	int pieces;
};

static void join(void *arg, const char *text, size_t size)
{
	struct joined *joined = arg;

	CHECK(size <= DH_CHANNEL_MESSAGE_MAX, "%zu bytes", size);
	joined->pieces++;
	json_t *json = json_loadb(text, size, 0, NULL);
	if (!json_object_get(json, "part")) {
		g_string_append_len(joined->text, text, (gssize)size);
	} else {
		CHECK_INT(json_integer_value(json_object_get(json, "part")), joined->pieces);
		CHECK_INT(json_integer_value(json_object_get(json, "message")), 7);
		g_string_append(joined->text, json_string_value(json_object_get(json, "text")));
	}
	json_decref(json);
}

static const struct row {
	const char *name, *fill;
	size_t size;
	int pieces;
} texts[] = {
	{ "short", "a", 1, 1 },
	{ "as long as one may be", "a", DH_CHANNEL_MESSAGE_MAX, 1 },
	{ "one byte more", "a", DH_CHANNEL_MESSAGE_MAX + 1, 3 },
	{ "all is escaped", "\\\"", 40000, 6 },
	{ "characters are not cut", "a€", 60000, 8 },
	{ "four bytes each", "😀", 200000, 26 },
};

static void test_split(const void *arg)
{
	const struct row *row = arg;
	struct joined joined = { g_string_new(NULL), 0 };
	GString *text = g_string_new(NULL);

	while (text->len + strlen(row->fill) <= row->size)
		g_string_append(text, row->fill);
	dh_channel_split(text->str, text->len, 7, join, &joined);
	CHECK_STR(joined.text->str, text->str);
	CHECK_INT(joined.pieces, row->pieces);
	g_string_free(text, TRUE);
	g_string_free(joined.text, TRUE);
}

static const struct check_test tests[] = {
	TEST(test_a_window),
	TEST(test_a_message_beyond_the_window),
	TEST(test_one_that_is_dead),
	TEST(test_one_that_is_slow),
	TABLE(test_split, texts),
};

int main(int argc, char **argv)
{
	return CHECK_MAIN(argc, argv, tests);
}
