/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Voices in a room with its thread: who has the floor by speaking, whom the avatar listens to, and which events come of
 * who leaves while it speaks. Each packet brings its own 20 ms along; no other time passes for microphones. */
#include "tests/support/room_rig.h"

#include "playout/timebase.h"
#include "rooms/microphone.h"

#define OBSERVER 9

enum dh_hearing_change __real_dh_microphone_take(struct dh_microphone *microphone, const uint8_t *rtp, size_t size,
	int level, const struct dh_microphone_context *context, int64_t now_ticks);
enum dh_hearing_change __wrap_dh_microphone_take(struct dh_microphone *microphone, const uint8_t *rtp, size_t size,
	int level, const struct dh_microphone_context *context, int64_t now_ticks);
enum dh_hearing_change __wrap_dh_microphone_poll(struct dh_microphone *microphone, int64_t now_ticks);
int64_t __wrap_dh_microphone_deadline_ticks(struct dh_microphone *microphone);
struct dh_microphone *__real_dh_microphone_new(void);
struct dh_microphone *__wrap_dh_microphone_new(void);

static uint16_t packets[3]; /* by viewer: that it has sent */

enum dh_hearing_change __wrap_dh_microphone_take(struct dh_microphone *microphone, const uint8_t *rtp, size_t size,
	int level, const struct dh_microphone_context *context, int64_t now_ticks)
{
	(void)now_ticks;
	return __real_dh_microphone_take(microphone, rtp, size, level, context,
		(1000 + packets[context->viewer]) * DH_SLOT_TICKS);
}

enum dh_hearing_change __wrap_dh_microphone_poll(struct dh_microphone *microphone, int64_t now_ticks)
{
	(void)microphone;
	(void)now_ticks;
	return DH_HEARING_SAME;
}

int64_t __wrap_dh_microphone_deadline_ticks(struct dh_microphone *microphone)
{
	(void)microphone;
	return INT64_MAX;
}

static atomic_int is_looked_at; /* the room is asked for `stats` before a microphone is there */

struct dh_microphone *__wrap_dh_microphone_new(void)
{
	if (atomic_load(&is_looked_at))
		room_rig_flush();
	return __real_dh_microphone_new();
}

/* --- viewers that send sound */

static void send(int i, int level)
{
	const uint16_t sequence = packets[i + 1]++;
	const uint32_t timestamp = 960u * sequence;
	const uint8_t rtp[] = { 0x80, 111, (uint8_t)(sequence >> 8), (uint8_t)sequence, (uint8_t)(timestamp >> 24),
		(uint8_t)(timestamp >> 16), (uint8_t)(timestamp >> 8), (uint8_t)timestamp, 0, 0, 0, 1, 0xf8, 1, 2, 3 };

	dh_room_member_sound(rig.members[i], 0, rtp, sizeof rtp, level);
}

static void speak(int i)
{
	for (int n = 0; n < 40; n++)
		send(i, -25 + n * 7 % 11 - 5);
}

static void be_quiet(int i)
{
	for (int n = 0; n < 60; n++)
		send(i, -70 + n % 3 - 1);
}

/* It watches, and is listened to. Its number is i + 1. */
static void join(int i)
{
	const struct dh_line line = { true, 0, 111, 0, false };

	room_rig_join(i, DH_MEMBER_VIEWER);
	room_rig_connect(i);
	dh_member_set_microphone_line(rig.members[i], &line);
	dh_room_member_hear(rig.members[i], true);
	be_quiet(i);
}

static void open_room(int barge_in_ms)
{
	struct dh_settings *settings = dh_settings_new(&(
		struct dh_settings){ .description = "a room", .barge_in = { barge_in_ms, false, DH_FLOOR_ONE, 0, 0 } });

	memset(packets, 0, sizeof packets);
	room_rig_open(60000);
	atomic_store(&rig.has_event_handlers, 1);
	dh_room_set_settings(rig.room, settings);
	CHECK_INT(dh_room_edited(rig.room, false), 0);
	join(0);
	join(1);
	room_rig_flush();
	room_rig_forget();
}

/* --- which events come */

static void note(GString *text, const json_t *event)
{
	const char *name = json_string_value(json_object_get(event, "event"));

	if (name && (!strcmp(name, "idle") || !strcmp(name, "listening") || !strcmp(name, "thinking")))
		g_string_append_printf(text, "%s, ", name);
	else if (name && (g_str_has_prefix(name, "viewer_") || g_str_has_prefix(name, "floor_")))
		g_string_append_printf(text, "%s %d, ", name,
			(int)json_integer_value(json_object_get(event, "viewer")));
}

