/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Data channels and captions of a room's members (tests/support/room_rig): who gets what, by which
 * way, and what a channel that takes nothing costs. */
#include "tests/support/room_rig.h"

#include "playout/timebase.h"

bool __real_dh_channel_take(struct dh_channel *channel, size_t size, int64_t now_us);
bool __wrap_dh_channel_take(struct dh_channel *channel, size_t size, int64_t now_us);

static _Atomic int64_t channels_us; /* what time it is for channels */

/* No time passes for them by itself: none gets stuck because this program has no processor. */
bool __wrap_dh_channel_take(struct dh_channel *channel, size_t size, int64_t now_us)
{
	(void)now_us;
	return __real_dh_channel_take(channel, size, 1 + atomic_load(&channels_us));
}

/* The names of what a member has got, each with a space behind it: on its channel in capitals. */
static const char *names_of(int handle)
{
	static char names[4096];

	names[0] = '\0';
	pthread_mutex_lock(&rig.lock);
	for (guint i = 0; i < rig.texts->len; i++) {
		const struct room_rig_text *text = &g_array_index(rig.texts, struct room_rig_text, i);
		if (text->handle != handle)
			continue;
		json_t *json = json_loads(text->text, 0, NULL);
		const char *name = json_string_value(json_object_get(json, "event"));
		char *shown = text->is_data ? g_ascii_strup(name ? name : "part", -1) : g_strdup(name);
		g_strlcat(names, shown, sizeof names);
		g_strlcat(names, " ", sizeof names);
		g_free(shown);
		json_decref(json);
	}
	pthread_mutex_unlock(&rig.lock);
	return names;
}

/* Whether the text number `i`, from 0 on, has `part` in it. */
static bool says(guint i, const char *part)
{
	pthread_mutex_lock(&rig.lock);
	bool has_part = i < rig.texts->len && strstr(g_array_index(rig.texts, struct room_rig_text, i).text, part);
	pthread_mutex_unlock(&rig.lock);
	return has_part;
}

/* Whether any text for the handle has `part` in it. */
static bool hears(int handle, const char *part)
{
	bool has_part = false;

	pthread_mutex_lock(&rig.lock);
	for (guint i = 0; i < rig.texts->len && !has_part; i++) {
		const struct room_rig_text *text = &g_array_index(rig.texts, struct room_rig_text, i);
		has_part = text->handle == handle && strstr(text->text, part);
	}
	pthread_mutex_unlock(&rig.lock);
	return has_part;
}

static const char *got(int handle)
{
	room_rig_flush();
	return names_of(handle);
}

/* Events of segments are due at the next slot. */
#define CHECK_GOT(handle, expected) \
	do { \
		for (double end_ = now_ms() + AWAIT_S * 1e3; strcmp(got(handle), expected) != 0 && now_ms() < end_;) \
			usleep(1000); \
		CHECK_STR(got(handle), expected); \
	} while (0)

/* What came before that, on the handle, depends on when the channel opened. */
#define AWAIT_GOT(handle, end) \
	do { \
		for (double end_ = now_ms() + AWAIT_S * 1e3; !g_str_has_suffix(got(handle), end) && now_ms() < end_;) \
			usleep(1000); \
		CHECK(g_str_has_suffix(got(handle), end), "%s", got(handle)); \
	} while (0)

static void mark(const char *text)
{
	json_t *data = json_string(text), *reply = NULL;

	CHECK_INT(dh_room_add_marker(rig.room, data, NULL, 0, &reply), 0);
	json_decref(reply);
	json_decref(data);
	room_rig_flush();
}

/* It watches with these wishes. */
static void join_with(int i, bool offers_data, bool wants, bool is_deaf)
{
	rig.members[i] = dh_room_member_new(rig.room, &rig.handles[i], DH_MEMBER_VIEWER, &rig.counts);
	rig.members[i]->is_deaf = is_deaf;
	atomic_store(&rig.handles[i].holds, 1);
	rig.members[i]->listening.offers_data = offers_data;
	rig.members[i]->listening.wants = wants;
	dh_room_member_attach(rig.members[i]);
	room_rig_connect(i);
}

static void join(int i, bool offers_data, bool wants)
{
	join_with(i, offers_data, wants, false);
}

/* Recipients of the latest event that went to all. */
static guint recipients(void)
{
	pthread_mutex_lock(&rig.lock);
	guint count = rig.sent->len ? g_array_index(rig.sent, struct room_rig_event, rig.sent->len - 1).handles->len :
				      0;
	pthread_mutex_unlock(&rig.lock);
	return count;
}

/* How many events `name` members got on the handle that is `handle`'s. */
static int told(const char *name, int handle)
{
	int count = 0;

	pthread_mutex_lock(&rig.lock);
	for (guint i = 0; i < rig.sent->len; i++) {
		const struct room_rig_event *sent = &g_array_index(rig.sent, struct room_rig_event, i);
		bool is_it = !strcmp(json_string_value(json_object_get(sent->event, "event")), name);
		count += is_it && g_ptr_array_find(sent->handles, &rig.handles[handle], NULL);
	}
	pthread_mutex_unlock(&rig.lock);
	return count;
}

