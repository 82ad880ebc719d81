/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fuzz target: any requests. An input is text, a line for each thing that is
 * done:
 *
 *     {"request":…}         a message
 *     answer {"request":…}  one with a JSEP answer
 *     jsep [{…},{…}]        one with any JSEP
 *     admin {"request":…}   through the Admin API
 *     make …                a message that is made from these bytes, and so has
 *                           the plugin's own names in it; "makeadmin" likewise
 *     up, pli, hangup, query, detach   of the handle
 *     other                 the other one of two handles
 *
 * The plugin runs on from input to input, begins anew every now and then, and
 * plays prepared files: there are no other processes. What comes back is
 * verified against docs/api.md. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __has_feature
#if __has_feature(address_sanitizer)
#include <sanitizer/lsan_interface.h>
#define HAS_LEAKED (__lsan_do_recoverable_leak_check() != 0)
#endif
#endif
#ifndef HAS_LEAKED
#define HAS_LEAKED 0
#endif

#include "tests/support/gateway.h"
#include "tests/support/event_checker.h"
#include "tests/support/request_maker.h"
#include "tests/support/plugin_files.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

#define INPUTS_PER_LIFE  200
#define LIVES_PER_FOLDER 8
#define LINES_MAX        64
#define LINE_BYTES       8192

#define GENERAL \
	"warm_workers = 0\n max_rooms = 6\n max_queue = 6\n max_viewers = 6\n max_viewers_per_room = 2\n" \
	"max_text = 200\n max_metadata = 300\n"

static struct plugin_files files;
static struct event_checker *checker;
static struct gateway_handle *handles[2];
static atomic_int segments;

