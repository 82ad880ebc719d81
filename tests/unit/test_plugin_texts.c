/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Texts from outside, of any length and with characters of any width at any place: they
 * are cut only between characters, and no answer is lost. */
#include "tests/support/plugin_fixture.h"

#include "tests/support/request_maker.h"

static const char *const characters[] = { "a", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80" };

/* `shift` times "a", then `character` as often as it fits into `size` bytes. */
static char *text_of(const char *character, size_t shift, size_t size)
{
	GString *text = g_string_new(NULL);

	for (size_t i = 0; i < shift && text->len < size; i++)
		g_string_append_c(text, 'a');
	while (text->len + strlen(character) <= size)
		g_string_append(text, character);
	return g_string_free(text, FALSE);
}

/* --- requests */

static unsigned first(void *arg, unsigned count)
{
	(void)arg;
	return count > 1 ? 1 : 0; /* the optional field that is given */
}

static int is_text(const struct dh_field *field)
{
	return field->type == DH_FIELD_TEXT || field->type == DH_FIELD_EMPTY || field->type == DH_FIELD_PROSE ||
		field->type == DH_FIELD_FILES;
}

static json_t *answer_of(struct gateway_handle *handle, json_t *body)
{
	json_t *answer = gateway_ask(handle, body, NULL);

	return answer ? answer : gateway_await(handle, "", AWAIT_S * 1000);
}

static void check_answer(json_t *answer, const char *request, const char *field)
{
	const char *error = json_string_value(json_object_get(answer, "error"));

	CHECK(answer, "%s.%s: no answer", request, field);
	CHECK(json_is_string(json_object_get(answer, "digitalhuman")), "%s.%s", request, field);
	CHECK(!json_object_get(answer, "error_code") || (error && *error), "%s.%s: no error text", request, field);
	CHECK(!error || !strstr(error, "\xef\xbf\xbd"), "%s.%s: half a character: %s", request, field, error);
	json_decref(answer);
}

static void check_field(struct gateway_handle *handle, const struct dh_request_type *type, const struct dh_field *field)
{
	static atomic_int segments;
	const struct request_maker maker = { first, NULL, NULL, 0, plugin_files_prepared, &segments };
	size_t max = field->max ? field->max : 400;

	for (size_t c = 0; c < G_N_ELEMENTS(characters); c++) {
		for (size_t shift = 0; shift < strlen(characters[c]); shift++) {
			json_t *body = maker_body(&maker, type);
			char *text = text_of(characters[c], shift, max);
			json_object_set_new(body, field->name, json_string(text));
			check_answer(answer_of(handle, body), type->name, field->name);
			gateway_forget(handle);
			g_free(text);
		}
	}
}

/* Every field as long as it may be, naming things that do not exist. */
static void test_every_field(void)
{
	const struct dh_request_type *type;
	struct gateway_handle *handle;
	struct plugin_fixture fixture;

	plugin_fixture_open(&fixture, "max_text = 400\n warm_workers = 0\n max_queue = 3\n");
	handle = gateway_attach();
	for (unsigned i = 0; (type = maker_type(i)); i++) {
		for (const struct dh_field *field = type->fields; field && field->name; field++) {
			if (is_text(field))
				check_field(handle, type, field);
		}
	}
	gateway_detach(&handle);
	plugin_fixture_close(&fixture);
}

/* Every length around the one at which the error text is cut. */
static void test_a_missing_file(void)
{
	struct gateway_handle *handle;
	struct plugin_fixture fixture;

	plugin_fixture_open(&fixture, "warm_workers = 0\n");
	handle = gateway_attach();
	for (size_t c = 0; c < G_N_ELEMENTS(characters); c++) {
		for (size_t size = 400; size < 560; size++) {
			char *text = text_of(characters[c], 0, size);
			json_t *answer = ASK(handle, "{s:s, s:i, s:s}", "request", "enqueue", "id", 1, "file", text);
			CHECK_INT(json_integer_value(json_object_get(answer, "error_code")), 462);
			check_answer(answer, "enqueue", "file");
			g_free(text);
		}
	}
	gateway_detach(&handle);
	plugin_fixture_close(&fixture);
}

static void test_unknown_request(void)
{
	struct gateway_handle *handle;
	struct plugin_fixture fixture;

	plugin_fixture_open(&fixture, "warm_workers = 0\n");
	handle = gateway_attach();
	for (size_t c = 0; c < G_N_ELEMENTS(characters); c++) {
		for (size_t size = 1; size < 140; size++) {
			char *text = text_of(characters[c], size % 4, size);
			check_answer(ASK(handle, "{s:s}", "request", text), "request", text);
			g_free(text);
		}
	}
	gateway_detach(&handle);
	plugin_fixture_close(&fixture);
}

/* Control characters are refused everywhere; line breaks are allowed in spoken text. */
static void test_controls(void)
{
	static const struct {
		const char *text;
		int plain, prose;
	} rows[] = {
		{ "a\tb", 454, 460 },
		{ "a\nb", 454, 460 },
		{ "\x1b[31m", 454, 454 },
		{ "\x7f", 454, 454 },
		{ "\xc2\x85", 454, 454 },
		{ "\xc2\x9b"
		  "31m",
			454, 454 },
		{ "\xc2\xa0", 455, 460 },
		{ "\xe2\x80\xa8", 454, 454 },
	};
	struct gateway_handle *handle;
	struct plugin_fixture fixture;

	plugin_fixture_open(&fixture, "warm_workers = 0\n");
	handle = gateway_attach();
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		CHECK_INT(code_of(ASK(handle, "{s:s, s:i, s:s}", "request", "info", "id", 404, "secret", rows[i].text)),
			rows[i].plain);
		CHECK_INT(code_of(ASK(handle, "{s:s, s:i, s:s}", "request", "say", "id", 9, "text", rows[i].text)),
			rows[i].prose);
	}
	gateway_detach(&handle);
	plugin_fixture_close(&fixture);
}

/* --- the configuration */

static const struct wrong {
	const char *name, *general, *logged;
} wrongs[] = {
	{ "half a character in a text", "cache_folder = \"/a\\xe2\\x82\"\n",
		"general: cache_folder: UTF-8 is expected" },
	{ "half a character in a list", "segments_folder = ( \"/a\", \"/b\\xe2\" )\n",
		"general: segments_folder: UTF-8 is expected" },
	{ "half a character instead of a list", "segments_folder = \"/b\\xe2\"\n",
		"general: segments_folder: UTF-8 is expected" },
	{ "a control character in a wrong text", "worker = \"a/\\x1b[31m\"\n", "general: worker: " },
};

static void test_wrong_texts_in_the_configuration(const void *arg)
{
	const struct wrong *wrong = arg;
	struct plugin_files files;

	gateway_stop();
	CHECK_INT(plugin_files_make(&files, NULL, wrong->general), 0);
	CHECK_INT(gateway_start(files.folder, NULL), -1);
	CHECK_INT(gateway_logged(wrong->logged), 1);
	plugin_files_clear(&files);
}

static const struct check_test tests[] = {
	TEST(test_controls),
	TEST(test_every_field),
	TEST(test_a_missing_file),
	TEST(test_unknown_request),
	TABLE(test_wrong_texts_in_the_configuration, wrongs),
};

PREPARATION_MAIN(tests)
