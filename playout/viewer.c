/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "viewer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pacer.h"

/* How far before its entry an anchor is stamped: 90 ticks of 90 kHz. Chromium then
 * mostly shows the entry, not the anchor. */
#define ANCHOR_LEAD_TICKS (90 * DH_TICKS_PER_VIDEO_CLOCK)
#define BACKOFF_MIN_TICKS (1 * DH_TICKS_PER_SECOND)
#define BACKOFF_MAX_TICKS (4 * DH_TICKS_PER_SECOND)
/* A request this long after the last backoff has ended starts over. */
#define BACKOFF_FORGET_TICKS (10 * DH_TICKS_PER_SECOND)

int dh_viewer_alloc(struct dh_viewer **viewer, const struct dh_continuity_seed *seed, void *user,
	const struct dh_viewer_out *out)
{
	struct dh_viewer *v = calloc(1, sizeof *v);
	if (!v)
		return -ENOMEM;
	v->user = user;
	v->out = out;
	v->waiting = true;
	v->continues = seed->is_continued;
	v->from_ticks = seed->from_ticks;
	dh_continuity_init(&v->continuity, seed);
	*viewer = v;
	return 0;
}

void dh_viewer_free(struct dh_viewer **viewer)
{
	struct dh_viewer *v = *viewer;
	*viewer = NULL;
	if (!v)
		return;
	dh_outgoing_clear(&v->outgoing);
	dh_unit_unref(&v->holds);
	free(v);
}

/* --- packets */

struct payload {
	const uint8_t *descriptor, *data;
	size_t descriptor_size, size;
};

static void send_packet(struct dh_viewer *viewer, enum dh_media media, int64_t media_ticks, bool marker,
	const struct payload *payload)
{
	uint8_t rtp[DH_RTP_HEADER_SIZE + DH_VP8_DESCRIPTOR_SIZE + DH_AUDIO_UNIT_MAX];
	size_t at = DH_RTP_HEADER_SIZE;
	dh_continuity_next_header(&viewer->continuity, media, media_ticks, marker, rtp);
	if (payload->descriptor_size)
		memcpy(rtp + at, payload->descriptor, payload->descriptor_size);
	at += payload->descriptor_size;
	memcpy(rtp + at, payload->data, payload->size);
	at += payload->size;
	viewer->stats.packets[media]++;
	viewer->stats.bytes[media] += at;
	viewer->out->packet(viewer->out->arg, viewer->user, media, rtp, at);
}

static void note_lateness(struct dh_viewer *viewer, enum dh_media media, int64_t late_ticks)
{
	if (late_ticks > viewer->late_ticks[media])
		viewer->late_ticks[media] = late_ticks;
	if (late_ticks > viewer->stats.lateness_max_ticks)
		viewer->stats.lateness_max_ticks = late_ticks;
}

void dh_viewer_begin(struct dh_viewer *viewer)
{
	viewer->late_ticks[DH_AUDIO] = viewer->late_ticks[DH_VIDEO] = DH_LATE_NONE;
}

void dh_viewer_end(struct dh_viewer *viewer)
{
	bool is_any = viewer->late_ticks[DH_AUDIO] != DH_LATE_NONE || viewer->late_ticks[DH_VIDEO] != DH_LATE_NONE;

	if (is_any && viewer->out->handed)
		viewer->out->handed(viewer->out->arg, viewer->user, viewer->late_ticks);
}

/* --- pictures */

static void send_payload(void *arg, const struct dh_outgoing_picture *picture,
	const uint8_t descriptor[DH_VP8_DESCRIPTOR_SIZE], const uint8_t *data, size_t size, bool marker)
{
	struct dh_viewer *viewer = arg;
	const struct payload payload = { descriptor, data, DH_VP8_DESCRIPTOR_SIZE, size };
	send_packet(viewer, DH_VIDEO, picture->media_ticks, marker, &payload);
	if (!marker)
		return;
	viewer->stats.pictures++;
	viewer->stats.anchors += picture->is_anchor;
}

