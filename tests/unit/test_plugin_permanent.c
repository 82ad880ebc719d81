/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Requests with "permanent" that fail, some of them when the file of permanent rooms has been written already: it says
 * what it said before. How many rooms it takes, and which rooms come up when it cannot be read. */
#include "tests/support/plugin_fixture.h"

#include <stdatomic.h>
#include <unistd.h>

#include "playout/playout.h"
#include "plugin/request.h"
#include "rooms/room.h"

#define KEY       "MTIzNDU2Nzg5MGFiY2RlZmdoaWprbG1ub3BxcnN0"
#define ROOM_FILE "janus.plugin.digitalhuman.rooms.jcfg"

static struct plugin_fixture fixture;

/* --- what fails */

static enum fault { NOTHING, FORWARD, ROOM, STOP, STOPPED_MEANWHILE } fault;
static atomic_bool is_unreadable; /* the file of permanent rooms */

int __real_dh_playout_add_viewer(struct dh_playout *playout, const struct dh_continuity_seed *seed,
	const struct dh_viewer_way *way, void *user, struct dh_viewer **viewer);
int __wrap_dh_playout_add_viewer(struct dh_playout *playout, const struct dh_continuity_seed *seed,
	const struct dh_viewer_way *way, void *user, struct dh_viewer **viewer);
int __real_dh_room_alloc(struct dh_room **room, const struct dh_room_context *context,
	const struct dh_room_facts *facts, struct dh_settings *settings);
int __wrap_dh_room_alloc(struct dh_room **room, const struct dh_room_context *context,
	const struct dh_room_facts *facts, struct dh_settings *settings);
int __real_dh_room_stop_rtp_forward(struct dh_room *room, guint id, json_t *record);
gboolean __real_g_file_get_contents(const char *path, char **text, gsize *size, GError **error);
gboolean __wrap_g_file_get_contents(const char *path, char **text, gsize *size, GError **error);
int __wrap_dh_room_stop_rtp_forward(struct dh_room *room, guint id, json_t *record);

int __wrap_dh_playout_add_viewer(struct dh_playout *playout, const struct dh_continuity_seed *seed,
	const struct dh_viewer_way *way, void *user, struct dh_viewer **viewer)
{
	return fault == FORWARD ? -ENOMEM : __real_dh_playout_add_viewer(playout, seed, way, user, viewer);
}

int __wrap_dh_room_alloc(struct dh_room **room, const struct dh_room_context *context,
	const struct dh_room_facts *facts, struct dh_settings *settings)
{
	*room = NULL;
	return fault == ROOM ? -EAGAIN : __real_dh_room_alloc(room, context, facts, settings);
}

int __wrap_dh_room_stop_rtp_forward(struct dh_room *room, guint id, json_t *record)
{
	if (fault == STOP)
		return -ETIMEDOUT;
	if (fault == STOPPED_MEANWHILE)
		CHECK_INT(__real_dh_room_stop_rtp_forward(room, id, NULL), 0);
	return __real_dh_room_stop_rtp_forward(room, id, record);
}

gboolean __wrap_g_file_get_contents(const char *path, char **text, gsize *size, GError **error)
{
	if (atomic_load(&is_unreadable) && g_str_has_suffix(path, "/" ROOM_FILE)) {
		g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_IO, "the disk has a fault");
		return FALSE;
	}
	return __real_g_file_get_contents(path, text, size, error);
}

/* --- requests */

static void restart(void)
{
	struct gateway_options options = { .is_loud = getenv("DH_LOUD") != NULL, .forbidden = FILES_SECRET };

	gateway_stop();
	CHECK_INT(gateway_start(fixture.files.folder, &options), 0);
}

/* `fields` (takes ownership; NULL: none). */
static json_t *ask(int id, const char *request, json_t *fields)
{
	json_t *body = json_pack("{s:s, s:i, s:s, s:s}", "request", request, "id", id, "secret", FILES_SECRET,
		"admin_key", FILES_ADMIN_KEY);

	if (fields)
		json_object_update(body, fields);
	json_decref(fields);
	return gateway_ask_admin(body);
}