/* Event handlers, since the last call, of voices, the floor and what the avatar does. */
#define EXPECT(expected) \
	do { \
		GString *text_ = g_string_new(NULL); \
		room_rig_flush(); \
		pthread_mutex_lock(&rig.lock); \
		for (guint i_ = 0; i_ < rig.notified->len; i_++) \
			note(text_, g_array_index(rig.notified, struct room_rig_event, i_).event); \
		pthread_mutex_unlock(&rig.lock); \
		CHECK_STR(text_->str, expected); \
		g_string_free(text_, TRUE); \
		room_rig_forget(); \
	} while (0)

/* A viewer that is no longer there, on its handle, and an observer. */
static void expect_silent_once(int i)
{
	GString *own = g_string_new(NULL), *observed = g_string_new(NULL);

	room_rig_flush();
	pthread_mutex_lock(&rig.lock);
	for (guint n = 0; n < rig.texts->len; n++) {
		const struct room_rig_text *text = &g_array_index(rig.texts, struct room_rig_text, n);
		json_t *event = json_loads(text->text, 0, NULL);
		if (text->handle == i)
			note(own, event);
		json_decref(event);
	}
	for (guint n = 0; n < rig.sent->len; n++)
		note(observed, g_array_index(rig.sent, struct room_rig_event, n).event);
	pthread_mutex_unlock(&rig.lock);
	CHECK_STR(own->str, "viewer_silent 1, floor_ended 1, ");
	CHECK_STR(observed->str, "viewer_silent 1, floor_ended 1, ");
	g_string_free(own, TRUE);
	g_string_free(observed, TRUE);
}

/* --- the floor */

static void give_back(void)
{
	json_t *reply = NULL;

	CHECK_INT(dh_room_floor_leave(rig.room, 1, &reply), 0);
	json_decref(reply);
	EXPECT("floor_ended 1, ");
}

static void take(void)
{
	json_t *reply = NULL;

	CHECK_INT(dh_room_floor_take(rig.room, 0, &reply), 0);
	json_decref(reply);
	EXPECT("floor_ended 1, ");
}

/* And the other one does not want it. */
static void give_on(void)
{
	json_t *reply = NULL;

	CHECK_INT(dh_room_floor_give(rig.room, 2, &reply), 0);
	json_decref(reply);
	CHECK_INT(dh_room_floor_leave(rig.room, 2, &reply), 0);
	json_decref(reply);
	EXPECT("floor_ended 1, floor_given 2, floor_ended 2, ");
}

static const struct row {
	const char *name;
	void (*ends)(void);
	int barge_in_ms;
} rows[] = {
	{ "given back", give_back, 200 },
	{ "given back, and no voice interrupts", give_back, 0 },
	{ "taken", take, 200 },
	{ "taken, and no voice interrupts", take, 0 },
	{ "given on", give_on, 200 },
};

/* It speaks on, then it is silent: the floor is nobody's until it speaks again. */
static void test_who_has_lost_it(const void *arg)
{
	const struct row *row = arg;

	open_room(row->barge_in_ms);
	speak(0);
	EXPECT("floor_given 1, viewer_speaking 1, ");
	row->ends();
	speak(0);
	EXPECT("");
	be_quiet(0);
	EXPECT("viewer_silent 1, ");
	speak(0);
	EXPECT("floor_given 1, viewer_speaking 1, ");
	be_quiet(0);
	EXPECT("viewer_silent 1, ");
	room_rig_close();
}

static void test_who_is_not_heard_any_more(void)
{
	open_room(200);
	speak(0);
	EXPECT("floor_given 1, viewer_speaking 1, ");
	give_back();
	dh_room_member_hear(rig.members[0], false);
	EXPECT("viewer_silent 1, ");
	room_rig_close();
}

static void test_who_spoke_meanwhile(void)
{
	open_room(200);
	speak(0);
	speak(1);
	EXPECT("floor_given 1, viewer_speaking 1, viewer_speaking 2, ");
	give_back();
	speak(0);
	EXPECT("");
	speak(1);
	EXPECT("floor_given 2, ");
	room_rig_close();
}

/* --- leaving */

static void leave(void)
{
	room_rig_leave(0);
}

static void be_kicked(void)
{
	json_t *reply = NULL;

	CHECK_INT(dh_room_kick(rig.room, 1, &reply), 0);
	json_decref(reply);
}

static const struct end {
	const char *name;
	void (*run)(void);
} ends[] = {
	{ "it leaves", leave },
	{ "it is kicked", be_kicked },
};

/* All who heard that it speaks hear that it does not, once. */
static void test_who_leaves_while_it_speaks(const void *arg)
{
	const struct end *end = arg;

	open_room(200);
	room_rig_join(OBSERVER, DH_MEMBER_TRUSTED_OBSERVER);
	speak(0);
	EXPECT("floor_given 1, viewer_speaking 1, ");
	end->run();
	expect_silent_once(0);
	EXPECT("viewer_silent 1, floor_ended 1, ");
	CHECK_INT(dh_room_microphones(rig.room), 1);
	room_rig_close();
}

