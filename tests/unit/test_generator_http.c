/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Generators that are HTTP services, under the real dh-scope and dh-fetch: what they are
 * asked, and what becomes of their answers. The services are sockets of this program. */
#include "ingest/generator.h"
#include "playout/unit.h"
#include "ingest/log.h"
#include "tests/support/check.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

static char *scope, *fetch;
static struct dh_io *io;

/* --- a service: answers one request with what its row says */

struct service {
	int listener;
	char url[60];
	const char *answer;
	const char *after; /* the answer is sent once the request contains this */
	bool is_kept;      /* the connection stays open after the answer */
	int connection;
	pthread_t thread;
	pthread_mutex_t lock;
	/* protected by lock while the thread runs */
	char request[8192];
	size_t length;
};

static bool has_come(struct service *service, const char *text)
{
	bool has;

	pthread_mutex_lock(&service->lock);
	has = memmem(service->request, service->length, text, strlen(text)) != NULL;
	pthread_mutex_unlock(&service->lock);
	return has;
}

static void listen_on(struct service *service)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof address;

	service->connection = -1;
	service->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK_INT(bind(service->listener, (struct sockaddr *)&address, sizeof address), 0);
	CHECK_INT(listen(service->listener, 5), 0);
	CHECK_INT(getsockname(service->listener, (struct sockaddr *)&address, &size), 0);
	snprintf(service->url, sizeof service->url, "http://me:secret@127.0.0.1:%d/say", ntohs(address.sin_port));
}

static void *serve(void *arg)
{
	struct service *service = arg;

	service->connection = accept(service->listener, NULL, NULL);
	while (!has_come(service, service->after)) {
		char bytes[1024];
		ssize_t n = read(service->connection, bytes, sizeof bytes);
		if (n <= 0)
			break;
		pthread_mutex_lock(&service->lock);
		size_t fits = MIN((size_t)n, sizeof service->request - 1 - service->length);
		memcpy(service->request + service->length, bytes, fits);
		service->length += fits;
		pthread_mutex_unlock(&service->lock);
	}
	if (send(service->connection, service->answer, strlen(service->answer), MSG_NOSIGNAL) < 0)
		perror("send");
	if (!service->is_kept) {
		close(service->connection);
		service->connection = -1;
	}
	return NULL;
}

static void start_service(struct service *service)
{
	listen_on(service);
	pthread_mutex_init(&service->lock, NULL);
	CHECK_INT(pthread_create(&service->thread, NULL, serve, service), 0);
}

static void end_service(struct service *service)
{
	pthread_join(service->thread, NULL);
	if (service->connection >= 0)
		close(service->connection);
	close(service->listener);
	service->request[service->length] = 0;
}

/* --- a generator */

static char *urls[] = { NULL, NULL };
static struct dh_generator_config config = { .name = (char *)"tester",
	.urls = urls,
	.max_s = 60,
	.connect_s = 60,
	.silence_s = 60 };

static struct run {
	struct dh_generator *generator;
	int err, output;
	GSource *source;
	bool is_text_open;
	int audio; /* a file that it gets instead of the text; 0: none */
	/* accessed in the I/O thread only */
	char written[1000];
	size_t length;
	int ends;
	enum dh_generator_output what;
	char error[500];
} run;

static void generator_ended(void *arg, const char *error, enum dh_generator_output what)
{
	(void)arg;
	run.ends++;
	run.what = what;
	g_strlcpy(run.error, error ? error : "", sizeof run.error);
	dh_generator_free(&run.generator);
}

static gboolean readable(gint fd, GIOCondition condition, gpointer arg)
{
	ssize_t n = read(fd, run.written + run.length, sizeof run.written - 1 - run.length);

	(void)condition;
	(void)arg;
	if (n > 0)
		run.length += (size_t)n;
	else
		dh_io_drop(&run.source);
	return G_SOURCE_CONTINUE;
}

static const uint8_t thumbnail[DH_LUMA_BYTES] = { 1, 2, 3 };