static int create(int id, bool is_permanent)
{
	return code_of(ask(id, "create",
		json_pack("{s:s, s:b, s:s}", "avatar", FILES_AVATAR, "permanent", is_permanent, "description", "new")));
}

static int destroy(int id, bool is_permanent)
{
	return code_of(ask(id, "destroy", json_pack("{s:b}", "permanent", is_permanent)));
}

static int describe(int id, const char *description, bool is_permanent)
{
	return code_of(
		ask(id, "edit", json_pack("{s:s, s:b}", "new_description", description, "permanent", is_permanent)));
}

/* `more` (takes ownership; NULL: nothing). */
static int forward(int id, bool is_permanent, json_t *more)
{
	json_t *fields = json_pack("{s:s, s:i, s:i, s:b}", "host", "127.0.0.1", "audio_port", 9, "video_port", 9,
		"permanent", is_permanent);

	if (more)
		json_object_update(fields, more);
	json_decref(more);
	return code_of(ask(id, "rtp_forward", fields));
}

/* The number of the first stream that is forwarded; 0: none is. */
static int first_stream(int id)
{
	json_t *answer = ask(id, "listforwarders", NULL);
	json_t *first = json_array_get(json_object_get(answer, "rtp_forwarders"), 0);
	int stream = (int)json_integer_value(json_object_get(first, "stream_id"));

	json_decref(answer);
	return stream;
}

static int stop_for_good(int id, int stream)
{
	return code_of(ask(id, "stop_rtp_forward", json_pack("{s:i, s:b}", "stream_id", stream, "permanent", 1)));
}

/* What the file says of rooms. The caller's. */
static char *entries(void)
{
	char *path = g_build_filename(fixture.files.folder, ROOM_FILE, NULL), *text = NULL;

	g_file_get_contents(path, &text, NULL, NULL);
	char *rooms = g_strdup(text && strstr(text, "\nroom-") ? strstr(text, "\nroom-") : "");
	g_free(text);
	g_free(path);
	return rooms;
}

/* Frees `before`. */
static void check_entries(char *before)
{
	char *now = entries();

	CHECK_STR(now, before);
	g_free(now);
	g_free(before);
}

static void check_description(int id, const char *description)
{
	json_t *answer = ask(id, "info", NULL);

	CHECK_STR(json_string_value(json_object_get(json_object_get(answer, "info"), "description")), description);
	json_decref(answer);
}

/* --- tests */

static void make_temporary(int id)
{
	CHECK_INT(create(id, false), 0);
}

static void make_kept(int id)
{
	CHECK_INT(describe(id, "kept", true), 0);
	CHECK_INT(create(60, true), 0); /* behind it */
}

static void make_destroyed_for_good(int id)
{
	CHECK_INT(destroy(id, true), 0);
	CHECK_INT(create(id, false), 0);
}

static const struct room_kind {
	const char *name;
	int id;
	void (*make)(int id); /* NULL: it is there */
} room_kinds[] = {
	{ "of the configuration", 1, NULL },
	{ "temporary", 50, make_temporary },
	{ "in the file", 2, make_kept },
	{ "destroyed for good, and there again for now", 1, make_destroyed_for_good },
};

/* Whatever a room is, a forward that does not begin leaves it as it was, with what was edited for now. */
static void test_a_forward_that_does_not_begin(const void *arg)
{
	const struct room_kind *kind = arg;
	int id = kind->id;

	plugin_fixture_open(&fixture, "max_forwards_per_room = 2\n max_forwards = 3\n");
	if (kind->make)
		kind->make(id);
	CHECK_INT(describe(id, "for now", false), 0);
	char *before = entries();
	CHECK_INT(forward(id, true, json_pack("{s:s}", "host", "192.0.2.1")), DH_ERROR_VALUE);
	CHECK_INT(forward(id, true, json_pack("{s:i, s:s}", "srtp_suite", 80, "srtp_crypto", "short")), DH_ERROR_VALUE);
	fault = FORWARD;
	CHECK_INT(forward(id, true, json_pack("{s:i, s:s}", "srtp_suite", 80, "srtp_crypto", KEY)), DH_ERROR_INTERNAL);
	fault = NOTHING;
	CHECK_INT(first_stream(id), 0);
	for (int i = 0; i < 2; i++)
		CHECK_INT(forward(id, false, NULL), 0);
	CHECK_INT(forward(id, true, NULL), DH_ERROR_LIMIT); /* max_forwards_per_room */
	CHECK_INT(forward(3, false, NULL), 0);
	CHECK_INT(forward(id, true, NULL), DH_ERROR_LIMIT); /* max_forwards */
	check_description(id, "for now");
	check_entries(before);
	before = entries();
	CHECK_INT(create(70, true), 0); /* it can be written as before */
	CHECK_INT(destroy(70, true), 0);
	check_entries(before);
	plugin_fixture_close(&fixture);
}

