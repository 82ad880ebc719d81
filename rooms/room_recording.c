/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The recording of a room: a viewer of its playout whose packets go to dh-record, with the events that everybody
 * gets.
 */
#include "room_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ingest/recorder.h"
#include "outlet.h"
#include "playout/timebase.h"

/* So that a player finds its way. They are not seen: dh-record hides them. */
#define KEYFRAME_TICKS (2 * DH_TICKS_PER_SECOND)
#define POLL_TICKS     (50 * DH_TICKS_PER_MS)

struct dh_room_recording {
	struct dh_outlet outlet; /* must be first */
	/* immutable */
	char *name;
	bool webm, mjr;
	struct dh_recorder *recorder;
	/* owner: the room's thread */
	struct dh_viewer *viewer;         /* NULL: it is being completed */
	int64_t begun_ticks, ended_ticks; /* media time */
	uint64_t packets, bytes, dropped; /* dropped: packets and events */
	bool lost_picture;
};

static void recording_free(struct dh_room_recording **recording)
{
	struct dh_room_recording *old = *recording;

	*recording = NULL;
	if (!old)
		return;
	if (old->recorder)
		dh_recorder_end(old->recorder);
	dh_recorder_unref(&old->recorder);
	g_free(old->name);
	g_free(old);
}

static json_t *files_of(const struct dh_room_recording *recording)
{
	static const char *const endings[] = { ".webm", "-audio.mjr", "-video.mjr", ".jsonl" };
	const bool are_made[] = { recording->webm, recording->mjr, recording->mjr, true };
	json_t *files = json_array();

	for (size_t i = 0; i < G_N_ELEMENTS(endings); i++) {
		if (are_made[i])
			json_array_append_new(files, json_sprintf("%s%s", recording->name, endings[i]));
	}
	return files;
}

/* --- in the room's thread */

void dh_room_recording_packet(struct dh_room_recording *recording, enum dh_media media, const uint8_t *rtp, size_t size)
{
	if (dh_recorder_packet(recording->recorder, media, rtp, size)) {
		recording->dropped++;
		recording->lost_picture |= media == DH_VIDEO;
	} else {
		recording->packets++;
		recording->bytes += size;
	}
}

static int64_t media_now(const struct dh_room *room)
{
	return dh_playout_media_ticks(room->playout, dh_now_ticks());
}

/* Any thread. */
static int put_line(const struct dh_room_recording *recording, const json_t *line)
{
	char *text = json_dumps(line, JSON_COMPACT);
	int err = text ? dh_recorder_line(recording->recorder, text) : -EINVAL;

	free(text);
	return err;
}

/* {"at_ms":…, the event}: when that was, in the recording. */
void dh_room_recording_tell(struct dh_room *room, const json_t *event)
{
	struct dh_room_recording *recording = room->recording;

	if (!recording || !recording->viewer)
		return;
	const json_t *media_ms = json_object_get(event, "media_ms");
	int64_t at_ticks = json_is_integer(media_ms) ? json_integer_value(media_ms) * DH_TICKS_PER_MS : media_now(room);
	json_t *line = json_pack("{s:I}", "at_ms",
		(json_int_t)(MAX(at_ticks - recording->begun_ticks, 0) / DH_TICKS_PER_MS));
	json_object_update(line, (json_t *)event);
	if (put_line(recording, line))
		recording->dropped++;
	json_decref(line);
}

/* Timestamp 0 is the beginning. */
static void seed(struct dh_continuity_seed *seed, int64_t begun_ticks)
{
	memset(seed, 0, sizeof(*seed));
	for (int media = 0; media < 2; media++) {
		int64_t clock_ticks = media == DH_VIDEO ? DH_TICKS_PER_VIDEO_CLOCK : DH_TICKS_PER_AUDIO_SAMPLE;
		seed->payload_type[media] = media == DH_VIDEO ? DH_PAYLOAD_TYPE_VP8 : DH_PAYLOAD_TYPE_OPUS;
		seed->ssrc[media] = (uint32_t)(1 + media);
		seed->first_timestamp[media] = (uint32_t) - (begun_ticks / clock_ticks);
	}
}