static void finish_pictures(struct dh_viewer *viewer)
{
	dh_outgoing_finish(&viewer->outgoing, send_payload, viewer);
}

static void number_picture(struct dh_viewer *viewer, struct dh_outgoing_picture *picture, uint32_t flags)
{
	uint16_t first = (uint16_t)(viewer->continuity.sequence[DH_VIDEO] + dh_outgoing_packets(&viewer->outgoing));
	bool is_base = (flags & DH_UNIT_ENTRY) != 0;
	uint8_t tl0picidx;

	if (is_base && !picture->is_anchor && dh_repair_rewind(&viewer->repair, &tl0picidx)) {
		dh_continuity_rewind(&viewer->continuity, tl0picidx);
		viewer->stats.repairs++;
	}
	dh_continuity_next_picture(&viewer->continuity, flags, &picture->numbers);
	if (is_base)
		dh_repair_note(&viewer->repair,
			&(struct dh_repair_base){ .first = first,
				.last = (uint16_t)(first + dh_vp8_packets(picture->unit->size) - 1),
				.tl0picidx = picture->numbers.tl0picidx,
				.is_anchor = picture->is_anchor,
				.is_wanted = picture->is_anchor && (viewer->joined || viewer->continues) &&
					viewer->holds != picture->unit });
}

/* An entry may wait behind the anchor that it needs. Any other picture that is still
 * leaving is finished first. */
static void begin_picture(struct dh_viewer *viewer, struct dh_outgoing_picture *picture, uint32_t flags,
	int64_t now_ticks, int64_t until_ticks)
{
	struct dh_outgoing *outgoing = &viewer->outgoing;
	if (outgoing->count && (outgoing->count > 1 || picture->is_anchor || !outgoing->pictures[0].is_anchor)) {
		note_lateness(viewer, DH_VIDEO, now_ticks - outgoing->next_ticks);
		finish_pictures(viewer);
	}
	number_picture(viewer, picture, flags);
	viewer->last_video_ticks = picture->media_ticks;
	dh_outgoing_add(outgoing, picture, now_ticks, until_ticks);
}

static void begin_anchor(struct dh_viewer *viewer, struct dh_unit *anchor, int64_t media_ticks, int64_t now_ticks)
{
	struct dh_outgoing_picture picture = { .unit = anchor, .is_anchor = true, .media_ticks = media_ticks };
	begin_picture(viewer, &picture, DH_UNIT_ENTRY, now_ticks, INT64_MAX);
	if (viewer->holds != anchor) {
		dh_unit_unref(&viewer->holds);
		viewer->holds = dh_unit_ref(anchor);
	}
	viewer->last_anchor_ticks = media_ticks;
	viewer->stale |= !viewer->joined;
	viewer->joined = true;
	viewer->waiting = true;
}

void dh_viewer_continue(struct dh_viewer *viewer, int64_t now_ticks)
{
	int64_t next_ticks = dh_viewer_next_ticks(viewer);
	if (now_ticks < next_ticks)
		return;
	/* the first burst is as late as its picture, which may be early */
	if (now_ticks > next_ticks || viewer->late_ticks[DH_VIDEO] == DH_LATE_NONE)
		note_lateness(viewer, DH_VIDEO, now_ticks - next_ticks);
	dh_outgoing_send(&viewer->outgoing, now_ticks, send_payload, viewer);
}

int64_t dh_viewer_next_ticks(const struct dh_viewer *viewer)
{
	return dh_outgoing_next_ticks(&viewer->outgoing);
}

/* The earliest media time whose RTP timestamp is newer than any that was sent. */
static int64_t after_last(const struct dh_viewer *viewer)
{
	return viewer->joined ? viewer->last_video_ticks + DH_TICKS_PER_VIDEO_CLOCK : 0;
}