/* What is not stopped for good comes again, be it that somebody else has stopped it for now. */
static void test_a_stop_that_fails(void)
{
	plugin_fixture_open(&fixture, NULL);
	CHECK_INT(forward(1, true, NULL), 0);
	int stream = first_stream(1);
	CHECK_INT(describe(1, "for now", false), 0);
	char *before = entries();
	fault = STOP;
	CHECK_INT(stop_for_good(1, stream), DH_ERROR_INTERNAL);
	CHECK_INT(first_stream(1), stream);
	fault = STOPPED_MEANWHILE;
	CHECK_INT(stop_for_good(1, stream), DH_ERROR_VALUE);
	fault = NOTHING;
	CHECK_INT(first_stream(1), stream + 1);
	check_entries(before);
	CHECK_INT(describe(1, "kept", true), 0);
	restart();
	check_description(1, "kept");
	for (int media = 0; media < 2; media++)
		CHECK_INT(stop_for_good(1, first_stream(1)), 0);
	restart();
	CHECK_INT(first_stream(1), 0);
	plugin_fixture_close(&fixture);
}

/* Of rooms that were destroyed for now: of the configuration, and in the file. */
static void test_a_creation_that_fails(void)
{
	plugin_fixture_open(&fixture, NULL);
	CHECK_INT(create(50, true), 0);
	char *before = entries();
	fault = ROOM;
	CHECK_INT(create(60, true), DH_ERROR_INTERNAL);
	for (int i = 0; i < 2; i++) {
		CHECK_INT(destroy(i ? 50 : 3, false), 0);
		CHECK_INT(create(i ? 50 : 3, true), DH_ERROR_INTERNAL);
	}
	fault = NOTHING;
	check_entries(before);
	restart();
	CHECK_INT(code_of(ask(3, "info", NULL)), 0);
	CHECK_INT(code_of(ask(50, "info", NULL)), 0);
	CHECK_INT(code_of(ask(60, "info", NULL)), DH_ERROR_NO_ROOM);
	plugin_fixture_close(&fixture);
}

/* What records that a room of the configuration was destroyed takes no room's place. Rooms that were destroyed for now
 * do. */
static void test_how_many_rooms_it_takes(void)
{
	static const int configured[] = { 1, 2, 3, 9 };

	plugin_fixture_open(&fixture, "max_rooms = 4\n");
	for (size_t i = 0; i < G_N_ELEMENTS(configured); i++)
		CHECK_INT(destroy(configured[i], true), 0);
	for (int id = 50; id < 54; id++)
		CHECK_INT(create(id, true), 0);
	CHECK_INT(destroy(50, false), 0);
	CHECK_INT(create(54, true), DH_ERROR_LIMIT);
	CHECK_INT(create(1, true), DH_ERROR_LIMIT);
	CHECK_INT(describe(53, "kept", true), 0);
	CHECK_INT(create(50, true), 0);
	CHECK_INT(destroy(51, true), 0);
	CHECK_INT(create(1, true), 0);
	CHECK_INT(gateway_logged("started: 4 rooms"), 1);
	CHECK_INT(destroy(52, true), 0);
	restart();
	CHECK_INT(gateway_logged("started: 3 rooms"), 1); /* 1, 50 and 53: neither what is configured nor the limit */
	CHECK_INT(code_of(ask(1, "info", NULL)), 0);
	CHECK_INT(code_of(ask(51, "info", NULL)), DH_ERROR_NO_ROOM);
	check_description(53, "kept");
	plugin_fixture_close(&fixture);
}

/* --- a file that cannot be read */

