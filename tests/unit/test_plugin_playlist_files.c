/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a playlist does when a file, or the folder with it, cannot be had: for good, or for a while.
 *
 * Finding a file fails as the test says, and the player's clock is hurried: it skips the time in which it would wait.
 */
#include "tests/support/plugin_fixture.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "ingest/ingest.h"

#define ROOM  50
#define PLACE "{\"50\":{\"seed\":1,\"round\":0,\"at\":1,\"file\":\"shows/b.dhs\",\"at_ms\":2000}}"

#define TWENTY_TRIES_US (100 * G_USEC_PER_SEC) /* of the sixty after which a place is given up */

static struct plugin_fixture fixture;

/* --- files that cannot be found; protected by lock */

#define FAULTY "shows/a.dhs"
/* One plays, and one is ahead of it, before it is its turn again. */
#define HAVE_FAULTY "{\"items\":[\"" FAULTY "\",\"shows/b.dhs\",\"long.dhs\"]}"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int fault; /* of FAULTY; 0: none */
static int tries; /* to find it */

int __real_dh_ingest_find(struct dh_ingest *ingest, char *const *folders, const char *path,
	struct dh_ingest_source *source, char **error);
int __wrap_dh_ingest_find(struct dh_ingest *ingest, char *const *folders, const char *path,
	struct dh_ingest_source *source, char **error);

int __wrap_dh_ingest_find(struct dh_ingest *ingest, char *const *folders, const char *path,
	struct dh_ingest_source *source, char **error)
{
	int err = 0;

	pthread_mutex_lock(&lock);
	if (!strcmp(path, FAULTY)) {
		err = fault;
		tries++;
	}
	pthread_mutex_unlock(&lock);
	if (!err)
		return __real_dh_ingest_find(ingest, folders, path, source, error);
	*error = g_strdup_printf("%s fails: %s", path, g_strerror(-err));
	return err;
}

static void set_fault(int err)
{
	pthread_mutex_lock(&lock);
	fault = err;
	tries = 0;
	pthread_mutex_unlock(&lock);
}

static int count_tries(void)
{
	pthread_mutex_lock(&lock);
	int count = tries;
	pthread_mutex_unlock(&lock);
	return count;
}

/* --- the player's clock */

static _Thread_local int64_t ahead_us;               /* of the true one */
static _Atomic int64_t ahead_max_us = INT64_MAX / 2; /* there it goes like the true one … */
static atomic_int is_far_ahead;                      /* … since it is there */

gint64 __real_g_get_monotonic_time(void);
gint64 __wrap_g_get_monotonic_time(void);
gpointer __real_g_async_queue_timeout_pop(GAsyncQueue *queue, guint64 timeout_us);
gpointer __wrap_g_async_queue_timeout_pop(GAsyncQueue *queue, guint64 timeout_us);

gint64 __wrap_g_get_monotonic_time(void)
{
	return __real_g_get_monotonic_time() + ahead_us;
}

static void hurry(int64_t max_us)
{
	atomic_store(&is_far_ahead, 0);
	atomic_store(&ahead_max_us, max_us);
}

/* A second passes in five milliseconds. */
gpointer __wrap_g_async_queue_timeout_pop(GAsyncQueue *queue, guint64 timeout_us)
{
	char name[16] = "";

	pthread_getname_np(pthread_self(), name, sizeof name);
	if (!strcmp(name, "dh playlist") && ahead_us >= atomic_load(&ahead_max_us)) {
		atomic_store(&is_far_ahead, 1);
		return __real_g_async_queue_timeout_pop(queue, MIN(timeout_us, 5000));
	}
	if (strcmp(name, "dh playlist"))
		return __real_g_async_queue_timeout_pop(queue, timeout_us);
	gpointer data = __real_g_async_queue_timeout_pop(queue, timeout_us / 200);
	if (!data)
		ahead_us += (int64_t)timeout_us;
	return data;
}

/* --- a room with a playlist */

static json_t *ask(const char *request, json_t *fields)
{
	json_t *body = json_pack("{s:s, s:i, s:s, s:s, s:b}", "request", request, "id", ROOM, "secret", FILES_SECRET,
		"admin_key", FILES_ADMIN_KEY, "permanent", 1);

	json_object_update(body, fields);
	json_decref(fields);
	return gateway_ask_admin(body);
}