static int run_check_free(struct dh_room *room, void *arg)
{
	(void)arg;
	return room->recording ? -EALREADY : 0;
}

static int run_begin(struct dh_room *room, void *arg)
{
	struct dh_room_recording *recording = arg;
	const struct dh_viewer_way way = { .ptime = DH_PTIME_MIN };
	struct dh_continuity_seed numbers;
	int err;

	if (room->recording)
		return -EALREADY;
	recording->begun_ticks = media_now(room);
	seed(&numbers, recording->begun_ticks);
	err = dh_playout_add_viewer(room->playout, &numbers, &way, recording, &recording->viewer);
	if (err)
		return err;
	dh_playout_viewer_keyframes(recording->viewer, KEYFRAME_TICKS);
	dh_playout_viewer_pause(room->playout, recording->viewer, !atomic_load(&room->enabled));
	room->recording = recording;
	room->queue_changed = true; /* the end of what plays will be seen */
	json_t *event = dh_room_report_new(room, "recording");
	json_object_set_new(event, "name", json_string(recording->name));
	dh_room_tell_trusted(room, event, NULL, NULL);
	return 0;
}

static void stop(struct dh_room *room)
{
	struct dh_room_recording *recording = room->recording;

	recording->ended_ticks = media_now(room);
	dh_playout_remove_viewer(room->playout, &recording->viewer);
	dh_recorder_end(recording->recorder);
}

static int64_t duration_ms(const struct dh_room *room, const struct dh_room_recording *recording)
{
	int64_t end_ticks = recording->viewer ? media_now(room) : recording->ended_ticks;

	return (end_ticks - recording->begun_ticks) / DH_TICKS_PER_MS;
}

/* Its process has ended: by itself, if the viewer is still there. */
static void finish(struct dh_room *room, const char *error)
{
	struct dh_room_recording *recording = room->recording;
	json_t *event = dh_room_report_new(room, "recorded");

	if (recording->viewer)
		stop(room);
	json_object_set_new(event, "name", json_string(recording->name));
	json_object_set_new(event, "duration_ms", json_integer(duration_ms(room, recording)));
	json_object_set_new(event, "dropped", json_integer((json_int_t)recording->dropped));
	if (error)
		json_object_set_new(event, "error", json_string(error));
	recording_free(&room->recording);
	dh_room_tell_trusted(room, event, NULL, NULL);
}

void dh_room_recording_poll(struct dh_room *room, int64_t now_ticks)
{
	struct dh_room_recording *recording = room->recording;
	const char *error = NULL;

	if (!recording)
		return;
	if (dh_recorder_has_ended(recording->recorder, &error)) {
		finish(room, error);
		return;
	}
	if (recording->viewer && recording->lost_picture)
		dh_playout_viewer_pli(room->playout, recording->viewer, now_ticks);
	recording->lost_picture = false;
}

int64_t dh_room_recording_deadline_ticks(const struct dh_room *room, int64_t now_ticks)
{
	return room->recording ? now_ticks + POLL_TICKS : INT64_MAX;
}

void dh_room_recording_enable(struct dh_room *room)
{
	if (dh_room_recording_is_viewer(room))
		dh_playout_viewer_pause(room->playout, room->recording->viewer, !atomic_load(&room->enabled));
}

void dh_room_recording_close(struct dh_room *room)
{
	if (dh_room_recording_is_viewer(room))
		stop(room);
	recording_free(&room->recording);
}

bool dh_room_recording_is_viewer(const struct dh_room *room)
{
	return room->recording && room->recording->viewer;
}

/* --- any other thread */