static char *add_half_a_room(const char *text)
{
	return g_strconcat(text, "room-9: { id = ", NULL);
}

/* Replaces `what`, which is there, in that text. */
static char *with(const char *text, const char *what, const char *instead)
{
	char **parts = g_strsplit(text, what, 2);

	CHECK_INT(g_strv_length(parts), 2);
	char *joined = g_strjoinv(instead, parts);
	g_strfreev(parts);
	return joined;
}

static char *misspell_an_option(const char *text)
{
	return with(text, "description = \"kept\"", "descrption = \"kept\"");
}

static char *misspell_a_category(const char *text)
{
	return with(text, "room-", "rom-");
}

static char *spoil_an_id(const char *text)
{
	return with(text, "id = \"3\"", "id = \"3rd\"");
}

static char *name_a_room_twice(const char *text)
{
	return g_strconcat(text, "room-20: { id = 2 avatar = \"" FILES_AVATAR "\" }\n", NULL);
}

static const struct damage {
	const char *name;
	char *(*make)(const char *text);
	bool is_of_one; /* it says nothing about rooms other than 2 */
} damages[] = {
	{ "no syntax", add_half_a_room, false },
	{ "an option of room 2", misspell_an_option, true },
	{ "a category", misspell_a_category, false },
	{ "an id", spoil_an_id, false },
	{ "room 2 twice", name_a_room_twice, true },
};

static char *room_file(void)
{
	return g_build_filename(fixture.files.folder, ROOM_FILE, NULL);
}

static void write_room_file(const char *text)
{
	char *path = room_file();

	CHECK(g_file_set_contents(path, text, -1, NULL));
	g_free(path);
}

static int find(int id)
{
	return code_of(ask(id, "info", NULL));
}

static void await_room(int id)
{
	for (int i = 0; find(id) && i < 3000; i++)
		g_usleep(10000);
	CHECK_INT(find(id), 0);
}

/* While the file cannot be read, no room comes up of which it may say otherwise than the configuration: that it has a
 * secret, or that it was destroyed. Once it can, they come up as it says. */
static void test_rooms_wait_for_a_damaged_file(const void *arg)
{
	const struct damage *damage = arg;
	char *text;

	plugin_fixture_open(&fixture, NULL);
	CHECK_INT(destroy(3, true), 0);
	CHECK_INT(describe(2, "kept", true), 0);
	CHECK_INT(create(50, true), 0);
	char *path = room_file();
	CHECK(g_file_get_contents(path, &text, NULL, NULL));
	char *damaged = damage->make(text);
	write_room_file(damaged);
	restart();
	CHECK_INT(find(2), DH_ERROR_NO_ROOM);
	CHECK_INT(find(3), DH_ERROR_NO_ROOM);
	CHECK_INT(find(1), damage->is_of_one ? 0 : DH_ERROR_NO_ROOM);
	json_t *answer = ask(2, "info", NULL);
	CHECK(strstr(json_string_value(json_object_get(answer, "error")), ROOM_FILE));
	json_decref(answer);
	CHECK(gateway_logged("waits"));
	CHECK_INT(create(2, false), DH_ERROR_CREATE);
	CHECK_INT(create(2, true), DH_ERROR_CREATE);
	CHECK_INT(create(70, true), DH_ERROR_PERMANENT);
	CHECK_INT(create(60, false), 0);
	write_room_file(text);
	await_room(2);
	check_description(2, "kept");
	await_room(1);
	await_room(50);
	CHECK_INT(find(60), 0);
	CHECK_INT(find(3), DH_ERROR_NO_ROOM);
	CHECK_INT(describe(1, "kept, too", true), 0);
	CHECK_INT(destroy(50, false), 0);
	restart();
	check_description(1, "kept, too");
	check_description(2, "kept");
	CHECK_INT(find(50), 0);
	CHECK_INT(find(3), DH_ERROR_NO_ROOM);
	g_free(damaged);
	g_free(text);
	g_free(path);
	plugin_fixture_close(&fixture);
}

static char *misspell_room_50(const char *text)
{
	return with(text, "description = \"new\"", "descrption = \"new\"");
}