static void start_it(void *arg)
{
	int ends[2] = { -1, -1 };

	(void)arg;
	if (pipe2(ends, O_CLOEXEC) < 0)
		abort();
	const struct dh_generator_spec spec = { .config = &config,
		.url = config.urls[0],
		.scope = scope,
		.fetch = fetch,
		.who = "room 1: segment s-1",
		.audio = run.audio ? run.audio : -1,
		.socket = -1,
		.text = "Hello, ",
		.is_text_open = run.is_text_open,
		.voice = "d\xc3\xa9:100%",
		.scene = { .room = "1",
			.segment = "s\r\nX-Evil: 1",
			.metadata = "{\"a\":\"\\u00e9\"}",
			.clip = "a b.mp4",
			.position_ms = 1241,
			.thumbnail = thumbnail },
		.output = ends[1] };
	run.err = dh_generator_start(&run.generator, io, &spec, generator_ended, NULL);
	close(ends[1]);
	run.output = ends[0];
	run.source = dh_io_watch(io, run.output, G_IO_IN | G_IO_HUP, readable, NULL);
}

static void add_last(void *arg)
{
	dh_generator_add_text(run.generator, arg, true);
}

static void copy_run(void *arg)
{
	*(struct run *)arg = run;
}

static struct run look(void)
{
	struct run now;

	dh_io_call(io, copy_run, &now);
	return now;
}

/* Until it holds; a test that waits for ever is killed. */
#define AWAIT(condition) \
	do { \
		while (!(condition)) \
			usleep(2000); \
	} while (0)

static void start(const char *url)
{
	urls[0] = (char *)url;
	CHECK_INT(dh_io_alloc(&io), 0);
	dh_io_call(io, start_it, NULL);
	CHECK_INT(run.err, 0);
}

static void drop_output(void *arg)
{
	(void)arg;
	dh_io_drop(&run.source);
	close(run.output);
}

static struct run finish(void)
{
	struct run now;

	AWAIT((now = look(), now.ends > 0 && !now.source));
	dh_io_call(io, drop_output, NULL);
	dh_io_free(&io);
	memset(&run, 0, sizeof run);
	return now;
}

/* --- tests */

#define OK "HTTP/1.1 200 OK\r\n"

static const struct answer {
	const char *name, *answer, *written, *error;
	enum dh_generator_output what;
} answers[] = {
	{ "media", OK "Content-Length: 5\r\n\r\nmedia", "media", "", DH_OUTPUT_UNKNOWN },
	{ "media until it closes", OK "\r\nmedia", "media", "", DH_OUTPUT_UNKNOWN },
	{ "media in chunks", OK "Transfer-Encoding: chunked\r\n\r\n2\r\nme\r\n3\r\ndia\r\n0\r\n\r\n", "media", "",
		DH_OUTPUT_UNKNOWN },
	{ "breaks off", OK "Content-Length: 9\r\n\r\nmedia", "media", "the generator broke off", DH_OUTPUT_SOME },
	{ "breaks off within chunks", OK "Transfer-Encoding: chunked\r\n\r\n9\r\nmedia", "media",
		"the generator broke off", DH_OUTPUT_SOME },
	{ "breaks off at once", OK "Content-Length: 9\r\n\r\n", "", "the generator broke off before it sent anything",
		DH_OUTPUT_NONE },
	{ "nothing", OK "Content-Length: 0\r\n\r\n", "", "the generator answered without media", DH_OUTPUT_NONE },
	{ "no answer", "", "", "the generator closed the connection without an answer", DH_OUTPUT_NONE },
	{ "it cannot now", "HTTP/1.1 503 Busy\r\nContent-Length: 12\r\n\r\n\r\nno\tGPU\nis", "",
		"the generator answered 503: no GPU", DH_OUTPUT_NONE },
	{ "it does not want to", "HTTP/1.1 400 Bad\r\n\r\nno such\1voice\r\nx", "",
		"the generator answered 400: no such\xef\xbf\xbdvoice", DH_OUTPUT_REFUSED },
	{ "too many", "HTTP/1.1 429 Later\r\nContent-Length: 0\r\n\r\n", "", "the generator answered 429",
		DH_OUTPUT_NONE },
	{ "elsewhere", "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", "",
		"the generator answered 302", DH_OUTPUT_NONE },
};

static void test_answer(const void *arg)
{
	const struct answer *row = arg;
	struct service service = { .answer = row->answer, .after = "Hello, " };
	struct run now;

	start_service(&service);
	start(service.url);
	now = finish();
	end_service(&service);
	CHECK_STR(now.written, row->written);
	CHECK_STR(now.error, row->error);
	CHECK_INT(now.what, row->what);
}

/* Its own words are cut, and are no more than a line. */
static void test_long_words(void)
{
	char *words = g_strnfill(5000, 'y');
	char *answer = g_strdup_printf("HTTP/1.1 500 Oh\r\n\r\n%s", words);
	struct service service = { .answer = answer, .after = "Hello, " };
	struct run now;

	start_service(&service);
	start(service.url);
	now = finish();
	end_service(&service);
	CHECK(strlen(now.error) < 420, "%zu", strlen(now.error));
	CHECK(strstr(now.error, "answered 500: yyy"), "%s", now.error);
	g_free(answer);
	g_free(words);
}