/* What the file of events begins with. That the process has ended, and why, `recorded` says. */
static int tell_facts(struct dh_room *room, const struct dh_room_recording *recording,
	const struct dh_settings *settings)
{
	GDateTime *now = g_date_time_new_now_utc();
	char *began = g_date_time_format_iso8601(now);
	json_t *facts = json_pack("{s:i, s:s, s:o, s:s, s:s, s:o}", "at_ms", 0, "recording", recording->name, "id",
		dh_room_id_json(room), "description", settings->description, "began", began, "files",
		files_of(recording));

	if (settings->disclosure)
		json_object_set_new(facts, "disclosure", json_string(settings->disclosure));
	int err = put_line(recording, facts);
	json_decref(facts);
	g_free(began);
	g_date_time_unref(now);
	return err == -EPIPE ? 0 : err;
}

int dh_room_start_recording(struct dh_room *room, const struct dh_room_recording_config *config, json_t **reply)
{
	struct dh_room_recording *recording = g_new0(struct dh_room_recording, 1);
	struct dh_settings *settings = dh_room_settings(room);
	const struct dh_recorder_config process = { .program = config->program,
		.folder = config->folder,
		.name = config->name,
		.webm = config->webm,
		.mjr = config->mjr,
		.title = settings->description,
		.comment = settings->disclosure };
	int err;

	recording->outlet.kind = DH_OUTLET_RECORDING;
	recording->name = g_strdup(config->name);
	recording->webm = config->webm;
	recording->mjr = config->mjr;
	*reply = json_pack("{s:{s:s, s:o}}", "recording", "name", recording->name, "files", files_of(recording));
	err = dh_room_call(room, run_check_free, NULL); /* before a process makes files */
	if (err)
		atomic_fetch_sub(config->count, 1);
	else
		err = dh_recorder_alloc(&recording->recorder, config->io, &process, config->count);
	if (!err)
		err = tell_facts(room, recording, settings);
	if (!err)
		err = dh_room_call(room, run_begin, recording);
	dh_settings_unref(&settings);
	if (!err)
		return 0;
	recording_free(&recording);
	json_decref(*reply);
	*reply = NULL;
	return err;
}

struct recording_copy {
	bool has;
	struct dh_room_recording recording; /* `name` is a copy, the rest of its pointers are not followed */
	int64_t duration_ms;
};

static int run_copy(struct dh_room *room, void *arg)
{
	struct recording_copy *copy = arg;

	copy->has = room->recording != NULL;
	if (!copy->has)
		return 0;
	copy->recording = *room->recording;
	copy->recording.name = g_strdup(copy->recording.name);
	copy->duration_ms = duration_ms(room, room->recording);
	return 0;
}

static int run_stop(struct dh_room *room, void *arg)
{
	if (!dh_room_recording_is_viewer(room))
		return -ENOENT;
	stop(room);
	return run_copy(room, arg);
}

static json_t *copy_json(struct recording_copy *copy)
{
	const struct dh_room_recording *recording = &copy->recording;
	json_t *json;

	if (!copy->has)
		return json_null();
	json = json_pack("{s:s, s:o, s:I, s:b, s:I, s:I, s:I}", "name", recording->name, "files", files_of(recording),
		"duration_ms", (json_int_t)copy->duration_ms, "is_ending", recording->viewer == NULL, "packets",
		(json_int_t)recording->packets, "bytes", (json_int_t)recording->bytes, "dropped",
		(json_int_t)recording->dropped);
	g_free(copy->recording.name);
	return json;
}

int dh_room_stop_recording(struct dh_room *room, json_t **reply)
{
	struct recording_copy copy = { 0 };
	int err = dh_room_call(room, run_stop, &copy);

	*reply = err ? NULL : json_pack("{s:o}", "recording", copy_json(&copy));
	return err;
}

int dh_room_recording_json(struct dh_room *room, json_t **reply)
{
	struct recording_copy copy = { 0 };
	int err = dh_room_call(room, run_copy, &copy);

	*reply = err ? NULL : copy_json(&copy);
	return err;
}