static void test_who_wants_nothing_gets_nothing(void)
{
	room_rig_open(100000);
	join(0, false, false);
	mark("a");
	CHECK_GOT(0, "");
	CHECK_INT(rig.room->listeners->len, 0);
	CHECK_INT(rig.room->posts.length, 0);
	dh_room_member_data_ready(rig.members[0]); /* it was not offered */
	mark("b");
	CHECK_GOT(0, "");
	room_rig_close();
}

static void test_events_on_the_handle(void)
{
	room_rig_open(100000);
	join(0, true, true); /* its channel never opens */
	mark("a");
	CHECK_GOT(0, "state marker ");
	room_rig_enqueue("segment", NULL);
	room_rig_flush();
	CHECK_INT(recipients(), 1);
	room_rig_close();
}

/* From when the channel is open everything comes on it, and nothing on the handle. */
static void test_a_channel(void)
{
	room_rig_open(100000);
	join(0, true, true);
	join(1, false, false);
	dh_room_member_data_ready(rig.members[0]);
	mark("a");
	AWAIT_GOT(0, "STATE MARKER ");
	room_rig_forget();
	room_rig_enqueue("segment", NULL);
	CHECK_GOT(0, "QUEUED ");
	CHECK_INT(recipients(), 1);
	mark("b");
	CHECK_GOT(0, "QUEUED MARKER ");
	dh_room_member_listen(rig.members[0], false);
	mark("c");
	CHECK_GOT(0, "QUEUED MARKER ");
	room_rig_close();
}

/* An event goes out that is due on channels later, and before that a channel opens. */
static int run_tell_and_open(struct dh_room *room, void *arg)
{
	struct dh_member *member = arg;
	json_t *event = dh_room_report_new(room, "speaking");

	dh_room_set_ms(event, "media_ms",
		dh_playout_media_ticks(room->playout, dh_now_ticks()) + DH_TICKS_PER_SECOND / 10);
	dh_room_tell_all(room, event, NULL);
	atomic_store(&member->listening.channel.is_ready, 1);
	dh_room_listeners_update(room, member);
	return 0;
}

static void test_no_event_comes_by_both_ways(void)
{
	room_rig_open(100000);
	join(0, true, false);
	join(1, true, false); /* without a channel there are no posts */
	dh_room_member_data_ready(rig.members[1]);
	CHECK_GOT(1, "STATE ");
	CHECK_INT(dh_room_call(rig.room, run_tell_and_open, rig.members[0]), 0);
	CHECK_GOT(1, "STATE SPEAKING ");
	CHECK_INT(told("speaking", 0), 1);
	CHECK_GOT(0, "STATE ");
	room_rig_close();
}

/* Once it wants captions, too, it gets what is shown then, and the last marker, before what comes. */
static void test_a_channel_for_events_alone(void)
{
	room_rig_open(100000);
	join(0, true, false);
	CHECK_GOT(0, "");
	dh_room_member_data_ready(rig.members[0]);
	mark("unseen");
	CHECK_GOT(0, "STATE ");
	for (int i = 0; i < 2; i++) {
		room_rig_forget();
		dh_room_member_listen(rig.members[0], true);
		CHECK_GOT(0, "STATE ");
		CHECK(says(0, "\"unseen\""));
		mark("b");
		CHECK_GOT(0, "STATE MARKER ");
		dh_room_member_listen(rig.members[0], false);
		mark("unseen");
	}
	room_rig_close();
}

/* Who comes late learns what the avatar does, as did who was there. */
static void test_what_the_avatar_does(void)
{
	static const char *const states[] = { "\"state\":\"idle\"", "\"state\":\"listening\"",
		"\"state\":\"thinking\"" };
	json_t *reply = NULL;

	room_rig_open(100000);
	for (int i = 0; i < 3; i++) {
		CHECK_INT(dh_room_state_set(rig.room, (enum dh_stance)i, &reply), 0);
		json_decref(reply);
		room_rig_forget();
		join(i, true, true);
		dh_room_member_data_ready(rig.members[i]);
		AWAIT_GOT(i, "STATE ");
		CHECK(hears(i, states[i]));
		CHECK(!hears(i, "on_hold"));
	}
	room_rig_close();
}

/* It gets the state when it goes on, with the last marker. */
static void test_a_pause(void)
{
	room_rig_open(100000);
	join(0, true, true);
	dh_room_member_data_ready(rig.members[0]);
	AWAIT_GOT(0, "STATE ");
	dh_room_member_pause(rig.members[0], true);
	room_rig_forget();
	mark("missed");
	room_rig_enqueue("segment", NULL);
	CHECK_GOT(0, "QUEUED ");
	dh_room_member_pause(rig.members[0], false);
	CHECK_GOT(0, "QUEUED STATE ");
	CHECK(says(1, "\"missed\""));
	room_rig_close();
}

