/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What dh-push makes of texts: addresses, tokens, the lines in both directions, exit codes. */
#include "tests/support/check.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>

#include "clients/dh-push/address.h"
#include "clients/dh-push/event.h"
#include "clients/dh-push/lines.h"
#include "clients/dh-push/options.h"
#include "clients/dh-push/request.h"
#include "clients/dh-push/token.h"

/* --- addresses */

#define PATH_107 \
	"/123456789/123456789/123456789/123456789/123456789/123456789/123456789/123456789/123456789/123456789/123456"

static const struct address_row {
	const char *name;
	int code; /* expected */
	enum dh_send_scheme scheme;
	const char *rest;
	int default_port;
} addresses[] = {
	{ "gateway:8189", 0, DH_SEND_TCP, "gateway:8189", 8189 },
	{ "gateway", 0, DH_SEND_TCP, "gateway", 8189 },
	{ "127.0.0.1:1", 0, DH_SEND_TCP, "127.0.0.1:1", 8189 },
	{ "[::1]:8189", 0, DH_SEND_TCP, "[::1]:8189", 8189 },
	{ "tcp://gateway:8189", 0, DH_SEND_TCP, "gateway:8189", 8189 },
	{ "tls://gateway", 0, DH_SEND_TLS, "gateway", 8190 },
	{ "tls://[2001:db8::1]:443", 0, DH_SEND_TLS, "[2001:db8::1]:443", 8190 },
	{ "unix:/run/janus/push.sock", 0, DH_SEND_UNIX, "/run/janus/push.sock", 0 },
	{ "unix:push.sock", 0, DH_SEND_UNIX, "push.sock", 0 },
	{ "unix:" PATH_107, 0, DH_SEND_UNIX, PATH_107, 0 },
	{ "unix:" PATH_107 "8", DH_SEND_USAGE, DH_SEND_UNIX, "", 0 },
	{ "unix:", DH_SEND_USAGE, DH_SEND_UNIX, "", 0 },
	{ "", DH_SEND_USAGE, DH_SEND_TCP, "", 0 },
	{ "tls://", DH_SEND_USAGE, DH_SEND_TLS, "", 0 },
	{ ":8189", DH_SEND_USAGE, DH_SEND_TCP, "", 0 },
	{ "gateway:", DH_SEND_USAGE, DH_SEND_TCP, "", 0 },
	{ "gateway:0", DH_SEND_USAGE, DH_SEND_TCP, "", 0 },
	{ "gateway:65536", DH_SEND_USAGE, DH_SEND_TCP, "", 0 },
	{ "gateway:no-such-service", DH_SEND_USAGE, DH_SEND_TCP, "", 0 },
	{ "http://gateway:8189", DH_SEND_USAGE, DH_SEND_TCP, "", 0 },
	{ "gateway:8189/path", DH_SEND_USAGE, DH_SEND_TCP, "", 0 },
	{ "my gateway:8189", DH_SEND_USAGE, DH_SEND_TCP, "", 0 },
};

static void test_address(const void *arg)
{
	const struct address_row *row = arg;
	struct dh_send_fault fault = { 0 };
	struct dh_send_address address;

	CHECK_INT(dh_send_address_parse(&address, row->name, &fault), row->code);
	CHECK_INT(fault.code, row->code);
	CHECK_INT(address.scheme, row->scheme);
	if (row->code)
		return;
	CHECK_STR(address.rest, row->rest);
	CHECK_INT(address.default_port, row->default_port);
}

/* --- tokens */

/* Computed with Python's hmac, as docs/push.md shows it. */
static void test_token(void)
{
	char *token = dh_send_token("whisper", "2", 1800000000, "AAAAAAAAAAAAAAAAAAAAAAAA");

	CHECK_STR(token,
		"1800000000.AAAAAAAAAAAAAAAAAAAAAAAA."
		"f94bad1942beccbd0bc836f871d56605c2080c57dda2983b0216cd3089bfc61f");
	g_free(token);
}

