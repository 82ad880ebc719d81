/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a feed makes of its generator: the text that it gets, and who says the rest once it has
 * failed. The generators and their time are the test's. */
#include "ingest/feed_private.h"
#include "playout/timebase.h"
#include "tests/support/check.h"

#include <errno.h>
#include <unistd.h>

static char *urls[] = { (char *)"http://a/", (char *)"http://b/", NULL };
static char *one_url[] = { (char *)"http://a/", NULL };
static struct dh_generator_config other = { .name = (char *)"other", .urls = one_url };

static struct {
	struct dh_io *io;
	struct dh_generators *generators;
	struct dh_generator_config config;
	struct dh_feed *feed;
	GString *said; /* what the generator got */
	int ends;      /* of its text */
	int err;       /* of dh_feed_add_text, of dh_feed_speech_open */
	char *error;   /* likewise */
	atomic_bool is_over;
	/* generators as they are started */
	int start_err; /* what the next ones say */
	int starts;
	bool has_metadata;          /* the last one */
	dh_generator_end_fn *ended; /* likewise */
	int sockets[2];             /* of processes */
	const struct dh_ingest_listener *listener;
	bool is_starved; /* what it is, once its output is over */
	atomic_bool is_looked_at, has_arrived;
	struct dh_place_stats stats[2];
} t;

void __wrap_dh_generator_add_text(struct dh_generator *generator, const char *more, bool is_last);

void __wrap_dh_generator_add_text(struct dh_generator *generator, const char *more, bool is_last)
{
	(void)generator;
	g_string_append(t.said, more);
	t.ends += is_last;
	if (is_last)
		atomic_store(&t.is_over, true);
}

int __wrap_dh_generator_start(struct dh_generator **generator, struct dh_io *io, const struct dh_generator_spec *spec,
	dh_generator_end_fn *ended, void *arg);

int __wrap_dh_generator_start(struct dh_generator **generator, struct dh_io *io, const struct dh_generator_spec *spec,
	dh_generator_end_fn *ended, void *arg)
{
	(void)io;
	if (t.start_err)
		return t.start_err;
	t.starts++;
	t.ended = ended;
	t.has_metadata = spec->scene.metadata != NULL;
	g_string_assign(t.said, spec->text);
	*generator = arg;
	return 0;
}

void __wrap_dh_generator_free(struct dh_generator **generator);

void __wrap_dh_generator_free(struct dh_generator **generator)
{
	*generator = NULL;
}

void __wrap_dh_generator_output_over(struct dh_generator *generator);

void __wrap_dh_generator_output_over(struct dh_generator *generator)
{
	(void)generator;
}

bool __wrap_dh_generator_is_starved(const struct dh_generator *generator, GSource *timer, int64_t *used_us,
	int limit_ms);

bool __wrap_dh_generator_is_starved(const struct dh_generator *generator, GSource *timer, int64_t *used_us,
	int limit_ms)
{
	(void)generator;
	(void)timer;
	(void)used_us;
	(void)limit_ms;
	atomic_store(&t.is_looked_at, true);
	return t.is_starved;
}

int __wrap_dh_ingest_subscribe(struct dh_ingest *ingest, const struct dh_ingest_source *source,
	const struct dh_ingest_listener *listener, void *arg, struct dh_subscription **subscription);

int __wrap_dh_ingest_subscribe(struct dh_ingest *ingest, const struct dh_ingest_source *source,
	const struct dh_ingest_listener *listener, void *arg, struct dh_subscription **subscription)
{
	(void)ingest;
	(void)source;
	(void)arg;
	*subscription = NULL;
	t.listener = listener;
	return 0;
}

/* A process is a pointer to its socket. */
struct dh_generator_process *__wrap_dh_generator_process_new(struct dh_io *io,
	const struct dh_generator_process_spec *spec);

struct dh_generator_process *__wrap_dh_generator_process_new(struct dh_io *io,
	const struct dh_generator_process_spec *spec)
{
	(void)io;
	return (struct dh_generator_process *)&t.sockets[spec->number];
}

void __wrap_dh_generator_process_free(struct dh_generator_process **process);

