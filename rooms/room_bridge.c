/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The bridge from the end of what plays, or from one of the avatar's clips, to another one, or to what waits for its
 * moment. A worker makes it while the segment still plays, or until the clip's next entry, or until that moment; one
 * that is not there in time is not waited for. In the room's thread. */
#include "room_private.h"

#include "ingest/bridge_maker.h"
#include "ingest/log.h"
#include "playout/timebase.h"

/* So long before a clip is left: what has been made before is there by then, and most others. */
#define MAKE_TICKS (250 * DH_TICKS_PER_MS)

/* What is being made. */
struct making {
	struct dh_room *room; /* a reference */
	struct dh_unit *from; /* a reference */
	uint64_t number;      /* as the room counts them */
	enum dh_stance to;    /* see playout/bridge.h */
	size_t back;
	bool leaves; /* … dh_playout_plan_approach */
	int64_t leave_ticks;
};

/* --- what was made */

struct made_command {
	struct dh_command command;
	struct dh_room *room; /* a reference */
	struct dh_unit *from; /* a reference */
	uint64_t number;
	enum dh_stance to;
	size_t back;
	bool leaves;
	int64_t leave_ticks;
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

/* It comes too late, or other pictures are shown: then it has no effect. */
static void use_approach(struct dh_room *room, struct made_command *c)
{
	if (!dh_playout_set_approach(room->playout, c->bridge, c->leave_ticks))
		c->bridge = NULL;
}

static void use(struct dh_room *room, struct made_command *c)
{
	room->bridge_misfits = dh_playout_set_bridge(room->playout, c->bridge, c->from, c->to, c->back) != 0;
	if (!room->bridge_misfits)
		c->bridge = NULL;
	else
		dh_log(DH_LOG_WARNING,
			"room %s: fade_ms has no effect: the idle clip's anchor is another one than its "
			"pictures would have now; was it prepared by another version?",
			room->id);
}

static void made_run(void *owner, struct dh_command *command)
{
	struct made_command *c = (struct made_command *)command;
	struct dh_room *room = owner;

	if (c->number == room->bridge_number && c->leaves)
		use_approach(room, c);
	else if (c->number == room->bridge_number)
		use(room, c);
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
	c->number = making->number;
	c->to = making->to;
	c->back = making->back;
	c->leaves = making->leaves;
	c->leave_ticks = making->leave_ticks;
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

/* Of a loop. */
static GPtrArray *pictures_of(const struct dh_segment *segment, size_t first, size_t count)
{
	GPtrArray *units = dh_bridge_units_new();

	for (size_t i = 0; i < count; i++)
		g_ptr_array_add(units,
			dh_unit_ref(
				dh_segment_unit(segment, DH_VIDEO, (first + i) % dh_segment_count(segment, DH_VIDEO))));
	return units;
}

/* Instead of the one before. `from`: the picture that it leads from. */
static void start(struct dh_room *room, const char *of, const char *name, bool is_kept, bool leaves,
	struct dh_unit *from, const struct dh_bridge_plan *plan)
{
	static const struct dh_bridge_listener listener = { made, gone };
	const struct dh_avatar_config *avatar = dh_avatar_get_config(room->facts.avatar);
	struct making *making = g_new0(struct making, 1);
	char *whole = g_strdup_printf("room %s: %s %s", room->id, of, name);
	const struct dh_bridge_spec spec = {
		.name = whole,
		.owner = room,
		.width = (int)avatar->width,
		.height = (int)avatar->height,
		.kbps = (int)avatar->kbps,
		.kbps_2 = (int)avatar->kbps_2,
		.kbps_3 = (int)avatar->kbps_3,
		.entry_ms = (int)avatar->entry_ms,
		.temporal = avatar->temporal != 0,
		.background = dh_avatar_plain_background(avatar),
		.picture = dh_avatar_picture(room->facts.avatar),
		.frame = dh_avatar_frame(room->facts.avatar),
		.tail = pictures_of(plan->from, plan->tail_first, plan->tail_count),
		.lead = pictures_of(plan->clip, plan->lead_first, plan->lead_count),
		.tail_anchor = dh_unit_ref(dh_segment_anchor(plan->from)),
		.lead_anchor = dh_unit_ref(dh_segment_anchor(plan->clip)),
		.skip = (int)plan->skip,
		.leaves = leaves,
		.is_kept = is_kept,
	};

	dh_room_bridge_close(room);
	room->bridge_from = dh_unit_ref(from);
	room->bridge_to = plan->to;
	room->bridge_leave_ticks = plan->leave_ticks;
	making->room = dh_room_ref(room);
	making->from = dh_unit_ref(from);
	making->number = ++room->bridge_number;
	making->to = plan->to;
	making->back = plan->back;
	making->leaves = leaves;
	making->leave_ticks = plan->leave_ticks;
	room->bridge = dh_bridge_maker_new(room->context.ingest, &spec, &listener, making);
	g_free(whole);
}

/* Nobody sees what happens without viewers; and where something is ready, it plays next. */
static bool may_idle_next(const struct dh_room *room)
{
	const struct dh_segment *next = dh_playout_waiting(room->playout, 0);

	return room->has_clip && dh_playout_viewers(room->playout) > 0 &&
		!(next && dh_playout_is_ready(room->playout, next));
}

static int64_t fade_ticks_of(const struct dh_room *room)
{
	return room->bridge_misfits ? 0 : dh_avatar_get_config(room->facts.avatar)->fade_ms * DH_TICKS_PER_MS;
}

void dh_room_bridge_prepare(struct dh_room *room)
{
	const struct dh_segment *playing = dh_playout_playing(room->playout, NULL);
	int64_t fade_ticks = fade_ticks_of(room);
	struct dh_bridge_plan plan;
	size_t last;

	if (!fade_ticks || !playing || !may_idle_next(room) ||
		!dh_segment_last_picture(playing, room->facts.duration, &last))
		return;
	struct dh_unit *from = dh_segment_unit(playing, DH_VIDEO, last);
	if (from == room->bridge_from && room->bridge_to == room->stance_shown) /* there already, or on its way */
		return;
	if (!dh_playout_plan_bridge(room->playout, fade_ticks, &plan))
		start(room, "segment", dh_segment_id(playing), dh_feed_is_kept(dh_segment_user(playing)), false, from,
			&plan);
}

void dh_room_bridge_turn(struct dh_room *room)
{
	int64_t fade_ticks = fade_ticks_of(room);
	struct dh_bridge_plan plan;

	if (!fade_ticks || dh_playout_viewers(room->playout) == 0 ||
		dh_playout_plan_turn(room->playout, MAKE_TICKS, fade_ticks, &plan))
		return;
	size_t last = plan.tail_first + plan.tail_count - 1;
	start(room, "state", dh_room_state_name(dh_room_stance_state(room)), true, false,
		dh_segment_unit(plan.from, DH_VIDEO, last), &plan);
	dh_playout_leave_clip_at(room->playout, plan.leave_ticks);
}

void dh_room_bridge_approach(struct dh_room *room)
{
	struct dh_bridge_plan plan;

	if (!fade_ticks_of(room) || !room->facts.seam_wait_ms || dh_playout_plan_approach(room->playout, &plan))
		return;
	struct dh_unit *first = dh_segment_unit(plan.from, DH_VIDEO, 0);
	if (first != room->bridge_from || plan.leave_ticks != room->bridge_leave_ticks)
		start(room, "segment", dh_segment_id(plan.from), dh_feed_is_kept(dh_segment_user(plan.from)), true,
			first, &plan);
}

void dh_room_bridge_close(struct dh_room *room)
{
	dh_bridge_maker_free(&room->bridge);
	dh_unit_unref(&room->bridge_from);
}
