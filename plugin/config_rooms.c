/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rooms as categories of a configuration file. */
#include "config.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include <jansson.h>

#include "config_options.h"
#include "forward_record.h"
#include "playout/packets.h"
#include "rooms/barge_in.h"
#include "rooms/playlist.h"
#include "rooms/room_id.h"
#include "rooms/segment_request.h"
#include "rooms/viewer_delay.h"

static const struct dh_option room_options[] = {
	DH_NEEDED(struct dh_config_room, id),
	DH_KEY(struct dh_config_room, description, DH_CONFIG_KEY_MAX),
	DH_TEXT(struct dh_config_room, metadata, NULL),
	DH_TEXT(struct dh_config_room, avatar, NULL),
	DH_KEY(struct dh_config_room, secret, DH_CONFIG_KEY_MAX),
	DH_KEY(struct dh_config_room, pin, DH_CONFIG_KEY_MAX),
	DH_KEY(struct dh_config_room, disclosure, DH_CONFIG_KEY_MAX),
	DH_FLAG(struct dh_config_room, is_private, 0),
	DH_FLAG(struct dh_config_room, signed_tokens, 0),
	DH_TEXT(struct dh_config_room, duration, "speech"),
	DH_TEXT(struct dh_config_room, generator, NULL),
	DH_TEXT(struct dh_config_room, underrun, "hold"),
	DH_NUMBER(struct dh_config_room, preroll_ms, 0, DH_PREROLL_MS_MAX, 0),
	DH_NUMBER(struct dh_config_room, seam_wait_ms, 0, DH_SEAM_WAIT_MAX, 0),
	DH_NUMBER(struct dh_config_room, ptime, DH_PTIME_MIN, DH_PTIME_MAX, 20),
	DH_NUMBER(struct dh_config_room, min_delay, -1, DH_DELAY_MAX, -1),
	DH_NUMBER(struct dh_config_room, max_delay, -1, DH_DELAY_MAX, -1),
	DH_NUMBER(struct dh_config_room, low_water_ms, 0, 86400000, 0),
	DH_NUMBER(struct dh_config_room, high_water_ms, 0, 86400000, 0),
	DH_NUMBER(struct dh_config_room, barge_in, 0, DH_BARGE_IN_MS_MAX, 0),
	DH_TEXT(struct dh_config_room, barge_in_mode, "interrupt"),
	DH_TEXT(struct dh_config_room, barge_in_by, "all"),
	DH_NUMBER(struct dh_config_room, floor_ms, 0, DH_FLOOR_MS_MAX, 60000),
	DH_NUMBER(struct dh_config_room, floor_silence_ms, 0, DH_FLOOR_MS_MAX, 15000),
	DH_LIST(struct dh_config_room, playlist, false),
	DH_FLAG(struct dh_config_room, playlist_shuffle, 0),
	DH_FLAG(struct dh_config_room, playlist_repeat, 1),
	DH_FLAG(struct dh_config_room, playlist_patient, 0),
	DH_GROUPS(struct dh_config_room, forwards),
	DH_OPTIONS_END,
};

struct dh_config_room *dh_config_room_new(const char *name)
{
	struct dh_config_room *room = g_new0(struct dh_config_room, 1);

	room->name = g_strdup(name);
	dh_options_default(room_options, room);
	return room;
}

void dh_config_room_free(struct dh_config_room **room)
{
	if (!*room)
		return;
	dh_options_clear(room_options, *room);
	g_free((*room)->name);
	g_free(*room);
	*room = NULL;
}

static int check_id(const struct dh_config *config, struct dh_config_room *room, const char *file, const char *category)
{
	char *id = dh_room_id_parse(room->id, config->string_ids != 0);

	if (!id)
		return dh_option_wrong(file, category, "id",
			config->string_ids ? "a text without control characters is expected" :
					     "an integer from 1 to 9007199254740991 is expected");
	g_free(room->id);
	room->id = id;
	return 0;
}

static int check_metadata(const struct dh_config_room *room, const char *file, const char *category)
{
	json_t *metadata = room->metadata ? json_loads(room->metadata, JSON_REJECT_DUPLICATES, NULL) : NULL;
	int err = room->metadata && !json_is_object(metadata) ?
		dh_option_wrong(file, category, "metadata", "a JSON object, as text, is expected") :
		0;

	json_decref(metadata);
	return err;
}