void __wrap_dh_generator_process_free(struct dh_generator_process **process)
{
	*process = NULL;
}

int __wrap_dh_generator_process_socket(const struct dh_generator_process *process);

int __wrap_dh_generator_process_socket(const struct dh_generator_process *process)
{
	return *(const int *)process;
}

static void has_arrived(void *arg, struct dh_feed *feed)
{
	(void)arg;
	(void)feed;
	atomic_store(&t.has_arrived, true);
}

static void is_gone(void *arg)
{
	(void)arg;
}

static const struct dh_feed_owner owner = { .name = "1", .arrived = has_arrived, .gone = is_gone };

static struct dh_feed *new_feed(const char *text, bool is_open, json_t *metadata)
{
	const struct dh_feed_context context = { .io = t.io,
		.generators = t.generators,
		.max_text = 1000,
		.more_rate = 1000 };
	const struct dh_feed_speech speech = { .generator = &t.config,
		.text = text,
		.is_text_open = is_open,
		.audio = -1 };
	struct dh_ingest_source source;

	dh_ingest_source_init(&source);
	return dh_feed_new(&context, &owner, "text", metadata, &source, &speech, NULL);
}

/* `text` is still being written if `is_open`. */
static void open_all(char **places, const char *text, bool is_open)
{
	memset(&t, 0, sizeof t);
	t.said = g_string_new(NULL);
	t.config = (struct dh_generator_config){ .name = (char *)"tester",
		.urls = places,
		.retry = (char *)"tail",
		.fallback_config = &other };
	CHECK_INT(dh_io_alloc(&t.io), 0);
	t.generators = dh_generators_new(t.io, NULL, NULL);
	t.feed = new_feed(text, is_open, NULL);
}

static void close_all(void)
{
	dh_feed_unref(&t.feed);
	dh_generators_free(&t.generators);
	dh_io_free(&t.io);
	g_string_free(t.said, TRUE);
	g_free(t.error);
}

/* --- its text */

/* Its time is over before the I/O thread has looked at the last piece. */
static void add_too_late(void *arg)
{
	struct dh_feed *feed = arg;

	feed->generator = (struct dh_generator *)feed;
	dh_feed_speech_more(dh_feed_ref(feed));
	t.err = dh_feed_add_text(feed, " world", false);
}

static void end_generator(void *arg)
{
	struct dh_feed *feed = arg;

	feed->generator = NULL;
	dh_feed_speech_close(feed);
}

static void test_text_that_was_taken_is_spoken(void)
{
	open_all(urls, "hello", true);
	dh_io_call(t.io, add_too_late, t.feed);
	while (!atomic_load(&t.is_over))
		usleep(1000);
	dh_io_call(t.io, end_generator, t.feed);
	CHECK_INT(t.err, 0);
	CHECK_STR(t.said->str, "hello world");
	CHECK_INT(t.ends, 1);
	CHECK_INT(dh_feed_add_text(t.feed, "!", true), -ENOTCONN);
	close_all();
}

/* --- what the cache keeps it under */

static char *sing[] = { (char *)"/bin/sing", (char *)"aloud", NULL };
static char *sing_aloud[] = { (char *)"/bin/sing aloud", NULL };
static char *same_urls[] = { (char *)"http://a/", (char *)"http://b/", NULL };
static char *other_urls[] = { (char *)"http://a/", (char *)"http://c/", NULL };
static char *alto[] = { (char *)"VOICE=alto", NULL };
static char *bass[] = { (char *)"VOICE=bass", NULL };
static char *two[] = { (char *)"A=1", (char *)"B=2", NULL };
static char *lines[] = { (char *)"A=1\n3 B=2", NULL };

/* clang-format off */
#define SAME(value) { value, value }
#define MADE_BY(...) { .name = (char *)"tester", .cache = 1, __VA_ARGS__ }
/* clang-format on */