void dh_viewer_join(struct dh_viewer *viewer, struct dh_unit *anchor, int64_t now_ticks)
{
	if (viewer->paused || viewer->muted[DH_VIDEO] || now_ticks < viewer->from_ticks)
		return;
	begin_anchor(viewer, anchor, now_ticks, now_ticks);
	dh_viewer_continue(viewer, now_ticks);
	viewer->answer_from_ticks = now_ticks + BACKOFF_MIN_TICKS;
}

void dh_viewer_set_keyframes(struct dh_viewer *viewer, int64_t every_ticks)
{
	viewer->keyframe_ticks = every_ticks;
}

void dh_viewer_set_quality(struct dh_viewer *viewer, int quality, bool thin)
{
	viewer->wanted_quality = quality;
	viewer->thin = thin;
}

/* --- answers to PLI */

static void want_answer(struct dh_viewer *viewer, int64_t now_ticks)
{
	if (now_ticks > viewer->answer_from_ticks + BACKOFF_FORGET_TICKS)
		viewer->backoff_ticks = 0;
	viewer->pli = true;
}

/* Its decoder can show nothing new before the answer, so send no pictures until
 * then. */
void dh_viewer_lost(struct dh_viewer *viewer, int64_t now_ticks)
{
	want_answer(viewer, now_ticks);
	if (now_ticks >= viewer->answer_from_ticks)
		viewer->waiting = true;
}

void dh_viewer_pli(struct dh_viewer *viewer, int64_t now_ticks)
{
	viewer->stats.plis++;
	if (viewer->relays)
		want_answer(viewer, now_ticks);
	else
		dh_viewer_lost(viewer, now_ticks);
}

static bool wants_answer(const struct dh_viewer *viewer, int64_t media_ticks)
{
	struct dh_answers *answers = viewer->answers;

	if (!viewer->pli || media_ticks < viewer->answer_from_ticks)
		return false;
	if (answers->entry_ticks != media_ticks)
		*answers = (struct dh_answers){ media_ticks, 0, answers->most };
	return answers->given < answers->most;
}

static void answered(struct dh_viewer *viewer, int64_t media_ticks)
{
	viewer->pli = false;
	viewer->answers->given++;
	viewer->backoff_ticks = viewer->backoff_ticks ? viewer->backoff_ticks * 2 : BACKOFF_MIN_TICKS;
	if (viewer->backoff_ticks > BACKOFF_MAX_TICKS)
		viewer->backoff_ticks = BACKOFF_MAX_TICKS;
	viewer->answer_from_ticks = media_ticks + viewer->backoff_ticks;
}

void dh_viewer_hear(struct dh_viewer *viewer, const struct dh_repair_report *report)
{
	dh_repair_hear(&viewer->repair, report);
}

/* --- items */

static bool wants_again(const struct dh_viewer *viewer, int64_t media_ticks)
{
	return viewer->keyframe_ticks && media_ticks - viewer->last_anchor_ticks >= viewer->keyframe_ticks;
}

/* Sends the anchor that the entry `item` needs, if the viewer lacks it or asked for it.
 * False: there is no timestamp left for it between the last picture and this one. */
static bool prepare_entry(struct dh_viewer *viewer, const struct dh_item *item, int64_t now_ticks)
{
	bool answer = wants_answer(viewer, item->media_ticks);
	bool can_do_without = !answer && viewer->holds == item->anchor;
	bool repair = viewer->repair.wants_anchor;
	if (can_do_without && !repair && !wants_again(viewer, item->media_ticks))
		return true;
	int64_t at = item->media_ticks - ANCHOR_LEAD_TICKS;
	if (at < after_last(viewer))
		at = after_last(viewer);
	if (at + DH_TICKS_PER_VIDEO_CLOCK > item->media_ticks)
		return can_do_without;
	begin_anchor(viewer, item->anchor, at, now_ticks);
	if (answer)
		answered(viewer, item->media_ticks);
	else if (repair)
		viewer->stats.repairs++;
	return true;
}

static bool is_droppable(const struct dh_item *item)
{
	return (item->unit->flags & DH_UNIT_DROPPABLE) != 0;
}