json_t *dh_config_room_playlist(const struct dh_config_room *room)
{
	json_t *items = json_array();

	for (char **item = room->playlist; item && *item; item++)
		json_array_append_new(items, json_string(*item));
	if (json_array_size(items) > 0)
		return json_pack("{s:o, s:b, s:b, s:b}", "items", items, "shuffle", (int)room->playlist_shuffle,
			"repeat", (int)room->playlist_repeat, "patient", (int)room->playlist_patient);
	json_decref(items);
	return NULL;
}

void dh_config_room_set_playlist(struct dh_config_room *room, const json_t *playlist)
{
	const json_t *items = json_object_get(playlist, "items");
	GPtrArray *texts = g_ptr_array_new();
	size_t i;
	json_t *item;

	json_array_foreach(items, i, item)
		g_ptr_array_add(texts, g_strdup(json_string_value(item)));
	g_ptr_array_add(texts, NULL);
	g_strfreev(room->playlist);
	room->playlist = (char **)g_ptr_array_free(texts, FALSE);
	room->playlist_shuffle = json_is_true(json_object_get(playlist, "shuffle"));
	room->playlist_repeat = json_is_true(json_object_get(playlist, "repeat"));
	room->playlist_patient = json_is_true(json_object_get(playlist, "patient"));
}

static int check_playlist(const struct dh_config_room *room, const char *file, const char *category)
{
	json_t *playlist = dh_config_room_playlist(room);
	const char *expected = playlist ? dh_playlist_check(json_object_get(playlist, "items")) : NULL;

	json_decref(playlist);
	return expected ? dh_option_wrong(file, category, "playlist", expected) : 0;
}

/* Texts become records. */
static int check_forwards(struct dh_config_room *room, const char *file, const char *category)
{
	json_t *records = json_array(), *texts;
	char *expected = NULL;
	size_t i;

	json_array_foreach(room->forwards, i, texts) {
		json_t *record = dh_forward_record_parse(texts, &expected);
		if (!record)
			break;
		json_array_append_new(records, record);
	}
	json_decref(room->forwards);
	room->forwards = records;
	int err = expected ? dh_option_wrong(file, category, "forwards", expected) : 0;
	g_free(expected);
	return err;
}

int dh_config_room_read(const struct dh_config *config, const char *file, const janus_config_container *category,
	struct dh_config_room *room)
{
	int err = dh_options_read(file, category, room_options, room);

	if (!err)
		err = check_id(config, room, file, category->name);
	if (!err)
		err = check_metadata(room, file, category->name);
	if (!err && strcmp(room->duration, "speech") && strcmp(room->duration, "longest"))
		err = dh_option_wrong(file, category->name, "duration", "\"speech\" or \"longest\" is expected");
	enum dh_underrun underrun;
	if (!err && !dh_is_ptime(room->ptime))
		err = dh_option_wrong(file, category->name, "ptime", "20, 40 or 60 is expected");
	if (!err && !dh_delay_change(&(struct dh_delay){ 0 }, room->min_delay, room->max_delay))
		err = dh_option_wrong(file, category->name, "max_delay", "at least min_delay is expected");
	if (!err && !dh_underrun_parse(room->underrun, &underrun))
		err = dh_option_wrong(file, category->name, "underrun", "\"hold\", \"idle\" or \"skip\" is expected");
	if (!err && room->high_water_ms && room->high_water_ms <= room->low_water_ms)
		err = dh_option_wrong(file, category->name, "high_water_ms", "more than low_water_ms is expected");
	if (!err)
		err = check_playlist(room, file, category->name);
	if (!err && room->forwards)
		err = check_forwards(room, file, category->name);
	enum dh_floor_policy who;
	bool holds;
	if (!err && !dh_barge_in_mode_parse(room->barge_in_mode, &holds))
		err = dh_option_wrong(file, category->name, "barge_in_mode", "\"interrupt\" or \"hold\" is expected");
	if (!err && !dh_floor_policy_parse(room->barge_in_by, &who))
		err = dh_option_wrong(file, category->name, "barge_in_by",
			"\"nobody\", \"named\", \"one\" or \"all\" is expected");
	if (!err && !dh_barge_in_ms_is_valid(room->barge_in))
		err = dh_option_wrong(file, category->name, "barge_in", "0, or 100 to 5000 milliseconds are expected");
	return err;
}

