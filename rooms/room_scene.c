/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a room shows, for those who make its next segment: one that begins with what is shown
 * makes no jump. */
#include "room_private.h"

#include <string.h>

#include "playout/timebase.h"

/* --- in the room's thread */

static void look_behind(const struct dh_room *room, const struct dh_segment *before, struct dh_feed_scene *scene)
{
	size_t last;

	if (!dh_segment_last_picture(before, room->facts.duration, &last))
		return;
	scene->has_luma = true;
	memcpy(scene->luma, dh_segment_unit(before, DH_VIDEO, last)->luma, DH_LUMA_BYTES);
}

static struct dh_feed_scene scene_after(const struct dh_room *room, const struct dh_segment *before)
{
	const struct dh_avatar_config *avatar = dh_avatar_get_config(room->facts.avatar);
	struct dh_feed_scene scene = { .clip = avatar->idle ? avatar->idle : avatar->portrait,
		.position_ticks = -1,
		.at_us = g_get_monotonic_time(),
		.look = dh_avatar_look,
		.clip_arg = room->facts.avatar };

	if (before)
		look_behind(room, before, &scene);
	else if (room->has_clip)
		scene.position_ticks = dh_playout_idle_at(room->playout, dh_now_ticks(), &scene.length_ticks);
	return scene;
}

void dh_room_scene_set(const struct dh_room *room, struct dh_feed *feed, const struct dh_segment *before)
{
	const struct dh_feed_scene scene = scene_after(room, before);

	dh_feed_set_scene(feed, &scene);
}

static int run_scene(struct dh_room *room, void *arg)
{
	struct dh_feed_scene *scene = arg;
	size_t waiting = dh_playout_waiting_count(room->playout);

	*scene = scene_after(room,
		waiting ? dh_playout_waiting(room->playout, waiting - 1) : dh_playout_playing(room->playout, NULL));
	return 0;
}

/* --- any other thread */

static json_t *scene_json(struct dh_feed_scene *scene)
{
	json_t *json = json_pack("{s:s}", "clip", scene->clip);

	if (scene->position_ticks >= 0) {
		dh_room_set_ms(json, "position_ms", scene->position_ticks);
		dh_room_set_ms(json, "length_ms", scene->length_ticks);
		scene->look(scene->clip_arg, scene->position_ticks, scene->luma);
		scene->has_luma = true;
	}
	char *thumbnail = scene->has_luma ? g_base64_encode(scene->luma, DH_LUMA_BYTES) : NULL;
	if (thumbnail)
		json_object_set_new(json, "thumbnail", json_string(thumbnail));
	g_free(thumbnail);
	return json;
}

int dh_room_scene(struct dh_room *room, json_t **reply)
{
	struct dh_feed_scene scene;
	int err = dh_room_call(room, run_scene, &scene);

	if (!err)
		*reply = scene_json(&scene);
	return err;
}