/* Two sentences; what only matters while they are made is no setting of theirs. */
static const struct made_row {
	const char *name;
	struct dh_generator_config configs[2];
	const char *texts[2], *voices[2];
	bool is_same;
} made_rows[] = {
	{ "the same", { MADE_BY(.urls = urls), MADE_BY(.urls = same_urls) }, SAME("hello"), SAME("ada"), true },
	{ "limits", { MADE_BY(.urls = urls), MADE_BY(.urls = urls, .max_s = 9, .at_once = one_url, .memory_mb = 7) },
		SAME("hello"), SAME("ada"), true },
	{ "text", { MADE_BY(.urls = urls), MADE_BY(.urls = urls) }, { "hello", "Hello" }, SAME("ada"), false },
	{ "voice", { MADE_BY(.urls = urls), MADE_BY(.urls = urls) }, SAME("hello"), { "ada", "bob" }, false },
	{ "no voice", { MADE_BY(.urls = urls), MADE_BY(.urls = urls) }, SAME("hello"), { "ada", NULL }, false },
	{ "generator", { MADE_BY(.urls = urls), { .name = (char *)"other", .cache = 1, .urls = urls } }, SAME("hello"),
		SAME("ada"), false },
	{ "url", { MADE_BY(.urls = urls), MADE_BY(.urls = other_urls) }, SAME("hello"), SAME("ada"), false },
	{ "urls", { MADE_BY(.urls = urls), MADE_BY(.urls = one_url) }, SAME("hello"), SAME("ada"), false },
	{ "command", { MADE_BY(.command = sing), MADE_BY(.command = sing_aloud) }, SAME("hello"), SAME("ada"), false },
	{ "command or url", { MADE_BY(.command = one_url), MADE_BY(.urls = one_url) }, SAME("hello"), SAME("ada"),
		false },
	{ "environment", { MADE_BY(.urls = urls, .environment = alto), MADE_BY(.urls = urls, .environment = bass) },
		SAME("hello"), SAME("ada"), false },
	{ "no environment", { MADE_BY(.urls = urls, .environment = alto), MADE_BY(.urls = urls) }, SAME("hello"),
		SAME("ada"), false },
	{ "lines", { MADE_BY(.urls = urls, .environment = two), MADE_BY(.urls = urls, .environment = lines) },
		SAME("hello"), SAME("ada"), false },
};

static char *made_of(const struct made_row *row, int i, bool is_open)
{
	const struct dh_feed_context context = { .io = t.io, .generators = t.generators, .max_text = 1000 };
	const struct dh_feed_speech speech = { .generator = &row->configs[i],
		.text = row->texts[i],
		.is_text_open = is_open,
		.voice = row->voices[i],
		.audio = -1 };
	struct dh_ingest_source source;

	dh_ingest_source_init(&source);
	struct dh_feed *feed = dh_feed_new(&context, &owner, "text", NULL, &source, &speech, NULL);
	char *text = dh_feed_speech_made_of(feed);
	dh_feed_unref(&feed);
	return text;
}

static void test_made_of(const void *arg)
{
	const struct made_row *row = arg;

	open_all(urls, "hello", false);
	char *one = made_of(row, 0, false), *another = made_of(row, 1, false), *open = made_of(row, 0, true);
	CHECK(one && another && !open);
	CHECK_INT(strcmp(one, another) == 0, row->is_same);
	CHECK(!dh_feed_speech_made_of(t.feed), "its generator is not to be kept");
	g_free(one);
	g_free(another);
	close_all();
}

static char *one_each[] = { (char *)"1", NULL };

static void is_given(void *arg, int place)
{
	(void)arg;
	(void)place;
}

static struct dh_place_wait stranger = { .config = &t.config, .tried = 1, .given = is_given, .wanted = is_gone };

static void open_feed(void *arg)
{
	int fd = -1;

	t.err = dh_feed_speech_open(arg, &fd, &t.error);
	if (fd >= 0)
		close(fd);
}

/* The first one cannot, and somebody else has the other. `more_s` is over at once. */
static void fail_first(void *arg)
{
	dh_generators_take(t.generators, &stranger);
	open_feed(arg);
	t.ended(arg, "503", DH_OUTPUT_NONE);
}

static void add_while_waiting(void *arg)
{
	t.err = dh_feed_add_text(arg, " world", false);
	dh_generators_leave(t.generators, &stranger, 1, DH_PLACE_DID);
}