static void test_nonces_differ(void)
{
	char one[DH_SEND_NONCE_CHARS + 1], other[DH_SEND_NONCE_CHARS + 1];

	CHECK_INT(dh_send_nonce(one), 0);
	CHECK_INT(dh_send_nonce(other), 0);
	CHECK_INT(strlen(one), DH_SEND_NONCE_CHARS);
	CHECK_INT(strspn(one, "0123456789abcdef"), DH_SEND_NONCE_CHARS);
	CHECK(strcmp(one, other) != 0);
}

/* --- lines of the gateway */

static void check_line(struct dh_send_lines *lines, const char *expected)
{
	GBytes *line = NULL;
	int got = dh_send_lines_next(lines, &line);

	CHECK_INT(got, expected ? 1 : 0);
	if (!expected)
		return;
	gsize size;
	const char *text = g_bytes_get_data(line, &size);
	CHECK_BYTES((const uint8_t *)text, size, (const uint8_t *)expected, strlen(expected));
	g_bytes_unref(line);
}

static void test_lines_in_pieces_of_any_size(void)
{
	static const char text[] = "one\n\r\n\ntwo\r\nthree";

	for (size_t step = 1; step < sizeof text; step++) {
		static const char *const expected[] = { "one", "", "", "two", NULL };
		struct dh_send_lines lines;
		size_t next = 0;
		GBytes *line;

		CHECK_AT("pieces of %zu", step);
		dh_send_lines_init(&lines);
		for (size_t at = 0; at < sizeof text - 1; at += step) {
			dh_send_lines_add(&lines, text + at, MIN(step, sizeof text - 1 - at));
			while (dh_send_lines_next(&lines, &line) == 1) {
				gsize size;
				const char *got = g_bytes_get_data(line, &size);
				CHECK(next < 4 && size == strlen(expected[next]) &&
					memcmp(got ? got : "", expected[next], size) == 0);
				next++;
				g_bytes_unref(line);
			}
		}
		CHECK_INT(next, 4);
		dh_send_lines_add(&lines, "\n", 1);
		check_line(&lines, "three");
		dh_send_lines_clear(&lines);
	}
}

static void test_a_line_has_a_limit(void)
{
	struct dh_send_lines lines;
	GBytes *line;
	char *most = g_strnfill(DH_SEND_LINE_MAX, 'x');

	dh_send_lines_init(&lines);
	dh_send_lines_add(&lines, most, DH_SEND_LINE_MAX);
	CHECK_INT(dh_send_lines_next(&lines, &line), 0);
	dh_send_lines_add(&lines, "\n", 1);
	check_line(&lines, most);
	dh_send_lines_add(&lines, most, DH_SEND_LINE_MAX);
	dh_send_lines_add(&lines, "x", 1);
	CHECK_INT(dh_send_lines_next(&lines, &line), -EMSGSIZE);
	dh_send_lines_clear(&lines);
	g_free(most);
}

static void test_bytes_between_lines(void)
{
	struct dh_send_lines lines;

	dh_send_lines_init(&lines);
	dh_send_lines_add(&lines, "head\nby\nte", 10);
	check_line(&lines, "head");
	CHECK(dh_send_lines_take(&lines, 6) == NULL);
	dh_send_lines_add(&lines, "stail\n", 6);
	GBytes *bytes = dh_send_lines_take(&lines, 6);
	gsize size;
	const uint8_t *data = g_bytes_get_data(bytes, &size);
	CHECK_BYTES(data, size, (const uint8_t *)"by\ntes", (size_t)6);
	g_bytes_unref(bytes);
	check_line(&lines, "tail");
	check_line(&lines, NULL);
	dh_send_lines_clear(&lines);
}

/* --- what they mean */