/* Event handlers, of voices and the floor, until the room is destroyed and afterwards. */
static void note_the_end(GString *before, GString *after)
{
	GString *text = before;

	pthread_mutex_lock(&rig.lock);
	for (guint i = 0; i < rig.notified->len; i++) {
		const json_t *event = g_array_index(rig.notified, struct room_rig_event, i).event;
		if (!g_strcmp0(json_string_value(json_object_get(event, "event")), "destroyed"))
			text = after;
		note(text, event);
	}
	pthread_mutex_unlock(&rig.lock);
	CHECK(text == after);
}

/* A room that has been destroyed reports no voice any more, and gives nobody the floor. */
static void test_a_room_that_ends(void)
{
	GString *before = g_string_new(NULL), *after = g_string_new(NULL);
	json_t *reply = NULL;

	open_room(200);
	speak(0);
	EXPECT("floor_given 1, viewer_speaking 1, ");
	CHECK_INT(dh_room_floor_ask(rig.room, 2, &reply), 0);
	json_decref(reply);
	EXPECT("floor_asked 2, ");
	dh_room_close(rig.room);
	note_the_end(before, after);
	CHECK_STR(before->str, "viewer_silent 1, floor_ended 1, floor_ended 2, ");
	CHECK_STR(after->str, "");
	g_string_free(before, TRUE);
	g_string_free(after, TRUE);
	room_rig_close();
}

/* Its answer is handled when it has left already. */
static void test_no_place_is_lost(void)
{
	open_room(200);
	struct dh_member *member = dh_member_ref(rig.members[0]);
	room_rig_leave(0);
	room_rig_flush();
	CHECK_INT(dh_room_microphones(rig.room), 1);
	dh_room_member_hear(member, true);
	dh_member_unref(&member);
	/* Others may still hold it. */
	for (double end = now_ms() + AWAIT_S * 1e3; dh_room_microphones(rig.room) != 1 && now_ms() < end;)
		usleep(1000);
	CHECK_INT(dh_room_microphones(rig.room), 1);
	room_rig_close();
}

/* --- what is seen and counted of them */

static void cut_all(void)
{
	struct dh_room_cut cut;
	json_t *reply = NULL;

	dh_room_cut_init(&cut);
	CHECK_INT(dh_room_interrupt(rig.room, &cut, &reply), 0);
	json_decref(reply);
}

static void take_out(void)
{
	json_t *reply = NULL;

	CHECK_INT(dh_room_remove(rig.room, "s-1", &reply), 0);
	json_decref(reply);
}

static const struct end nothing_left[] = {
	{ "all is interrupted", cut_all },
	{ "it is removed", take_out },
};

/* It thinks of what it is to say, and nothing comes of that: this is not what somebody asked it to show. */
static void test_it_listens_on(const void *arg)
{
	const struct dh_generator_config generator = { .name = (char *)"g" };
	const struct dh_feed_speech speech = { .generator = &generator, .text = "hello", .audio = -1 };
	const struct end *end = arg;

	open_room(200);
	rig.config.listening = rig.config.thinking = (char *)"a clip";
	room_rig_enqueue("hello", &speech);
	EXPECT("thinking, ");
	speak(0);
	EXPECT("floor_given 1, viewer_speaking 1, listening, ");
	end->run();
	EXPECT("");
	speak(0);
	EXPECT("");
	be_quiet(0);
	EXPECT("viewer_silent 1, idle, ");
	room_rig_close();
}

/* As when the room's thread comes by just then. */
static void test_stats_before_its_microphone(void)
{
	open_room(200);
	room_rig_join(2, DH_MEMBER_VIEWER);
	room_rig_connect(2);
	atomic_store(&is_looked_at, 1);
	dh_room_member_hear(rig.members[2], true);
	atomic_store(&is_looked_at, 0);
	json_t *stats = room_rig_stats();
	const json_t *viewer = json_array_get(json_object_get(stats, "viewers"), 2);
	CHECK(json_object_get(viewer, "microphone"));
	json_decref(stats);
	CHECK_INT(dh_room_microphones(rig.room), 3);
	room_rig_close();
}

static const struct check_test tests[] = {
	TABLE(test_who_has_lost_it, rows),
	TEST(test_who_is_not_heard_any_more),
	TEST(test_who_spoke_meanwhile),
	TABLE(test_who_leaves_while_it_speaks, ends),
	TEST(test_a_room_that_ends),
	TEST(test_no_place_is_lost),
	TABLE(test_it_listens_on, nothing_left),
	TEST(test_stats_before_its_microphone),
};

PREPARATION_MAIN(tests)