int dh_config_room_check(const struct dh_config *config, const char *file, const char *category,
	const struct dh_config_room *room)
{
	if (!dh_config_find_avatar(config, room->avatar))
		return dh_option_wrong(file, category, "avatar", "there is no (correct) avatar of that name");
	if (room->generator && !dh_config_find_generator(config, room->generator))
		return dh_option_wrong(file, category, "generator", "there is no (correct) generator of that name");
	return 0;
}

struct dh_config_room *dh_config_room_find(const GPtrArray *rooms, const char *id)
{
	for (guint i = 0; i < rooms->len; i++) {
		struct dh_config_room *room = rooms->pdata[i];
		if (!strcmp(room->id, id))
			return room;
	}
	return NULL;
}

/* --- writing */

static void append_quoted(GString *out, const char *value)
{
	g_string_append_c(out, '"');
	for (; *value; value++) {
		if ((unsigned char)*value < 0x20 || *value == 0x7f)
			g_string_append_printf(out, "\\x%02x", *value);
		else if (*value == '"' || *value == '\\')
			g_string_append_printf(out, "\\%c", *value);
		else
			g_string_append_c(out, *value);
	}
	g_string_append_c(out, '"');
}

static void append_text(GString *out, const char *name, const char *value)
{
	if (!value)
		return;
	g_string_append_printf(out, "\t%s = ", name);
	append_quoted(out, value);
	g_string_append_c(out, '\n');
}

static void append_list(GString *out, const char *name, char *const *values)
{
	if (!values)
		return;
	g_string_append_printf(out, "\t%s = [ ", name);
	for (char *const *value = values; *value; value++) {
		g_string_append(out, value == values ? "" : ", ");
		append_quoted(out, *value);
	}
	g_string_append(out, " ]\n");
}

static void append_group(GString *out, const json_t *group)
{
	const char *name, *between = "{ ";
	json_t *value;

	json_object_foreach((json_t *)group, name, value) {
		g_string_append_printf(out, "%s%s = ", between, name);
		if (json_is_string(value))
			append_quoted(out, json_string_value(value));
		else if (json_is_boolean(value))
			g_string_append(out, json_is_true(value) ? "true" : "false");
		else /* it may be too large for libconfig's numbers */
			g_string_append_printf(out, "\"%" JSON_INTEGER_FORMAT "\"", json_integer_value(value));
		between = ", ";
	}
	g_string_append(out, " }");
}

static void append_groups(GString *out, const char *name, const json_t *groups)
{
	size_t i;
	json_t *group;

	if (!json_array_size(groups))
		return;
	g_string_append_printf(out, "\t%s = (", name);
	json_array_foreach(groups, i, group) {
		g_string_append(out, i ? ",\n\t\t" : "\n\t\t");
		append_group(out, group);
	}
	g_string_append(out, " )\n");
}

/* Writes texts and lists that are set, and flags and numbers that are not the default. */
void dh_config_room_write(const struct dh_config_room *room, GString *out)
{
	g_string_append_printf(out, "room-%s: {\n", room->name);
	for (const struct dh_option *o = room_options; o->name; o++) {
		const void *field = (const char *)room + o->offset;
		if (o->type == DH_OPTION_TEXT)
			append_text(out, o->name, *(char *const *)field);
		else if (o->type == DH_OPTION_NUMBER && *(const int64_t *)field != o->number)
			g_string_append_printf(out, "\t%s = %" G_GINT64_FORMAT "\n", o->name, *(const int64_t *)field);
		else if (o->type == DH_OPTION_FLAG && *(const int64_t *)field != o->number)
			g_string_append_printf(out, "\t%s = %s\n", o->name, *(const int64_t *)field ? "true" : "false");
		else if (o->type == DH_OPTION_LIST)
			append_list(out, o->name, *(char **const *)field);
		else if (o->type == DH_OPTION_GROUPS)
			append_groups(out, o->name, *(json_t *const *)field);
	}
	g_string_append(out, "}\n");
}
