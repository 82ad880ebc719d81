/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The plugin's configuration files: whatever they contain, Janus starts, the log says
 * what is wrong, and no contents are lost. */
#include "tests/support/plugin_fixture.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include <glib/gstdio.h>

#define CONFIG "janus.plugin.digitalhuman.jcfg"
#define ROOMS  "janus.plugin.digitalhuman.rooms.jcfg"

/* A fixture whose files a test can write before the plugin starts. */
struct place {
	struct plugin_files files;
	char path[200]; /* the name of the file under test */
};

static void place_open(struct place *place, const char *name)
{
	gateway_stop();
	CHECK_INT(plugin_files_make(&place->files, NULL, "warm_workers = 0\n"), 0);
	snprintf(place->path, sizeof place->path, "%s/%s", place->files.folder, name);
}

static int place_start(const struct place *place)
{
	const struct gateway_options options = { .is_loud = getenv("DH_LOUD") != NULL };

	return gateway_start(place->files.folder, &options);
}

static void place_close(struct place *place)
{
	gateway_stop();
	plugin_files_clear(&place->files);
}

static void put(const struct place *place, const char *text)
{
	CHECK(g_file_set_contents(place->path, text, -1, NULL));
}

static int create(int id)
{
	return code_of(gateway_ask_admin(json_pack("{s:s, s:s, s:i, s:s, s:b, s:s}", "request", "create", "avatar",
		FILES_AVATAR, "id", id, "secret", FILES_SECRET, "permanent", 1, "admin_key", FILES_ADMIN_KEY)));
}

static int info(int id)
{
	return code_of(gateway_ask_admin(json_pack("{s:s, s:i}", "request", "info", "id", id)));
}

/* --- what is no file */

static void make_folder(const char *path)
{
	CHECK_INT(mkdir(path, 0700), 0);
}

static void make_fifo(const char *path)
{
	CHECK_INT(mkfifo(path, 0600), 0);
}

static void make_huge(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	CHECK_INT(ftruncate(fd, (16 << 20) + 1), 0);
	close(fd);
}

static void make_device(const char *path)
{
	CHECK_INT(symlink("/dev/zero", path), 0);
}

static const struct oddity {
	const char *name;
	void (*make)(const char *path);
	const char *logged;
} oddities[] = {
	{ "a folder", make_folder, "no regular file" },
	{ "a FIFO", make_fifo, "no regular file" },
	{ "a device", make_device, "no regular file" },
	{ "16 MiB", make_huge, "larger than 16 MiB" },
};

static void test_odd_rooms_file(const void *arg)
{
	const struct oddity *oddity = arg;
	struct place place;
	char words[300];

	place_open(&place, ROOMS);
	oddity->make(place.path);
	CHECK_INT(place_start(&place), 0);
	snprintf(words, sizeof words, ROOMS " cannot be read: it is %s", oddity->logged);
	CHECK_INT(gateway_logged(words), 1);
	CHECK_INT(info(1), 455); /* nobody knows what the file says of it */
	CHECK_INT(create(50), 467);
	CHECK_INT(info(50), 455);
	place_close(&place);
}

static void test_odd_configuration(const void *arg)
{
	const struct oddity *oddity = arg;
	struct place place;
	char words[300];

	place_open(&place, CONFIG);
	CHECK_INT(unlink(place.path), 0);
	oddity->make(place.path);
	CHECK_INT(place_start(&place), -1);
	snprintf(words, sizeof words, CONFIG " cannot be read: it is %s", oddity->logged);
	CHECK_INT(gateway_logged(words), 1);
	place_close(&place);
}

/* --- what is wrong in it */

#define RECORD(name, id) "room-" name ": { id = " id "; avatar = \"" FILES_AVATAR "\" }\n"

static const struct mistake {
	const char *name, *text, *logged;
} mistakes[] = {
	{ "two of one id", RECORD("1", "70") RECORD("2", "70"), ROOMS ": room-2: id: another room has it" },
	{ "an unknown option", "room-1: { id = 70; avatar = \"" FILES_AVATAR "\"; colour = \"red\" }\n",
		ROOMS ": room-1: colour: there is no such option" },
	{ "an unknown category", RECORD("1", "70") "avatar-x: { width = 3 }\n",
		ROOMS ": avatar-x: category: there is no such category" },
	{ "a stray item", "id = 70\n", ROOMS ": id: category: there is no such category" },
	{ "nonsense", "room-1: {\n", ROOMS " cannot be read: it is no configuration" },
	{ "an id that is none", RECORD("1", "\"seven\""), ROOMS ": room-1: id: an integer" },
};

