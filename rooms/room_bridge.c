/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The bridge from the end of what plays to the idle clip. A worker makes it while the segment
 * still plays; one that is not there in time is not waited for. In the room's thread. */
#include "room_private.h"

#include "ingest/bridge_maker.h"
#include "ingest/log.h"
#include "playout/timebase.h"

/* What is being made. */
struct making {
	struct dh_room *room; /* a reference */
	struct dh_unit *from; /* a reference */
	size_t back;          /* see playout/bridge.h */
};

/* --- what was made */

struct made_command {
	struct dh_command command;
	struct dh_room *room; /* a reference */
	struct dh_unit *from; /* a reference */
	size_t back;
	struct dh_segment *bridge;
};

static void made_free(struct dh_command *command)
{
	struct made_command *c = (struct made_command *)command;

	dh_segment_free(&c->bridge);
	dh_unit_unref(&c->from);
	dh_room_unref(&c->room);
	g_free(c);
}

static void made_run(void *owner, struct dh_command *command)
{
	struct made_command *c = (struct made_command *)command;
	struct dh_room *room = owner;

	if (c->from == room->bridge_from) {
		room->bridge_misfits = dh_playout_set_bridge(room->playout, c->bridge, c->from, c->back) != 0;
		if (!room->bridge_misfits)
			c->bridge = NULL;
		else
			dh_log(DH_LOG_WARNING,
				"room %s: fade_ms has no effect: the idle clip's anchor is another one than its "
				"pictures would have now; was it prepared by another version?",
				room->id);
	}
	made_free(command);
}

/* The I/O thread. */
static void made(void *arg, struct dh_segment *bridge)
{
	struct made_command *c = g_new0(struct made_command, 1);
	const struct making *making = arg;

	c->command.run = made_run;
	c->command.discard = made_free;
	c->room = dh_room_ref(making->room);
	c->from = dh_unit_ref(making->from);
	c->back = making->back;
	c->bridge = bridge;
	dh_room_thread_post(c->room->thread, &c->command);
}

/* The I/O thread. */
static void gone(void *arg)
{
	struct making *making = arg;

	dh_unit_unref(&making->from);
	dh_room_unref(&making->room);
	g_free(making);
}

/* --- having it made */

static GPtrArray *tail_of(const struct dh_segment *segment, const struct dh_bridge_plan *plan)
{
	GPtrArray *units = dh_bridge_units_new();

	for (size_t i = 0; i < plan->tail_count; i++)
		g_ptr_array_add(units, dh_unit_ref(dh_segment_unit(segment, DH_VIDEO, plan->tail_first + i)));
	return units;
}

static GPtrArray *lead_of(const struct dh_room *room, const struct dh_bridge_plan *plan)
{
	GPtrArray *units = dh_bridge_units_new();

	for (size_t i = 0; i < plan->lead_count; i++)
		g_ptr_array_add(units, dh_unit_ref(dh_playout_idle_picture(room->playout, plan->lead_first + i)));
	return units;
}

static void start(struct dh_room *room, const struct dh_segment *segment, const struct dh_bridge_plan *plan)
{
	static const struct dh_bridge_listener listener = { made, gone };
	const struct dh_avatar_config *avatar = dh_avatar_get_config(room->facts.avatar);
	const struct dh_feed *feed = dh_segment_user(segment);
	struct making *making = g_new0(struct making, 1);
	char *name = g_strdup_printf("room %s: segment %s", room->id, dh_segment_id(segment));
	const struct dh_bridge_spec spec = {
		.name = name,
		.owner = room,
		.width = (int)avatar->width,
		.height = (int)avatar->height,
		.kbps = (int)avatar->kbps,
		.entry_ms = (int)avatar->entry_ms,
		.background = dh_avatar_plain_background(avatar),
		.picture = dh_avatar_picture(room->facts.avatar),
		.frame = dh_avatar_frame(room->facts.avatar),
		.tail = tail_of(segment, plan),
		.lead = lead_of(room, plan),
		.tail_anchor = dh_unit_ref(dh_segment_anchor(segment)),
		.lead_anchor = dh_unit_ref(dh_playout_idle_anchor(room->playout)),
		.skip = (int)plan->skip,
		.is_kept = dh_feed_is_kept(feed),
	};

	making->room = dh_room_ref(room);
	making->from = dh_unit_ref(room->bridge_from);
	making->back = plan->back;
	room->bridge = dh_bridge_maker_new(room->context.ingest, &spec, &listener, making);
	g_free(name);
}

/* Nobody sees what happens without viewers; and where something is ready, it plays next. */
static bool may_idle_next(const struct dh_room *room)
{
	const struct dh_segment *next = dh_playout_waiting(room->playout, 0);

	return room->has_clip && dh_playout_viewers(room->playout) > 0 &&
		!(next && dh_playout_is_ready(room->playout, next));
}

void dh_room_bridge_prepare(struct dh_room *room)
{
	int64_t fade_ms = dh_avatar_get_config(room->facts.avatar)->fade_ms;
	const struct dh_segment *playing = dh_playout_playing(room->playout, NULL);
	struct dh_bridge_plan plan;
	size_t last;

	if (fade_ms == 0 || room->bridge_misfits || !playing || !may_idle_next(room) ||
		!dh_segment_last_picture(playing, room->facts.duration, &last))
		return;
	struct dh_unit *from = dh_segment_unit(playing, DH_VIDEO, last);
	if (from == room->bridge_from) /* there already, or on its way */
		return;
	if (dh_playout_plan_bridge(room->playout, fade_ms * DH_TICKS_PER_MS, &plan))
		return;
	dh_bridge_maker_free(&room->bridge);
	dh_unit_unref(&room->bridge_from);
	room->bridge_from = dh_unit_ref(from);
	start(room, playing, &plan);
}

void dh_room_bridge_close(struct dh_room *room)
{
	dh_bridge_maker_free(&room->bridge);
	dh_unit_unref(&room->bridge_from);
}