/* `what` is appended to the message. */
#define PROMISE(condition, what) \
	do { \
		if (!(condition)) \
			gateway_fault("broken promise, line %d: %s: %s", __LINE__, #condition, what); \
	} while (0)

/* --- lives of the plugin */

static void end_life(void)
{
	gateway_stop();
	for (int i = 0; i < 2; i++)
		gateway_detach(&handles[i]);
	if (!checker)
		return;
	PROMISE(!event_checker_error(checker), event_checker_error(checker));
	event_checker_free(&checker);
	PROMISE(gateway_sessions() == 0, "a handle is not freed");
	PROMISE(!HAS_LEAKED, "memory is not freed");
}

static void end_all(void)
{
	end_life();
	plugin_files_clear(&files);
}

static void begin_life(void)
{
	struct gateway_options options = { .notified = event_checker_see, .is_signed = 1 };
	static unsigned lives;

	/* Permanent rooms survive a restart of the plugin; do not let them fill it up. */
	if (lives == 0)
		atexit(end_all);
	else if (lives % LIVES_PER_FOLDER == 0)
		plugin_files_clear(&files);
	if (lives++ % LIVES_PER_FOLDER == 0)
		PROMISE(plugin_files_make(&files, NULL, GENERAL) == 0, strerror(errno));
	checker = options.arg = event_checker_new();
	options.is_loud = getenv("DH_LOUD") != NULL;
	PROMISE(gateway_start(files.folder, &options) == 0, files.folder);
}

/* --- promises */

/* Checks what every answer must contain. Takes ownership. */
static void check_answer(json_t *answer)
{
	const json_t *code = json_object_get(answer, "error_code");
	const char *error = json_string_value(json_object_get(answer, "error"));
	json_int_t n = json_integer_value(code);

	PROMISE(json_is_string(json_object_get(answer, "digitalhuman")), "an answer of another plugin");
	if (code) {
		PROMISE(error && *error, "an error that says nothing");
		PROMISE(n >= 450 && n <= 470, error);
		/* A busy machine may take this long. */
		PROMISE(n != 470 || strstr(error, "does not answer"), error);
	}
	json_decref(answer);
}

/* --- requests from bytes */

struct bytes {
	const uint8_t *at, *end;
};

static unsigned next_byte(struct bytes *bytes)
{
	return bytes->at < bytes->end ? *bytes->at++ : 0;
}

static unsigned choose(void *arg, unsigned count)
{
	return next_byte(arg) % count;
}

static json_t *odd_text(struct bytes *bytes)
{
	size_t size = next_byte(bytes), left = (size_t)(bytes->end - bytes->at);
	char *copy;
	json_t *text;

	size = size < left ? size : left;
	copy = malloc(size + 1);
	memcpy(copy, bytes->at, size);
	bytes->at += size;
	text = json_stringn(copy, size);
	free(copy);
	return text ? text : json_null();
}

static json_t *odd_value(void *arg)
{
	static const json_int_t numbers[] = { 0, -1, INT64_C(9007199254740991), INT64_C(9007199254740992), INT64_MAX,
		INT64_MIN };
	struct bytes *bytes = arg;

	switch (next_byte(bytes) % 9) {
	case 0:
		return json_integer(numbers[next_byte(bytes) % G_N_ELEMENTS(numbers)]);
	case 1:
		return json_integer(next_byte(bytes));
	case 2:
		return json_real(next_byte(bytes) / 7.0);
	case 3:
		return json_boolean(next_byte(bytes) & 1);
	case 4:
		return json_pack("[o, o]", odd_text(bytes), odd_text(bytes));
	case 5:
		return json_pack("{s:o, s:[{}, []]}", "a", odd_text(bytes), "b");
	case 6:
		return json_sprintf("%0*d", 4 * (int)next_byte(bytes), 1);
	case 7:
		return json_null();
	default:
		return odd_text(bytes);
	}
}

static json_t *body_from(const char *line)
{
	struct bytes bytes = { (const uint8_t *)line, (const uint8_t *)line + strlen(line) };
	const struct request_maker maker = { choose, odd_value, &bytes, 12, plugin_files_prepared, &segments };

	return maker_body(&maker, maker_type(next_byte(&bytes) % maker_types()));
}

/* --- lines */

static json_t *parse(const char *text)
{
	return json_loads(text, JSON_DECODE_ANY, NULL);
}

/* Janus passes only objects to a handle or the Admin API. */
static void ask(struct gateway_handle *handle, json_t *body, json_t *jsep)
{
	json_t *answer;

	if (!json_is_object(body)) {
		json_decref(body);
		json_decref(jsep);
		return;
	}
	answer = gateway_ask(handle, body, jsep);
	if (answer)
		check_answer(answer);
}

static void ask_admin(json_t *body)
{
	if (body)
		check_answer(gateway_ask_admin(body));
}

static void ask_with_any(struct gateway_handle *handle, const char *text)
{
	json_t *pair = parse(text);
	json_t *jsep = json_array_get(pair, 1);

	ask(handle, json_incref(json_array_get(pair, 0)), json_is_object(jsep) ? json_incref(jsep) : NULL);
	json_decref(pair);
}

static int starts(const char **line, const char *word)
{
	if (!g_str_has_prefix(*line, word))
		return 0;
	*line += strlen(word);
	return 1;
}

static void do_line(const char *line, int *current)
{
	struct gateway_handle **handle = &handles[*current];

	if (!*handle)
		*handle = gateway_attach();
	if (starts(&line, "answer "))
		ask(*handle, parse(line), gateway_answer());
	else if (starts(&line, "jsep "))
		ask_with_any(*handle, line);
	else if (starts(&line, "admin "))
		ask_admin(parse(line));
	else if (starts(&line, "makeadmin "))
		ask_admin(body_from(line));
	else if (starts(&line, "make "))
		ask(*handle, body_from(line), NULL);
	else if (starts(&line, "up"))
		gateway_up(*handle);
	else if (starts(&line, "pli"))
		gateway_pli(*handle);
	else if (starts(&line, "hangup"))
		gateway_hangup(*handle);
	else if (starts(&line, "query"))
		json_decref(gateway_query(*handle));
	else if (starts(&line, "detach"))
		gateway_detach(handle);
	else if (starts(&line, "other"))
		*current ^= 1;
	else
		ask(*handle, parse(line), NULL);
}

/* A copy of exactly its size, so that sanitizers see reads beyond the end. */
static void do_copy(const uint8_t *data, size_t size, int *current)
{
	char *line = malloc(size + 1);

	memcpy(line, data, size);
	line[size] = '\0';
	do_line(line, current);
	free(line);
}

/* The leak check must wait until all threads have ended: it cannot see what running
 * threads hold. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static char no_leaks[] = "-detect_leaks=0";
	char **all = calloc((size_t)*argc + 2, sizeof *all);

	all[0] = (*argv)[0];
	all[1] = no_leaks;
	memcpy(all + 2, *argv + 1, (size_t)(*argc - 1) * sizeof *all);
	*argv = all;
	++*argc;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static unsigned inputs;
	int current = 0;

	if (inputs++ % INPUTS_PER_LIFE == 0) {
		end_life();
		begin_life();
	}
	for (int i = 0; size > 0 && i < LINES_MAX; i++) {
		const uint8_t *end = memchr(data, '\n', size);
		size_t length = end ? (size_t)(end - data) : size;
		if (length > 0 && length <= LINE_BYTES)
			do_copy(data, length, &current);
		length += end != NULL;
		data += length;
		size -= length;
	}
	for (int i = 0; i < 2; i++) {
		if (handles[i])
			gateway_forget(handles[i]);
	}
	return 0;
}