static void test_a_mistake_is_logged_and_can_be_mended(const void *arg)
{
	const struct mistake *mistake = arg;
	struct place place;
	char *text = NULL;

	place_open(&place, ROOMS);
	put(&place, mistake->text);
	CHECK_INT(place_start(&place), 0);
	CHECK_INT(gateway_logged(mistake->logged), 1);
	CHECK_INT(gateway_logged(CONFIG ": room-"), 0);
	CHECK_INT(create(50), 467);
	CHECK(g_file_get_contents(place.path, &text, NULL, NULL));
	CHECK_STR(text, mistake->text);
	g_free(text);
	put(&place, RECORD("1", "70"));
	CHECK_INT(create(50), 0);
	CHECK_INT(gateway_logged(ROOMS " has been changed, and is read again"), 1);
	gateway_stop();
	CHECK_INT(place_start(&place), 0);
	CHECK_INT(info(50), 0);
	CHECK_INT(info(70), 0);
	place_close(&place);
}

static const struct voiceless {
	const char *name, *options;
	int is_warned_of;
} voiceless[] = {
	{ "a voice, and none to choose from", "command = (\"/bin/cat\", \"--voice={voice}\")", 1 },
	{ "a voice, and one", "command = (\"/bin/cat\", \"--voice={voice}\"); voices = (\"en\")", 0 },
	{ "no voice", "command = (\"/bin/cat\")", 0 },
	{ "a service", "url = (\"http://127.0.0.1:1/{voice}\")", 0 },
};

static void test_a_command_that_wants_a_voice(const void *arg)
{
	const struct voiceless *row = arg;
	struct place place;
	char *text = NULL;

	place_open(&place, CONFIG);
	CHECK(g_file_get_contents(place.path, &text, NULL, NULL));
	char *more = g_strdup_printf("%sgenerator-mute: { %s }\n", text, row->options);
	put(&place, more);
	CHECK_INT(place_start(&place), 0);
	CHECK_INT(gateway_logged(CONFIG ": generator-mute: {voice} in its command stays as it is: it has no voices"),
		row->is_warned_of);
	g_free(more);
	g_free(text);
	place_close(&place);
}

/* Changes that somebody else makes while the plugin runs are not overwritten, and our own
 * are not mistaken for somebody else's. */
static void test_changed_by_somebody_else(void)
{
	struct place place;

	place_open(&place, ROOMS);
	CHECK_INT(place_start(&place), 0);
	CHECK_INT(create(50), 0);
	CHECK_INT(create(51), 0);
	CHECK_INT(gateway_logged("is read again"), 0);
	put(&place, RECORD("1", "70"));
	CHECK_INT(create(52), 0);
	CHECK_INT(gateway_logged("is read again"), 1);
	gateway_stop();
	CHECK_INT(place_start(&place), 0);
	CHECK_INT(info(70), 0);
	CHECK_INT(info(52), 0);
	CHECK_INT(info(50), 455);
	place_close(&place);
}

/* --- what is left of a process that was killed */

static void test_remains_are_removed(void)
{
	static const struct {
		const char *name;
		int is_ours;
	} left[] = {
		{ ".new-a1B2c3", 1 },
		{ ".backup", 0 },
		{ ".new-", 0 },
		{ ".new-a1B2c3d", 0 },
		{ "", 0 },
		{ "x.new-a1B2c3", 0 },
	};
	struct place place;
	char path[300];

	place_open(&place, ROOMS);
	for (size_t i = 0; i < G_N_ELEMENTS(left); i++) {
		snprintf(path, sizeof path, "%s%s", place.path, left[i].name);
		CHECK(g_file_set_contents(path, RECORD("1", "70"), -1, NULL));
	}
	CHECK_INT(place_start(&place), 0);
	for (size_t i = 0; i < G_N_ELEMENTS(left); i++) {
		snprintf(path, sizeof path, "%s%s", place.path, left[i].name);
		CHECK(access(path, F_OK) == (left[i].is_ours ? -1 : 0), "%s", path);
	}
	place_close(&place);
}