static void test_request(void)
{
	struct service service = { .answer = OK "Content-Length: 1\r\n\r\nx", .after = "Hello, " };

	start_service(&service);
	start(service.url);
	finish();
	end_service(&service);
	CHECK(g_str_has_prefix(service.request, "POST /say HTTP/1.1\r\n"), "%s", service.request);
	CHECK(strstr(service.request, "\r\nContent-Type: text/plain; charset=utf-8\r\n"), "%s", service.request);
	CHECK(strstr(service.request, "\r\nContent-Length: 7\r\n"), "%s", service.request);
	CHECK(strstr(service.request, "\r\nX-Dh-Room: 1\r\n"), "%s", service.request);
	CHECK(strstr(service.request, "\r\nX-Dh-Segment: s%0D%0AX-Evil: 1\r\n"), "%s", service.request);
	CHECK(strstr(service.request, "\r\nX-Dh-Voice: d%C3%A9:100%25\r\n"), "%s", service.request);
	CHECK(strstr(service.request, "\r\nX-Dh-Metadata: {\"a\":\"\\u00e9\"}\r\n"), "%s", service.request);
	CHECK(strstr(service.request, "\r\nX-Dh-Clip: a b.mp4\r\n"), "%s", service.request);
	CHECK(strstr(service.request, "\r\nX-Dh-Position-Ms: 1241\r\n"), "%s", service.request);
	/* 256 bytes in Base64 */
	const char *luma = strstr(service.request, "\r\nX-Dh-Thumbnail: AQIDAAAA");
	CHECK(luma && strspn(luma + 18, "AQID") == 342 && g_str_has_prefix(luma + 18 + 342, "==\r\n"), "%s",
		service.request);
	CHECK(strstr(service.request, "\r\nAuthorization: Basic "), "%s", service.request);
	CHECK(!strstr(service.request, "Expect:"), "%s", service.request);
	CHECK(g_str_has_suffix(service.request, "\r\n\r\nHello, "), "%s", service.request);
}

/* The text reaches the service while it is being written. */
static void test_open_text(void)
{
	struct service service = { .answer = OK "Content-Length: 1\r\n\r\nx", .after = "0\r\n\r\n" };
	struct run now;

	run.is_text_open = true;
	start_service(&service);
	start(service.url);
	AWAIT(has_come(&service, "Hello, ")); /* only this text has been given */
	CHECK(!has_come(&service, "world"));
	dh_io_call(io, add_last, (char *)"world.");
	now = finish();
	end_service(&service);
	CHECK_STR(now.error, "");
	CHECK(strstr(service.request, "\r\nTransfer-Encoding: chunked\r\n"), "%s", service.request);
	CHECK(strstr(service.request, "\r\n7\r\nHello, \r\n6\r\nworld.\r\n0\r\n\r\n"), "%s", service.request);
}

/* A second of silence is too much, once all is said to it. */
static void test_silent(void)
{
	struct service service = { .answer = OK "Content-Length: 9\r\n\r\nme", .after = "Hello, ", .is_kept = true };
	struct run now;

	run.is_text_open = true;
	config.silence_s = 1;
	start_service(&service);
	start(service.url);
	AWAIT(look().length == 2);
	dh_io_call(io, add_last, (char *)"world.");
	now = finish();
	config.silence_s = 60;
	end_service(&service);
	CHECK_STR(now.written, "me");
	CHECK_STR(now.error, "the generator sent nothing for 1 s");
	CHECK_INT(now.what, DH_OUTPUT_SILENT);
}

/* There is nothing to send, so its time begins at once. */
static void test_silent_about_an_empty_file(void)
{
	struct service service = { .answer = OK "Content-Length: 9\r\n\r\n", .after = "\r\n\r\n", .is_kept = true };
	struct run now;
	int audio = memfd_create("audio", MFD_CLOEXEC);

	CHECK(audio > 0);
	run.audio = audio;
	config.silence_s = 1;
	start_service(&service);
	start(service.url);
	now = finish();
	config.silence_s = 60;
	end_service(&service);
	close(audio);
	CHECK_STR(now.error, "the generator sent nothing for 1 s");
	CHECK_INT(now.what, DH_OUTPUT_MUTE);
}

