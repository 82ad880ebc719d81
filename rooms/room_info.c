/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is said of a room. Any thread. */
#include "room_private.h"

static json_t *voices_of(const struct dh_generator_config *generator)
{
	json_t *voices = json_array();

	for (char **voice = generator ? generator->voices : NULL; voice && *voice; voice++)
		json_array_append_new(voices, json_string(*voice));
	return voices;
}

/* Details that need the room's secret. */
static void add_details(struct dh_room *room, const struct dh_settings *settings, json_t *info)
{
	const struct dh_room_facts *facts = &room->facts;

	json_object_set_new(info, "is_secret", json_boolean(settings->secret != NULL));
	json_object_set_new(info, "signed_tokens", json_boolean(settings->signed_tokens));
	json_object_set_new(info, "duration",
		json_string(facts->duration == DH_DURATION_LONGEST ? "longest" : "speech"));
	json_object_set_new(info, "background",
		json_string(dh_avatar_background_name(dh_avatar_get_config(facts->avatar))));
	json_object_set_new(info, "underrun", json_string(dh_underrun_name(facts->underrun)));
	json_object_set_new(info, "preroll_ms", json_integer(facts->preroll_ms));
	json_object_set_new(info, "seam_wait_ms", json_integer(facts->seam_wait_ms));
	json_object_set_new(info, "ptime", json_integer(facts->ptime));
	json_object_set_new(info, "min_delay", facts->delay.is_set ? json_integer(facts->delay.min) : json_null());
	json_object_set_new(info, "max_delay", facts->delay.is_set ? json_integer(facts->delay.max) : json_null());
	json_object_set_new(info, "low_water_ms", json_integer(facts->low_water_ms));
	json_object_set_new(info, "high_water_ms", json_integer(facts->high_water_ms));
	dh_barge_in_describe(&settings->barge_in, info);
	json_object_set_new(info, "forwards", json_integer(dh_room_rtp_forward_count(room)));
	json_object_set_new(info, "microphones", json_integer(dh_room_microphones(room)));
	json_object_set_new(info, "watching", json_integer(dh_room_viewer_count(room)));
	json_object_set_new(info, "observing", json_integer(dh_room_observer_count(room)));
	json_object_set_new(info, "without_audio", json_integer(atomic_load(&room->without[DH_AUDIO])));
	json_object_set_new(info, "without_video", json_integer(atomic_load(&room->without[DH_VIDEO])));
	char *text = dh_room_state(room) == DH_ROOM_FAILED ? dh_avatar_error(facts->avatar) : NULL;
	if (text)
		json_object_set_new(info, "error", json_string(text));
	g_free(text);
}

void dh_room_get_waiting(const struct dh_room *room, struct dh_room_waiting *waiting)
{
	waiting->segments = atomic_load(&room->waiting);
	waiting->ms = atomic_load(&room->waiting_ms);
	waiting->bytes = atomic_load(&room->waiting_bytes);
}

json_t *dh_room_info(struct dh_room *room, bool all)
{
	const struct dh_room_facts *facts = &room->facts;
	const struct dh_avatar_config *avatar = dh_avatar_get_config(facts->avatar);
	struct dh_settings *settings = dh_room_settings(room);
	json_t *info = json_pack("{s:o, s:s, s:s, s:b, s:b, s:b, s:o, s:s, s:b, s:i, s:i}", "id", dh_room_id_json(room),
		"description", settings->description, "avatar", avatar->name, "is_private", (int)settings->is_private,
		"pin_required", settings->pin != NULL, "has_generator", facts->generator != NULL, "voices",
		voices_of(facts->generator), "state", dh_room_state_name(dh_room_state(room)), "enabled",
		atomic_load(&room->enabled), "viewers", atomic_load(&room->viewers), "waiting",
		atomic_load(&room->waiting));

	dh_avatar_describe(avatar, info);
	dh_avatar_describe_qualities(avatar, info);
	if (settings->disclosure)
		json_object_set_new(info, "disclosure", json_string(settings->disclosure));
	if (json_object_size(settings->metadata))
		json_object_set_new(info, "metadata", json_deep_copy(settings->metadata));
	if (all)
		add_details(room, settings, info);
	dh_settings_unref(&settings);
	return info;
}