static void test_text_is_kept_while_another_service_is_waited_for(void)
{
	open_all(urls, "hello", true);
	t.config.at_once = one_each;
	dh_io_call(t.io, fail_first, t.feed);
	CHECK_INT(t.err, 0);
	CHECK_INT(t.starts, 1);
	usleep(20000); /* what waits for a time to be over has had one */
	dh_io_call(t.io, add_while_waiting, t.feed);
	while (!atomic_load(&t.is_over)) /* then nobody writes on */
		usleep(1000);
	CHECK_INT(t.err, 0);
	CHECK_INT(t.starts, 2);
	CHECK_STR(t.said->str, "hello world");
	CHECK_INT(t.ends, 1);
	dh_io_call(t.io, end_generator, t.feed);
	close_all();
}

/* --- its start */

static void open_and_close(void *arg)
{
	struct dh_generator_pool *pool = dh_generators_pool(t.generators, &t.config);

	for (int i = 0; i < t.config.processes; i++)
		dh_generator_pool_set_state(pool, i, DH_PLACE_THERE);
	open_feed(arg);
	dh_feed_speech_close(arg);
	for (int i = 0; i < dh_generator_pool_count(pool); i++)
		dh_generator_pool_stats(pool, i, g_get_monotonic_time(), &t.stats[i]);
}

static const struct start_row {
	const char *name;
	int start_err, first_socket; /* -1: that process has just ended */
	int err, asked[2], failed[2];
} start_rows[] = {
	{ "well", 0, 5, 0, { 1, 0 }, { 0, 0 } },
	{ "no descriptors", -EMFILE, 5, -EMFILE, { 1, 0 }, { 0, 0 } },
	{ "too long", -E2BIG, 5, -E2BIG, { 1, 0 }, { 0, 0 } },
	{ "one has ended", 0, -1, 0, { 1, 1 }, { 1, 0 } },
	{ "one has ended, and no descriptors", -EMFILE, -1, -EMFILE, { 1, 1 }, { 1, 0 } },
};

/* A process is to blame for its own end alone. */
static void test_start_of_processes(const void *arg)
{
	const struct start_row *row = arg;
	static char *command[] = { (char *)"/bin/speak", NULL };

	open_all(NULL, "hello", false);
	t.config.command = command;
	t.config.processes = 2;
	t.start_err = row->start_err;
	t.sockets[0] = row->first_socket;
	t.sockets[1] = 5;
	dh_io_call(t.io, open_and_close, t.feed);
	CHECK_INT(t.err, row->err);
	CHECK(!row->err || strstr(t.error, g_strerror(-row->err)), "%s", t.error);
	for (int i = 0; i < 2; i++) {
		CHECK_INT(t.stats[i].asked, row->asked[i]);
		CHECK_INT(t.stats[i].failed, row->failed[i]);
		CHECK_INT(t.stats[i].busy, 0);
	}
	close_all();
}

static const struct metadata_row {
	const char *name;
	int count; /* of "é", six bytes each in ASCII */
	bool is_passed_on;
} metadata_rows[] = {
	{ "some", 1000, true },
	{ "as much as a header may have", 10000, true },
	{ "more than the environment may have", 30000, false },
};

static void test_metadata(const void *arg)
{
	const struct metadata_row *row = arg;
	GString *text = g_string_new(NULL);

	for (int i = 0; i < row->count; i++)
		g_string_append(text, "é");
	json_t *metadata = json_pack("{s:s}", "a", text->str);
	open_all(urls, "hello", false);
	dh_feed_unref(&t.feed);
	t.feed = new_feed("hello", false, metadata);
	dh_io_call(t.io, open_and_close, t.feed);
	CHECK_INT(t.err, 0);
	CHECK_INT(t.has_metadata, row->is_passed_on);
	close_all();
	json_decref(metadata);
	g_string_free(text, TRUE);
}

/* --- its end */

/* Its output is complete, as far as anybody can see. */
static void end_output(void *arg)
{
	const struct dh_stream_end end = { 0 };

	dh_feed_input_subscribe(arg);
	open_feed(arg);
	t.listener->end(arg, &end);
}

