#include "fanout.h"

void dh_fanout_init(struct dh_fanout *fanout, const struct dh_viewer_out *out, int64_t late_ticks,
	int64_t spread_ticks, size_t spread_from)
{
	fanout->out = *out;
	fanout->late_ticks = late_ticks;
	fanout->spread_from = spread_from;
	dh_pacer_init(&fanout->pacer, spread_ticks);
}

void dh_fanout_clear(struct dh_fanout *fanout)
{
	for (int g = 0; g < fanout->pacer.groups; g++) {
		while (fanout->viewers[g]) {
			struct dh_viewer *viewer = fanout->viewers[g];
			dh_fanout_remove(fanout, &viewer);
		}
	}
	dh_pacer_clear(&fanout->pacer);
}

/* --- viewers */

int dh_fanout_add(struct dh_fanout *fanout, const struct dh_continuity_seed *seed, void *user,
	struct dh_viewer **viewer)
{
	int err = dh_viewer_alloc(viewer, seed, user, &fanout->out);
	if (err)
		return err;
	struct dh_viewer *v = *viewer;
	v->group = dh_pacer_join(&fanout->pacer, fanout->spread_from);
	v->following = fanout->viewers[v->group];
	if (v->following)
		v->following->previous = v;
	fanout->viewers[v->group] = v;
	fanout->count++;
	fanout->newcomers = true;
	return 0;
}

void dh_fanout_remove(struct dh_fanout *fanout, struct dh_viewer **viewer)
{
	struct dh_viewer *v = *viewer;
	if (v->previous)
		v->previous->following = v->following;
	else
		fanout->viewers[v->group] = v->following;
	if (v->following)
		v->following->previous = v->previous;
	dh_pacer_leave(&fanout->pacer, v->group);
	fanout->count--;
	dh_viewer_free(viewer);
}

void dh_fanout_pause(struct dh_fanout *fanout, struct dh_viewer *viewer, bool paused)
{
	(void)fanout;
	dh_viewer_pause(viewer, paused);
}

/* --- items */

void dh_fanout_push(struct dh_fanout *fanout, const struct dh_item *item)
{
	if (dh_pacer_push(&fanout->pacer, item) && item->media == DH_VIDEO)
		fanout->lost = true;
}

void dh_fanout_lose(struct dh_fanout *fanout)
{
	fanout->lost = true;
}

static void deliver_to(struct dh_fanout *fanout, struct dh_viewer *viewer, struct dh_unit *anchor,
	int64_t media_ticks, uint64_t from, uint64_t to)
{
	int64_t offset = fanout->pacer.offset_ticks[viewer->group];
	if (!viewer->joined && anchor)
		dh_viewer_join(viewer, anchor, media_ticks - offset);
	if (fanout->lost)
		dh_viewer_wait(viewer);
	for (; from < to; from++) {
		const struct dh_item *item = dh_pacer_item(&fanout->pacer, from);
		dh_viewer_send(viewer, item, media_ticks - offset - item->media_ticks, fanout->late_ticks);
	}
}

void dh_fanout_deliver(struct dh_fanout *fanout, struct dh_unit *anchor, int64_t media_ticks)
{
	for (int g = 0; g < fanout->pacer.groups; g++) {
		uint64_t from, to;
		dh_pacer_due(&fanout->pacer, g, media_ticks, &from, &to);
		for (struct dh_viewer *v = fanout->viewers[g]; v; v = v->following)
			deliver_to(fanout, v, anchor, media_ticks, from, to);
	}
	fanout->lost = fanout->newcomers = false;
	dh_pacer_trim(&fanout->pacer);
}

int64_t dh_fanout_deadline_ticks(const struct dh_fanout *fanout)
{
	return fanout->newcomers ? 0 : dh_pacer_deadline_ticks(&fanout->pacer);
}