static const struct damage claims[] = {
	{ "a damaged part", misspell_room_50, true },
	{ "a part beside a damaged one", misspell_a_category, false },
};

/* Nobody can have the id of a room that only the file has, as long as it says that it has it. */
static void test_an_id_of_the_file(const void *arg)
{
	const struct damage *claim = arg;
	char *text;

	plugin_fixture_open(&fixture, NULL);
	CHECK_INT(describe(2, "kept", true), 0);
	CHECK_INT(create(50, true), 0);
	char *path = room_file();
	CHECK(g_file_get_contents(path, &text, NULL, NULL));
	char *damaged = claim->make(text);
	gateway_stop();
	write_room_file(damaged);
	restart();
	CHECK_INT(find(50), DH_ERROR_NO_ROOM);
	CHECK_INT(create(50, false), DH_ERROR_CREATE);
	CHECK_INT(create(50, true), DH_ERROR_CREATE);
	CHECK_INT(create(60, false), 0);
	write_room_file(text);
	await_room(50);
	check_description(50, "new");
	CHECK_INT(destroy(50, false), 0);
	CHECK_INT(create(50, false), 0);
	/* damaged while Janus runs, it keeps nobody waiting */
	write_room_file("room-1: { id = 70 avatr = \"x\" }");
	CHECK_INT(describe(1, "kept", true), DH_ERROR_PERMANENT);
	CHECK_INT(create(70, false), 0);
	g_free(damaged);
	g_free(text);
	g_free(path);
	plugin_fixture_close(&fixture);
}

static const struct obstacle {
	const char *name;
	bool is_link;
} obstacles[] = { { "half a room", false }, { "a link", true } };

/* The operator does without the file. A link that leads to itself cannot be read by root, either. */
static void test_a_damaged_file_that_is_removed(const void *arg)
{
	const struct obstacle *obstacle = arg;

	plugin_fixture_open(&fixture, NULL);
	gateway_stop();
	char *path = room_file();
	if (obstacle->is_link)
		CHECK_INT(symlink(ROOM_FILE, path), 0);
	else
		write_room_file("room-9: { id = ");
	restart();
	CHECK_INT(find(1), DH_ERROR_NO_ROOM);
	CHECK_INT(unlink(path), 0);
	g_free(path);
	await_room(1);
	await_room(3);
	plugin_fixture_close(&fixture);
}

/* The file is as it was. What is wrong is said once. */
static void test_a_disk_that_fails_for_a_while(void)
{
	plugin_fixture_open(&fixture, NULL);
	CHECK_INT(describe(2, "kept", true), 0);
	CHECK_INT(create(50, true), 0);
	gateway_stop();
	atomic_store(&is_unreadable, true);
	restart();
	CHECK_INT(find(1), DH_ERROR_NO_ROOM);
	CHECK_INT(describe(2, "other", true), DH_ERROR_NO_ROOM);
	CHECK_INT(create(60, true), DH_ERROR_PERMANENT);
	g_usleep(5 * G_USEC_PER_SEC / 2); /* it is looked at meanwhile */
	CHECK_INT(find(1), DH_ERROR_NO_ROOM);
	CHECK_INT(gateway_logged("the disk has a fault"), 1);
	atomic_store(&is_unreadable, false);
	await_room(1);
	await_room(50);
	check_description(2, "kept");
	CHECK_INT(create(60, true), 0);
	/* and while Janus runs */
	atomic_store(&is_unreadable, true);
	write_room_file("");
	CHECK_INT(describe(2, "other", true), DH_ERROR_PERMANENT);
	atomic_store(&is_unreadable, false);
	CHECK_INT(describe(2, "other", true), 0);
	plugin_fixture_close(&fixture);
}

static const struct check_test tests[] = {
	TABLE(test_a_forward_that_does_not_begin, room_kinds),
	TABLE(test_rooms_wait_for_a_damaged_file, damages),
	TABLE(test_an_id_of_the_file, claims),
	TABLE(test_a_damaged_file_that_is_removed, obstacles),
	TEST(test_a_disk_that_fails_for_a_while),
	TEST(test_a_stop_that_fails),
	TEST(test_a_creation_that_fails),
	TEST(test_how_many_rooms_it_takes),
};

PREPARATION_MAIN(tests)