static const struct event_row {
	const char *name;
	int err; /* expected, as all that follow */
	bool is_last;
	int code;
	const char *text;
} events[] = {
	{ "{\"event\":\"queued\",\"segment\":\"s\",\"position\":0}", 0, false, 0, "queued s: position 0" },
	{ "{\"event\":\"waiting\",\"segment\":\"s\",\"reason\":\"max_live\",\"limit\":9}", 0, false, 0,
		"waiting s: for a worker: max_live, limit 9" },
	{ "{\"event\":\"want\",\"ms\":800}", 0, false, 0, NULL },
	{ "{\"event\":\"progress\",\"segment\":\"s\",\"played_ms\":400}", 0, false, 0, "progress s: played 400 ms" },
	{ "{\"event\":\"finished\",\"segment\":\"s\",\"played_ms\":9}", 0, true, 0, "finished s: played 9 ms" },
	{ "{\"event\":\"finished\",\"incomplete\":true,\"heard_text\":\"Hi\","
	  "\"notes\":[{\"code\":\"x\",\"text\":\"a\"},7,{\"text\":\"b\"}]}",
		0, true, 0, "finished: incomplete, a, b, heard: Hi" },
	{ "{\"event\":\"interrupted\"}", 0, true, 5, "interrupted" },
	{ "{\"event\":\"skipped\"}", 0, true, 6, "skipped" },
	{ "{\"event\":\"removed\"}", 0, true, 7, "removed" },
	{ "{\"event\":\"failed\",\"error_code\":465,\"error\":\"no media\"}", 0, true, 8, "failed: no media" },
	{ "{\"error_code\":457,\"error\":\"Unauthorized\"}", 0, true, 4, "refused: Unauthorized" },
	{ "{\"event\":\"held\",\"segment\":\"\\u001b[2J\\n\"}", 0, false, 0, "held \\x1b[2J\\x0a" },
	{ "{\"event\":\"held\",\"segment\":\"\\u202e\"}", 0, false, 0, "held \\x202e" },
	{ "{\"event\":7}", 0, false, 0, NULL },
	{ "{}", 0, false, 0, NULL },
	{ "", -EBADMSG, false, 0, NULL },
	{ "[]", -EBADMSG, false, 0, NULL },
	{ "HTTP/1.1 400 Bad Request", -EBADMSG, false, 0, NULL },
	{ "{\"event\":\"\\ud800\"}", -EBADMSG, false, 0, NULL },
	{ "{\"event\":\"a\\u0000b\"}", -EBADMSG, false, 0, NULL },
	{ "{\"event\":\"\xff\"}", -EBADMSG, false, 0, NULL },
};

static void test_event(const void *arg)
{
	const struct event_row *row = arg;
	struct dh_send_event event;
	GBytes *line = g_bytes_new(row->name, strlen(row->name));

	CHECK_INT(dh_send_event_parse(&event, line), row->err);
	g_bytes_unref(line);
	if (row->err)
		return;
	CHECK_INT(event.is_last, row->is_last);
	CHECK_INT(event.code, row->code);
	char *text = dh_send_event_text(&event);
	CHECK_STR(text, row->text);
	g_free(text);
	dh_send_event_clear(&event);
}

/* --- lines of dh-push, from its command line on */

static const struct request_row {
	const char *name;
	const char *words[16];
	const char *line; /* expected; NULL: refused */
} requests[] = {
	{ "least", { "--room", "1", "gateway" }, "{\"room\":1}" },
	{ "a name", { "--room", "stage", "gateway" }, "{\"room\":\"stage\"}" },
	{ "digits", { "--room", "1", "--string-ids", "gateway" }, "{\"room\":\"1\"}" },
	{ "a number with more", { "--room", "1a", "gateway" }, "{\"room\":\"1a\"}" },
	{ "all",
		{ "gateway", "--room=1", "--segment=s", "--utterance=u", "--text=Hi", "--index=0", "--last",
			"--metadata={\"n\":1}", "--progress-ms=0" },
		"{\"room\":1,\"segment\":\"s\",\"utterance\":\"u\",\"text\":\"Hi\",\"index\":0,\"last\":true,"
		"\"metadata\":{\"n\":1},\"progress_ms\":0}" },
	{ "the last word counts", { "gateway", "--room=1", "--room=2", "--metadata={}", "--metadata={\"a\":1}" },
		"{\"room\":2,\"metadata\":{\"a\":1}}" },
	{ "no room", { "gateway" }, NULL },
	{ "an empty room", { "--room", "", "gateway" }, NULL },
	{ "no address", { "--room", "1" }, NULL },
	{ "a bad address", { "--room", "1", "gateway:x" }, NULL },
	{ "too many words", { "--room", "1", "gateway", "a", "b" }, NULL },
	{ "an unknown option", { "--room", "1", "gateway", "--secret=s" }, NULL },
	{ "a negative index", { "--room", "1", "gateway", "--index=-1" }, NULL },
	{ "an index in words", { "--room", "1", "gateway", "--index=one" }, NULL },
	{ "metadata that is none", { "--room", "1", "gateway", "--metadata={" }, NULL },
	{ "metadata that is no object", { "--room", "1", "gateway", "--metadata=[]" }, NULL },
	{ "an avatar without encoding", { "--room", "1", "gateway", "--avatar", "a.dhs" }, NULL },
	{ "certificates without TLS", { "--room", "1", "gateway", "--ca", "ca.pem" }, NULL },
	{ "a text that is not UTF-8", { "--room", "1", "gateway", "--text", "\xff" }, NULL },
	{ "a secret's file that is none", { "--room", "1", "gateway", "--secret-file", "/nowhere" }, NULL },
	{ "a secret's file that is a folder", { "--room", "1", "gateway", "--secret-file", "/" }, NULL },
	{ "a secret's file that is empty", { "--room", "1", "gateway", "--secret-file", "/dev/null" }, NULL },
};

