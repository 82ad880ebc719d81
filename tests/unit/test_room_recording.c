/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a room does where dh-record does not take its events. */
#include "tests/support/room_rig.h"

#include "ingest/recorder.h"

/* --- a dh-record that takes what a test lets it */

struct dh_recorder {
	atomic_int line_err, taken, refused, ends;
	atomic_bool has_ended;
};
static struct dh_recorder recorder;

int __wrap_dh_recorder_alloc(struct dh_recorder **out, struct dh_io *io, const struct dh_recorder_config *config,
	atomic_int *count);
void __wrap_dh_recorder_unref(struct dh_recorder **old);
int __wrap_dh_recorder_packet(struct dh_recorder *to, enum dh_media media, const uint8_t *rtp, size_t size);
int __wrap_dh_recorder_line(struct dh_recorder *to, const char *text);
void __wrap_dh_recorder_end(struct dh_recorder *to);
bool __wrap_dh_recorder_has_ended(struct dh_recorder *asked, const char **error);

int __wrap_dh_recorder_alloc(struct dh_recorder **out, struct dh_io *io, const struct dh_recorder_config *config,
	atomic_int *count)
{
	(void)io;
	(void)config;
	(void)count;
	*out = &recorder;
	return 0;
}

void __wrap_dh_recorder_unref(struct dh_recorder **old)
{
	*old = NULL;
}

int __wrap_dh_recorder_packet(struct dh_recorder *to, enum dh_media media, const uint8_t *rtp, size_t size)
{
	(void)to;
	(void)media;
	(void)rtp;
	(void)size;
	return 0;
}

int __wrap_dh_recorder_line(struct dh_recorder *to, const char *text)
{
	int err = atomic_load(&to->line_err);

	(void)text;
	atomic_fetch_add(err ? &to->refused : &to->taken, 1);
	return err;
}

void __wrap_dh_recorder_end(struct dh_recorder *to)
{
	atomic_fetch_add(&to->ends, 1);
}

bool __wrap_dh_recorder_has_ended(struct dh_recorder *asked, const char **error)
{
	*error = NULL;
	return atomic_load(&asked->has_ended);
}

/* --- a room that is recorded */

static int start(json_t **reply)
{
	atomic_int count = 1;
	const struct dh_room_recording_config config = { .io = rig.fixture.io,
		.program = "dh-record",
		.folder = "/nowhere",
		.name = "name",
		.webm = true,
		.count = &count };

	return dh_room_start_recording(rig.room, &config, reply);
}

static void open_rig(int line_err)
{
	room_rig_open(60000);
	memset(&recorder, 0, sizeof recorder);
	atomic_store(&recorder.line_err, line_err);
}

static json_int_t dropped(void)
{
	json_t *json = NULL;

	CHECK_INT(dh_room_recording_json(rig.room, &json), 0);
	json_int_t number = json_integer_value(json_object_get(json, "dropped"));
	json_decref(json);
	return number;
}

/* Whether its event handlers got `recorded`, and how many were dropped. */
static bool get_recorded(json_int_t *number)
{
	bool is_there = false;

	pthread_mutex_lock(&rig.lock);
	for (guint i = 0; i < rig.notified->len; i++) {
		const json_t *event = g_array_index(rig.notified, struct room_rig_event, i).event;
		if (!strcmp(json_string_value(json_object_get(event, "event")), "recorded")) {
			*number = json_integer_value(json_object_get(event, "dropped"));
			is_there = true;
		}
	}
	pthread_mutex_unlock(&rig.lock);
	return is_there;
}

static void test_events_that_are_not_taken(void)
{
	json_int_t told = -1;
	json_t *reply = NULL;

	open_rig(0);
	atomic_store(&rig.has_event_handlers, 1);
	CHECK_INT(start(&reply), 0);
	json_decref(reply);
	room_rig_enqueue("taken", NULL);
	room_rig_flush();
	CHECK(atomic_load(&recorder.taken) >= 2, "%d", recorder.taken); /* with the facts */
	CHECK_INT(dropped(), 0);
	atomic_store(&recorder.line_err, -EAGAIN);
	for (int i = 0; i < 3; i++)
		room_rig_enqueue("dropped", NULL);
	room_rig_flush();
	CHECK(atomic_load(&recorder.refused) >= 3, "%d", recorder.refused);
	CHECK_INT(dropped(), atomic_load(&recorder.refused));
	atomic_store(&recorder.has_ended, true);
	while (!get_recorded(&told))
		usleep(2000);
	CHECK_INT(told, atomic_load(&recorder.refused));
	room_rig_close();
}

/* Without its first line a recording does not begin. */
static void test_facts_that_are_not_taken(void)
{
	json_t *reply = NULL;

	open_rig(-EAGAIN);
	CHECK_INT(start(&reply), -EAGAIN);
	CHECK(!reply, "answered");
	CHECK_INT(atomic_load(&recorder.ends), 1);
	CHECK_INT(dh_room_recording_json(rig.room, &reply), 0);
	CHECK(json_is_null(reply), "it is recorded");
	json_decref(reply);
	room_rig_close();
}

/* A process that cannot write ends early or late, and either is reported in the same way. */
static void test_a_process_that_has_ended(void)
{
	json_int_t told = -1;
	json_t *reply = NULL;

	open_rig(-EPIPE);
	atomic_store(&rig.has_event_handlers, 1);
	CHECK_INT(start(&reply), 0);
	json_decref(reply);
	atomic_store(&recorder.has_ended, true);
	while (!get_recorded(&told))
		usleep(2000);
	room_rig_close();
}

static const struct check_test tests[] = {
	TEST(test_events_that_are_not_taken),
	TEST(test_facts_that_are_not_taken),
	TEST(test_a_process_that_has_ended),
};

int main(int argc, char **argv)
{
	return find_programs(argv[0]) ? 2 : CHECK_MAIN(argc, argv, tests);
}