/* "shows/" has two files, of a second and of ten. */
static void begin(const char *general, const char *items, bool repeat)
{
	char folder[100];

	plugin_fixture_open(&fixture, general);
	snprintf(folder, sizeof folder, "%s/segments/shows", fixture.files.folder);
	CHECK_INT(mkdir(folder, 0700), 0);
	CHECK_INT(plugin_files_prepare(&fixture.files, "segments/shows/a.dhs", 25), 0);
	CHECK_INT(plugin_files_prepare(&fixture.files, "segments/shows/b.dhs", 250), 0);
	CHECK_INT(code_of(ask("create", json_pack("{s:s}", "avatar", FILES_AVATAR))), 0);
	CHECK_INT(code_of(ask("playlist",
			  json_pack("{s:o, s:b}", "items", json_loads(items, 0, NULL), "repeat", repeat))),
		0);
}

/* After gateway_stop. */
static void restart(const char *position)
{
	const struct gateway_options options = { .is_loud = getenv("DH_LOUD") != NULL, .is_signed = 1 };

	CHECK_INT(plugin_files_file(&fixture.files, "janus.plugin.digitalhuman.playlists.json", position,
			  strlen(position)),
		0);
	CHECK_INT(gateway_start(fixture.files.folder, &options), 0);
}

static void move_folder(const char *from, const char *to)
{
	char *old = g_build_filename(fixture.files.folder, "segments", from, NULL);
	char *new = g_build_filename(fixture.files.folder, "segments", to, NULL);

	CHECK_INT(rename(old, new), 0);
	g_free(old);
	g_free(new);
}

/* Where it is: the file (valid until the next call; "": nothing has begun), and the time in it. */
static const char *where(int *at_ms)
{
	static char file[100];
	json_t *answer = ask("playlist", json_object());
	const char *name = json_string_value(json_object_get(answer, "file"));

	g_strlcpy(file, name ? name : "", sizeof file);
	*at_ms = (int)json_integer_value(json_object_get(answer, "at_ms"));
	json_decref(answer);
	return file;
}

static void await_file(const char *file)
{
	double end = now_ms() + AWAIT_S * 1e3;
	int at_ms;

	while (strcmp(where(&at_ms), file) && now_ms() < end)
		usleep(2000);
	CHECK_STR(where(&at_ms), file);
}

static void await_tries(int count)
{
	double end = now_ms() + AWAIT_S * 1e3;

	while (count_tries() < count && now_ms() < end)
		usleep(2000);
	CHECK(count_tries() >= count, "it is tried %d times, not %d", count_tries(), count);
}

/* --- files */

struct large_row {
	const char *name, *format; /* of the playlist's items; "%H:%M" is now, or in the next minute */
};

static const struct large_row large_rows[] = {
	{ "in turn", "[\"large.dhs\",\"short.dhs\"]" },
	{ "at its time", "[\"%H:%M large.dhs\",\"short.dhs\"]" },
};

static void test_a_file_that_is_too_large(const void *arg)
{
	const struct large_row *row = arg;
	char *path, items[100];
	time_t now = time(NULL);
	struct tm local;

	set_fault(0);
	localtime_r(&now, &local);
	strftime(items, sizeof items, row->format, &local);
	begin("  max_file_mb = 1\n", "[\"mute.dhs\"]", true);
	path = g_build_filename(fixture.files.folder, "segments/large.dhs", NULL);
	CHECK_INT(plugin_files_file(&fixture.files, "segments/large.dhs", "x", 1), 0);
	CHECK_INT(truncate(path, (1 << 20) + 1), 0);
	CHECK_INT(code_of(ask("playlist", json_pack("{s:o}", "items", json_loads(items, 0, NULL)))), 0);
	await_file("short.dhs");
	CHECK(gateway_logged("max_file_mb") > 0 || time(NULL) / 60 != now / 60);
	g_free(path);
	plugin_fixture_close(&fixture);
}

/* How often a file is tried before the next one is played; 0: until it can be had. */
struct error_row {
	const char *name;
	int err, tries;
	bool is_restored; /* it is where the playlist was before Janus began */
};