/* More than the sockets between the two hold. */
#define LARGE_BYTES (32 << 20)

static void start_with_large_file(const struct service *service, int silence_s)
{
	run.audio = memfd_create("audio", MFD_CLOEXEC);
	CHECK(run.audio > 0);
	CHECK_INT(ftruncate(run.audio, LARGE_BYTES), 0);
	config.silence_s = silence_s;
	start(service->url);
	close(run.audio);
}

/* Nor does one that reads no further answer. */
static void test_silent_while_it_is_asked(void)
{
	struct service service = { .answer = "", .after = "\r\n\r\n", .is_kept = true };
	struct run now;

	config.max_s = 20;
	start_service(&service);
	start_with_large_file(&service, 1);
	now = finish();
	config.max_s = config.silence_s = 60;
	end_service(&service);
	CHECK_STR(now.error, "the generator sent nothing for 1 s");
	CHECK_INT(now.what, DH_OUTPUT_MUTE);
}

#define SLOW_S 3

/* Takes longer over the request than it may be silent. */
static void *read_slowly(void *arg)
{
	static const char answer[] = OK "Content-Length: 1\r\n\r\nx";
	struct service *service = arg;
	char bytes[16384];
	size_t done = 0;

	service->connection = accept(service->listener, NULL, NULL);
	while (done < LARGE_BYTES) {
		ssize_t n = read(service->connection, bytes, sizeof bytes);
		if (n <= 0)
			return NULL;
		done += (size_t)n;
		usleep(2 * SLOW_S * 1000000 / (LARGE_BYTES / sizeof bytes));
	}
	if (send(service->connection, answer, strlen(answer), MSG_NOSIGNAL) < 0)
		perror("send");
	return NULL;
}

static void test_slow_reader(void)
{
	struct service service = { .is_kept = true };
	struct run now;

	listen_on(&service);
	pthread_mutex_init(&service.lock, NULL);
	CHECK_INT(pthread_create(&service.thread, NULL, read_slowly, &service), 0);
	start_with_large_file(&service, SLOW_S);
	now = finish();
	config.silence_s = 60;
	end_service(&service);
	CHECK_STR(now.error, "");
	CHECK_STR(now.written, "x");
}

/* Nobody listens there; and no name has so long a part, so that nobody has to be asked. */
static void test_unreachable(void)
{
	struct service service;
	struct run now;

	memset(&service, 0, sizeof service);
	listen_on(&service);
	close(service.listener);
	start(service.url);
	now = finish();
	CHECK_STR(now.error, "the generator cannot be reached: connection refused");
	CHECK_INT(now.what, DH_OUTPUT_NONE);
	start("http://abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijkl.invalid/");
	now = finish();
	CHECK_STR(now.error, "the generator cannot be reached: its name could not be resolved");
	CHECK_INT(now.what, DH_OUTPUT_NONE);
}

/* Neither text nor url nor voice can be read in the command line. */
static void test_secrets(void)
{
	struct service service = { .answer = OK "\r\nx", .after = "Hello, ", .is_kept = true };
	char *found = NULL;

	start_service(&service);
	start(service.url);
	AWAIT(look().length > 0);
	char *script = g_strdup_printf("cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' ' | grep -c '[s]ecret%s'",
		strchr(service.url, '@'));
	char *find[] = { (char *)"sh", (char *)"-c", script, NULL };
	g_spawn_sync(NULL, find, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, &found, NULL, NULL, NULL);
	CHECK_INT(atoi(found), 0);
	g_free(found);
	g_free(script);
	pthread_join(service.thread, NULL);
	close(service.connection);
	close(service.listener);
	finish();
}

static const struct check_test tests[] = {
	TABLE(test_answer, answers),
	TEST(test_long_words),
	TEST(test_request),
	TEST(test_open_text),
	TEST(test_silent),
	TEST(test_silent_about_an_empty_file),
	TEST(test_silent_while_it_is_asked),
	TEST(test_slow_reader),
	TEST(test_unreachable),
	TEST(test_secrets),
};

int main(int argc, char **argv)
{
	char *program = g_file_read_link("/proc/self/exe", NULL);
	char *folder = g_path_get_dirname(program);
	int status;

	scope = g_build_filename(folder, "..", "..", "dh-scope", NULL);
	fetch = g_build_filename(folder, "..", "..", "dh-fetch", NULL);
	status = CHECK_MAIN(argc, argv, tests);
	g_free(scope);
	g_free(fetch);
	g_free(folder);
	g_free(program);
	return status;
}