static void end_with_a_code(void *arg)
{
	(void)arg;
	t.ended(t.feed, "code 3", DH_OUTPUT_UNKNOWN);
}

static const struct end_row {
	const char *name;
	bool is_starved;
	const char *text; /* that it fails with; NULL: it does not fail */
} end_rows[] = {
	{ "it goes on by itself", false, NULL },
	{ "it has no processor to end", true, "code 3" },
};

static void test_its_last_word(const void *arg)
{
	const struct end_row *row = arg;

	open_all(urls, "hello", false);
	t.is_starved = row->is_starved;
	dh_io_call(t.io, end_output, t.feed);
	while (!atomic_load(&t.is_looked_at) && !atomic_load(&t.has_arrived))
		usleep(1000);
	dh_io_call(t.io, end_with_a_code, NULL);
	CHECK(t.feed->arrived.has_end == !row->text);
	CHECK(t.feed->arrived.has_failure == (row->text != NULL));
	CHECK_STR(t.feed->arrived.text ? t.feed->arrived.text : "", row->text ? row->text : "");
	dh_io_call(t.io, end_generator, t.feed);
	close_all();
}

/* --- the rest */

static void find_rest(void *arg)
{
	struct dh_feed *feed = arg;

	feed->place = 0; /* it is still being asked */
	feed->made_ticks = 1000 * DH_TICKS_PER_MS;
	dh_feed_rest_find(feed);
	feed->place = -1;
}

/* A worker that hears nothing may give up before the generator's own time is over. */
static void test_the_rest_is_not_asked_of_the_same_place(void)
{
	open_all(urls, "one two three four five six seven", false);
	dh_io_call(t.io, find_rest, t.feed);
	CHECK(t.feed->rest.config == &t.config);
	CHECK_INT(t.feed->rest.tried, 1);
	close_all();
	open_all(one_url, "one two three four five six seven", false);
	dh_io_call(t.io, find_rest, t.feed);
	CHECK(t.feed->rest.config == &other);
	CHECK_INT(t.feed->rest.tried, 0);
	close_all();
}

static void find_rest_of_nothing(void *arg)
{
	struct dh_feed *feed = arg;

	feed->place = 0;
	feed->made_ticks = 0;
	dh_feed_rest_find(feed);
	feed->place = -1;
}

/* It has sent the head of a container, perhaps, but nothing that could be heard: another one is asked, even where
 * what is half said is not to be said on. */
static void test_nothing_was_delivered(void)
{
	open_all(urls, "one two three", false);
	t.config.retry = NULL;
	dh_io_call(t.io, find_rest, t.feed);
	CHECK(t.feed->rest.config == &other);
	close_all();
	open_all(urls, "one two three", false);
	t.config.retry = NULL;
	dh_io_call(t.io, find_rest_of_nothing, t.feed);
	CHECK(t.feed->rest.config == &t.config);
	CHECK_STR(t.feed->rest.text, "one two three");
	CHECK_INT(t.feed->rest.tried, 1);
	close_all();
	open_all(one_url, "one two three", false);
	t.config.retry = NULL;
	dh_io_call(t.io, find_rest_of_nothing, t.feed);
	CHECK(t.feed->rest.config == &other);
	close_all();
}

/* A second has been made. */
static const struct words_row {
	const char *name, *text, *words; /* "from-to word …", in milliseconds */
	const char *rest;
} words_rows[] = {
	{ "the next word", "One two, three four.", "0-400 One 400-1000 two 1000-1500 three 1500-1800 four",
		"three four." },
	{ "a word that is cut is said again", "One two, three four.", "0-400 One 400-1001 two", "two, three four." },
	{ "a slow beginning", "Aaaaaaaaaaaaaaa bbbbb ccccc", "0-1500 Aaaaaaaaaaaaaaa", "Aaaaaaaaaaaaaaa bbbbb ccccc" },
	{ "the last one that is known", "One two, three four.", "0-400 One 400-900 two", "three four." },
	{ "the same word again", "a a a b", "0-300 a 300-600 a 600-1200 a", "a b" },
	{ "no spaces", "你好世界", "0-500 你好 1000-1500 世界", "世界" },
	{ "all of them", "One two.", "0-400 One 400-900 two", "" },
	{ "not within another word", "Is this a test? Yes.", "0-900 is", "Yes." },
	{ "others than in the text: by its length", "12 apples and so on for ever", "0-990 twelve 990-1000 apples",
		"on for ever" },
};