static const struct error_row error_rows[] = {
	{ "it is too large", -EFBIG, 1, false },
	{ "it is not there", -ENOENT, 1, false },
	{ "it may not be read", -EACCES, 1, false },
	{ "it is a folder", -EISDIR, 1, false },
	{ "its disk fails", -EIO, 12, false },
	{ "its file system does not answer", -ETIMEDOUT, 12, false },
	{ "its server is gone", -ESTALE, 12, false },
	{ "its file system is given up", -EHOSTDOWN, 12, false },
	{ "its file system is busy", -ENOBUFS, 12, false },
	{ "too many files are open", -EMFILE, 0, false },
	{ "it was too large before, too", -EFBIG, 1, true },
	{ "it is no more, but its folder is", -ENOENT, 1, true },
	{ "its disk fails at the beginning", -EIO, 60, true },
	{ "its file system does not answer at the beginning", -ETIMEDOUT, 60, true },
	{ "too many files are open at the beginning", -EMFILE, 0, true },
};

static void test_a_file_that_cannot_be_had(const void *arg)
{
	const struct error_row *row = arg;

	set_fault(0);
	begin(NULL, "[\"mute.dhs\"]", true);
	if (row->is_restored) {
		CHECK_INT(code_of(ask("playlist", json_loads(HAVE_FAULTY, 0, NULL))), 0);
		gateway_stop();
		set_fault(row->err);
		restart("{\"50\":{\"seed\":1,\"round\":0,\"at\":0,\"file\":\"" FAULTY "\",\"at_ms\":400}}");
	} else {
		set_fault(row->err);
		CHECK_INT(code_of(ask("playlist", json_loads(HAVE_FAULTY, 0, NULL))), 0);
	}
	if (row->tries) {
		await_file("shows/b.dhs");
		CHECK_INT(count_tries(), row->tries);
	} else {
		await_tries(100);
		set_fault(0);
		await_file(FAULTY);
	}
	set_fault(0);
	plugin_fixture_close(&fixture);
}

/* --- folders */

struct folder_row {
	const char *name, *items;
};

static const struct folder_row folder_rows[] = {
	{ "a folder", "[\"shows/\"]" },
	{ "files", "[\"shows/a.dhs\",\"shows/b.dhs\"]" },
	{ "a folder and a file", "[\"shows/\",\"short.dhs\"]" },
};

/* The file system with it is not mounted yet when Janus begins. */
static void test_a_place_whose_folder_is_away(const void *arg)
{
	const struct folder_row *row = arg;
	int at_ms;

	set_fault(0);
	begin(NULL, row->items, false);
	gateway_stop();
	move_folder("shows", "away");
	hurry(TWENTY_TRIES_US);
	restart(PLACE);
	do {
		CHECK_STR(where(&at_ms), "shows/b.dhs");
		CHECK_INT(at_ms, 2000);
		usleep(2000);
	} while (!atomic_load(&is_far_ahead));
	move_folder("away", "shows");
	hurry(INT64_MAX / 2);
	double end = now_ms() + AWAIT_S * 1e3;
	do {
		CHECK_STR(where(&at_ms), "shows/b.dhs");
		CHECK(at_ms >= 1500, "%d ms", at_ms);
		usleep(2000);
	} while (at_ms < 3000 && now_ms() < end);
	CHECK(at_ms >= 3000, "%d ms", at_ms);
	plugin_fixture_close(&fixture);
}

/* Each time that it changes. */
static void test_a_folder_that_cannot_be_read_is_said_once(void)
{
	set_fault(0);
	begin(NULL, "[\"gone/\",\"nothing/\"]", true);
	usleep(500 * 1000);
	CHECK_INT(gateway_logged("playlist: gone/: "), 1);
	CHECK_INT(gateway_logged("playlist: nothing/: "), 1);
	move_folder("shows", "gone");
	await_file("gone/a.dhs");
	move_folder("gone", "shows");
	for (double end = now_ms() + AWAIT_S * 1e3; now_ms() < end && gateway_logged("playlist: gone/: ") < 2;)
		usleep(2000);
	usleep(500 * 1000);
	CHECK_INT(gateway_logged("playlist: gone/: "), 2);
	CHECK_INT(gateway_logged("playlist: nothing/: "), 1);
	plugin_fixture_close(&fixture);
}

static const struct check_test tests[] = {
	TABLE(test_a_file_that_is_too_large, large_rows),
	TABLE(test_a_file_that_cannot_be_had, error_rows),
	TABLE(test_a_place_whose_folder_is_away, folder_rows),
	TEST(test_a_folder_that_cannot_be_read_is_said_once),
};

PREPARATION_MAIN(tests)