/* An older entry would be a step back for those who have something newer; behind one that relays there may be some
 * who have nothing. */
static bool takes(const struct dh_viewer *viewer, const struct dh_item *item)
{
	if (!viewer->joined || (viewer->waiting && !(item->unit->flags & DH_UNIT_ENTRY)))
		return false;
	if (item->repeats != DH_REPEAT_OLDER || (viewer->waiting && viewer->stale))
		return true;
	return viewer->relays && (wants_answer(viewer, item->media_ticks) || wants_again(viewer, item->media_ticks));
}

/* The picture in the viewer's quality, which changes only at an entry: all others refer to the picture before them. */
static struct dh_unit *choose_quality(struct dh_viewer *viewer, struct dh_unit *unit)
{
	if (unit->flags & DH_UNIT_ENTRY)
		viewer->quality = viewer->wanted_quality;
	int quality = 0;
	for (; quality < viewer->quality && unit->lower; quality++)
		unit = unit->lower;
	viewer->stats.switches += viewer->stats.quality != quality;
	viewer->stats.quality = quality;
	return unit;
}

static void send_video(struct dh_viewer *viewer, const struct dh_item *item, int64_t now_ticks)
{
	bool is_entry = (item->unit->flags & DH_UNIT_ENTRY) != 0;
	if (!takes(viewer, item))
		return;
	if (viewer->thin && is_droppable(item)) {
		viewer->stats.left_out++;
		return;
	}
	if (item->media_ticks < after_last(viewer) || (is_entry && !prepare_entry(viewer, item, now_ticks))) {
		viewer->waiting |= !item->repeats;
		return;
	}
	struct dh_outgoing_picture picture = { .unit = choose_quality(viewer, item->unit),
		.media_ticks = item->media_ticks };
	viewer->waiting = viewer->stale = item->repeats == DH_REPEAT_OLDER;
	note_lateness(viewer, DH_VIDEO, now_ticks - item->media_ticks);
	begin_picture(viewer, &picture, item->unit->flags, now_ticks,
		item->media_ticks + item->unit->duration_ticks - DH_TOGETHER_TICKS);
	dh_viewer_continue(viewer, now_ticks);
}

static void send_audio(struct dh_viewer *viewer, const struct dh_item *item, int64_t now_ticks)
{
	bool marker = item->unit && (item->talkspurt || !viewer->spoken);
	struct payload payload = { 0 };
	payload.data = dh_item_sound(item, &payload.size);
	viewer->spoken |= item->unit != NULL;
	note_lateness(viewer, DH_AUDIO, now_ticks - item->media_ticks);
	send_packet(viewer, DH_AUDIO, item->media_ticks, marker, &payload);
}

void dh_viewer_send(struct dh_viewer *viewer, const struct dh_item *item, int64_t now_ticks, int64_t late_max_ticks)
{
	if (viewer->paused || viewer->muted[item->media] || item->media_ticks < viewer->from_ticks)
		return;
	if (now_ticks - item->media_ticks > late_max_ticks) {
		viewer->stats.late_dropped++;
		if (item->media == DH_VIDEO)
			viewer->waiting |= !item->repeats && !is_droppable(item);
		return;
	}
	if (item->media == DH_VIDEO)
		send_video(viewer, item, now_ticks);
	else
		send_audio(viewer, item, now_ticks);
}

void dh_viewer_wait(struct dh_viewer *viewer)
{
	viewer->waiting = true;
}

void dh_viewer_pause(struct dh_viewer *viewer, bool paused)
{
	if (viewer->paused == paused)
		return;
	finish_pictures(viewer);
	viewer->paused = paused;
	viewer->waiting = viewer->stale = true;
}

void dh_viewer_mute(struct dh_viewer *viewer, enum dh_media media, bool muted)
{
	if (viewer->muted[media] == muted)
		return;
	if (media == DH_VIDEO) {
		finish_pictures(viewer);
		viewer->waiting = viewer->stale = true;
	}
	viewer->muted[media] = muted;
}