/* Waits until so many markers have come, and nothing else. */
static void await_markers(int handle, size_t count)
{
	double end = now_ms() + AWAIT_S * 1e3;

	while (strlen(got(handle)) < count * strlen("MARKER ") && now_ms() < end)
		usleep(1000);
	CHECK_INT(strlen(got(handle)), count * strlen("MARKER "));
}

/* What it cannot take is dropped, and said once it can take some again; others get all. */
static void test_a_channel_that_takes_nothing(void)
{
	char *text = g_strnfill(4000, 'x');

	room_rig_open(100000);
	join(0, true, true);
	join(1, true, true);
	dh_room_member_data_ready(rig.members[0]);
	dh_room_member_data_ready(rig.members[1]);
	AWAIT_GOT(0, "STATE ");
	AWAIT_GOT(1, "STATE ");
	room_rig_forget();
	for (int i = 0; i < 40; i++) {
		mark(text);
		dh_room_member_data_ready(rig.members[1]);
	}
	await_markers(1, 40);
	CHECK(strlen(got(0)) < 17 * strlen("MARKER "), "%s", got(0));
	guint lost = 40 - (guint)(strlen(got(0)) / strlen("MARKER "));
	room_rig_forget();
	dh_room_member_data_ready(rig.members[0]);
	CHECK_GOT(0, "STATE ");
	char *lost_text = g_strdup_printf("\"lost\":%u", lost);
	CHECK(says(0, lost_text), "%s", lost_text);
	mark("b");
	CHECK_GOT(0, "STATE MARKER ");
	g_free(lost_text);
	g_free(text);
	room_rig_close();
}

static int run_tell_two(struct dh_room *room, void *arg)
{
	(void)arg;
	for (int i = 0; i < 2; i++)
		dh_room_tell_all(room, dh_room_report_new(room, "edited"), NULL);
	return 0;
}

/* Each event of one turn comes, or counts as lost. */
static void test_a_channel_that_is_dead(void)
{
	room_rig_open(100000);
	join(0, true, false);
	dh_room_member_data_ready(rig.members[0]);
	AWAIT_GOT(0, "STATE ");
	room_rig_forget();
	atomic_store(&channels_us, DH_CHANNEL_STUCK_US);
	CHECK_INT(dh_room_call(rig.room, run_tell_two, NULL), 0);
	CHECK_GOT(0, "edited state ");
	CHECK(says(1, "\"lost\":1"));
	CHECK_INT(dh_room_call(rig.room, run_tell_two, NULL), 0);
	CHECK_INT(told("edited", 0), 2);
	CHECK_GOT(0, "edited state ");
	atomic_store(&channels_us, 0);
	room_rig_close();
}

/* Posts are kept until all have had them, and no longer; a turn sends a bounded number. */
static void test_a_crowd(void)
{
	room_rig_open(100000);
	for (int i = 0; i < 300; i++)
		join(i, true, true);
	for (int i = 0; i < 300; i++)
		dh_room_member_data_ready(rig.members[i]);
	AWAIT_GOT(299, "STATE ");
	for (int i = 0; i < 300; i += 13)
		AWAIT_GOT(i, "STATE ");
	room_rig_forget();
	for (int i = 0; i < 10; i++)
		mark("a");
	room_rig_leave(7);
	await_markers(299, 10);
	for (int i = 0; i < 300; i += 13)
		await_markers(i, 10);
	room_rig_flush();
	CHECK_INT(rig.room->posts.length, 0);
	room_rig_close();
}

/* Not on the channel, which ends with the connection and whatever is still on its way. */
static void test_the_end(void)
{
	room_rig_open(100000);
	join(0, true, true);
	dh_room_member_data_ready(rig.members[0]);
	room_rig_enqueue("segment", NULL);
	AWAIT_GOT(0, "QUEUED ");
	room_rig_forget();
	dh_room_close(rig.room);
	CHECK_INT(told("interrupted", 0), 1);
	CHECK_STR(names_of(0), "destroyed ");
	room_rig_close();
}

/* On its channel, as ever: it wants none on its handle. */
static void test_the_end_without_events(void)
{
	room_rig_open(100000);
	join_with(0, true, false, true);
	dh_room_member_data_ready(rig.members[0]);
	room_rig_enqueue("segment", NULL);
	AWAIT_GOT(0, "QUEUED ");
	room_rig_forget();
	dh_room_close(rig.room);
	CHECK_STR(names_of(0), "INTERRUPTED DESTROYED ");
	room_rig_close();
}

static const struct check_test tests[] = {
	TEST(test_who_wants_nothing_gets_nothing),
	TEST(test_events_on_the_handle),
	TEST(test_a_channel),
	TEST(test_no_event_comes_by_both_ways),
	TEST(test_a_channel_for_events_alone),
	TEST(test_what_the_avatar_does),
	TEST(test_a_pause),
	TEST(test_a_channel_that_takes_nothing),
	TEST(test_a_channel_that_is_dead),
	TEST(test_a_crowd),
	TEST(test_the_end),
	TEST(test_the_end_without_events),
};

int main(int argc, char **argv)
{
	return find_programs(argv[0]) ? 2 : CHECK_MAIN(argc, argv, tests);
}