static void test_request(const void *arg)
{
	const struct request_row *row = arg;
	struct dh_send_options options;
	struct dh_send_fault fault = { 0 };
	char *words[18] = { g_strdup("dh-push") };
	int count = 1;

	while (row->words[count - 1]) {
		words[count] = g_strdup(row->words[count - 1]);
		count++;
	}
	optind = 0;
	opterr = 0;
	dh_send_options_parse(&options, count, words, &fault);
	GBytes *line = fault.code ? NULL : dh_send_request_line(&options.request, NULL, NULL, &fault);
	CHECK_INT(fault.code, row->line ? 0 : DH_SEND_USAGE);
	CHECK(!row->line == (fault.text[0] != '\0'));
	if (row->line) {
		char *expected = g_strdup_printf("%s\n", row->line);
		gsize size;
		const uint8_t *text = g_bytes_get_data(line, &size);
		CHECK_BYTES(text, size, (const uint8_t *)expected, strlen(expected));
		g_free(expected);
		g_bytes_unref(line);
	}
	dh_send_options_clear(&options);
	for (int i = 0; i < count; i++)
		g_free(words[i]);
}

static void test_questions(void)
{
	struct dh_send_request request;
	struct dh_send_fault fault = { 0 };
	gsize size;

	dh_send_request_init(&request);
	request.room = "1";
	request.segment = "not in a question";
	GBytes *line = dh_send_request_line(&request, "info", "token", &fault);
	const uint8_t *text = g_bytes_get_data(line, &size);
	static const char expected[] = "{\"request\":\"info\",\"room\":1,\"token\":\"token\"}\n";
	CHECK_BYTES(text, size, (const uint8_t *)expected, sizeof expected - 1);
	g_bytes_unref(line);
}

static void test_a_request_has_a_limit(void)
{
	struct dh_send_request request;
	struct dh_send_fault fault = { 0 };
	const size_t around = strlen("{\"room\":1,\"text\":\"\"}\n");
	char *text = g_strnfill(DH_SEND_REQUEST_MAX - around, 'x');
	char *more = g_strconcat(text, "x", NULL);

	dh_send_request_init(&request);
	request.room = "1";
	request.text = text;
	GBytes *line = dh_send_request_line(&request, NULL, NULL, &fault);
	CHECK(line && g_bytes_get_size(line) == DH_SEND_REQUEST_MAX);
	g_bytes_unref(line);
	request.text = more;
	CHECK(dh_send_request_line(&request, NULL, NULL, &fault) == NULL);
	CHECK_INT(fault.code, DH_SEND_USAGE);
	g_free(more);
	g_free(text);
}

static const struct check_test tests[] = {
	TABLE(test_address, addresses),
	TEST(test_token),
	TEST(test_nonces_differ),
	TEST(test_lines_in_pieces_of_any_size),
	TEST(test_a_line_has_a_limit),
	TEST(test_bytes_between_lines),
	TABLE(test_event, events),
	TABLE(test_request, requests),
	TEST(test_questions),
	TEST(test_a_request_has_a_limit),
};

int main(int argc, char **argv)
{
	g_unsetenv("DH_PUSH_SECRET");
	return CHECK_MAIN(argc, argv, tests);
}