/* Written under a temporary name, which is removed; only we may read it. */
static void test_mode(void)
{
	struct place place;
	struct stat st;

	place_open(&place, ROOMS);
	CHECK_INT(place_start(&place), 0);
	CHECK_INT(create(50), 0);
	CHECK_INT(stat(place.path, &st), 0);
	CHECK_INT(st.st_mode & 0777, 0600);
	CHECK_INT(chmod(place.path, 0640), 0);
	CHECK_INT(create(51), 0);
	CHECK_INT(stat(place.path, &st), 0);
	CHECK_INT(st.st_mode & 0777, 0640);
	place_close(&place);
}

static void test_not_writable(void)
{
	struct place place;
	char away[300];

	place_open(&place, ROOMS);
	CHECK_INT(place_start(&place), 0);
	snprintf(away, sizeof away, "%s-away", place.files.folder);
	CHECK_INT(g_rename(place.files.folder, away), 0);
	CHECK_INT(create(50), 467);
	CHECK_INT(gateway_logged(ROOMS " cannot be written: "), 1);
	CHECK_INT(info(50), 455);
	CHECK_INT(g_rename(away, place.files.folder), 0);
	CHECK_INT(create(50), 0);
	place_close(&place);
}

/* --- the disk */

static atomic_int holds_disk, waits_for_disk;

int __real_fsync(int fd);
int __wrap_fsync(int fd);

int __wrap_fsync(int fd)
{
	atomic_fetch_add(&waits_for_disk, 1);
	while (atomic_load(&holds_disk))
		usleep(1000);
	atomic_fetch_sub(&waits_for_disk, 1);
	return __real_fsync(fd);
}

static gpointer create_permanent(gpointer handle)
{
	json_t *answer = ASK(handle, "{s:s, s:i, s:s, s:b, s:s}", "request", "create", "id", 77, "avatar", FILES_AVATAR,
		"permanent", 1, "admin_key", FILES_ADMIN_KEY);

	return GINT_TO_POINTER(code_of(answer));
}

/* While a permanent change waits for a disk, whoever looks is answered. */
static void test_a_disk_delays_nobody_who_looks(void)
{
	struct gateway_handle *handles[2];
	struct plugin_fixture fixture;
	json_t *info, *list;

	plugin_fixture_open(&fixture, NULL);
	attach_all(handles, 2, NULL);
	atomic_store(&holds_disk, 1);
	GThread *changing = g_thread_new("changing", create_permanent, handles[0]);
	while (!atomic_load(&waits_for_disk))
		usleep(1000);
	info = ASK(handles[1], "{s:s, s:i, s:s}", "request", "info", "id", 1, "secret", FILES_SECRET);
	list = ASK(handles[1], "{s:s, s:s}", "request", "list", "admin_key", FILES_ADMIN_KEY);
	CHECK(atomic_load(&waits_for_disk) > 0); /* still */
	CHECK(json_is_false(json_object_get(json_object_get(info, "info"), "permanent")));
	CHECK_INT(code_of(info), 0);
	CHECK_INT(code_of(list), 0);
	atomic_store(&holds_disk, 0);
	CHECK_INT(GPOINTER_TO_INT(g_thread_join(changing)), 0);
	info = ASK(handles[1], "{s:s, s:i, s:s}", "request", "info", "id", 77, "admin_key", FILES_ADMIN_KEY);
	CHECK(json_is_true(json_object_get(json_object_get(info, "info"), "permanent")));
	CHECK_INT(code_of(info), 0);
	detach_all(handles, 2);
	plugin_fixture_close(&fixture);
}

static const struct check_test tests[] = {
	TABLE(test_odd_rooms_file, oddities),
	TABLE(test_odd_configuration, oddities),
	TABLE(test_a_mistake_is_logged_and_can_be_mended, mistakes),
	TABLE(test_a_command_that_wants_a_voice, voiceless),
	TEST(test_changed_by_somebody_else),
	TEST(test_remains_are_removed),
	TEST(test_mode),
	TEST(test_not_writable),
	TEST(test_a_disk_delays_nobody_who_looks),
};

PREPARATION_MAIN(tests)