static void tell_words(void *arg)
{
	const struct words_row *row = arg;
	char **parts = g_strsplit(row->words, " ", -1);

	dh_feed_input_subscribe(t.feed);
	for (int i = 0; parts[i]; i += 2) {
		struct dh_stream_word word = { 0 };
		int from_ms, to_ms;
		CHECK_INT(sscanf(parts[i], "%d-%d", &from_ms, &to_ms), 2);
		word.from_ticks = from_ms * DH_TICKS_PER_MS;
		word.to_ticks = to_ms * DH_TICKS_PER_MS;
		g_strlcpy(word.text, parts[i + 1], sizeof word.text);
		t.listener->word(t.feed, &word);
	}
	g_strfreev(parts);
}

static void test_the_rest_by_words(const void *arg)
{
	const struct words_row *row = arg;

	open_all(urls, row->text, false);
	dh_io_call(t.io, tell_words, (void *)row);
	dh_io_call(t.io, find_rest, t.feed);
	CHECK_STR(t.feed->rest.text, row->rest);
	close_all();
}

static const struct length_row {
	const char *name, *text, *rest; /* a second of it has been made: 15 characters */
} length_rows[] = {
	{ "spaces", "one two three four five six seven", "five six seven" },
	{ "two spaces", "one two three   four", "four" },
	{ "Chinese", "今天天气很好我们一起去公园散步然后回家吃饭", "然后回家吃饭" },
	{ "punctuation stays with its ideograph", "今天天气很好我们一起去公园散步。然后回家吃饭", "然后回家吃饭" },
	{ "Hangul has spaces", "안녕하세요 여러분 오늘은 날씨가 좋습니다", "좋습니다" },
	{ "all of it", "今天天气很好", "" },
};

static void test_the_rest_by_length(const void *arg)
{
	const struct length_row *row = arg;

	open_all(urls, row->text, false);
	dh_io_call(t.io, find_rest, t.feed);
	CHECK_STR(t.feed->rest.text, row->rest);
	close_all();
}

/* Pictures come ahead of their sound. */
static void test_the_rest_behind_the_sound(void)
{
	const struct words_row row = { .text = "One two, three four.", .words = "0-400 One 400-900 two" };

	open_all(urls, row.text, false);
	dh_io_call(t.io, tell_words, (void *)&row);
	t.feed->has_sound = true;
	t.feed->spoken_ticks = 500 * DH_TICKS_PER_MS;
	dh_io_call(t.io, find_rest, t.feed);
	CHECK_STR(t.feed->rest.text, "two, three four.");
	close_all();
}

/* Its turn comes next while its owner takes the rest of it. */
static void test_the_rest_and_the_turn(void)
{
	open_all(urls, "one two three four five six seven", false);
	dh_io_call(t.io, find_rest, t.feed);
	t.feed->is_started = true;
	dh_feed_set_next(t.feed);
	struct dh_feed *rest = dh_feed_take_rest(t.feed, &owner, false);
	CHECK(rest && !dh_feed_is_started(rest));
	dh_feed_unref(&rest);
	close_all();
}

static const struct check_test tests[] = {
	TEST(test_text_that_was_taken_is_spoken),
	TABLE(test_made_of, made_rows),
	TEST(test_text_is_kept_while_another_service_is_waited_for),
	TABLE(test_start_of_processes, start_rows),
	TABLE(test_metadata, metadata_rows),
	TABLE(test_its_last_word, end_rows),
	TEST(test_the_rest_is_not_asked_of_the_same_place),
	TEST(test_nothing_was_delivered),
	TABLE(test_the_rest_by_words, words_rows),
	TABLE(test_the_rest_by_length, length_rows),
	TEST(test_the_rest_behind_the_sound),
	TEST(test_the_rest_and_the_turn),
};

int main(int argc, char **argv)
{
	return CHECK_MAIN(argc, argv, tests);
}
