#include "viewer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Where the anchor of an answered PLI stands before its entry: 90 ticks of
 * 90 kHz. Chromium then nearly always shows the entry and not the anchor. */
#define ANCHOR_LEAD_TICKS  (90 * DH_TICKS_PER_VIDEO_CLOCK)
#define BACKOFF_MIN_TICKS  (1 * DH_TICKS_PER_SECOND)
#define BACKOFF_MAX_TICKS  (4 * DH_TICKS_PER_SECOND)
/* After this long without a request a new one counts as the first again. */
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
	dh_continuity_init(&v->continuity, seed);
	*viewer = v;
	return 0;
}

void dh_viewer_free(struct dh_viewer **viewer)
{
	if (*viewer)
		dh_unit_unref(&(*viewer)->holds);
	free(*viewer);
	*viewer = NULL;
}

/* --- packets */

struct packet {
	struct dh_viewer *viewer;
	int64_t media_ticks;
};

static void send_packet(const struct packet *packet, enum dh_media media, bool marker,
	const uint8_t *descriptor, size_t descriptor_size, const uint8_t *data, size_t size)
{
	struct dh_viewer *viewer = packet->viewer;
	uint8_t rtp[DH_RTP_HEADER_SIZE + DH_VP8_DESCRIPTOR_SIZE + DH_AUDIO_UNIT_MAX];
	size_t at = DH_RTP_HEADER_SIZE;
	dh_continuity_next_header(&viewer->continuity, media, packet->media_ticks, marker, rtp);
	if (descriptor_size)
		memcpy(rtp + at, descriptor, descriptor_size);
	at += descriptor_size;
	memcpy(rtp + at, data, size);
	at += size;
	viewer->stats.packets[media]++;
	viewer->stats.bytes[media] += at;
	viewer->out->packet(viewer->out->arg, viewer->user, media, rtp, at);
}

static void send_payload(void *arg, const uint8_t descriptor[DH_VP8_DESCRIPTOR_SIZE],
	const uint8_t *data, size_t size, bool marker)
{
	send_packet(arg, DH_VIDEO, marker, descriptor, DH_VP8_DESCRIPTOR_SIZE, data, size);
}

static void send_picture(struct dh_viewer *viewer, const struct dh_unit *unit, uint32_t flags,
	int64_t media_ticks)
{
	struct packet packet = { viewer, media_ticks };
	struct dh_vp8_picture picture;
	dh_continuity_next_picture(&viewer->continuity, flags, &picture);
	dh_vp8_packetise(unit->data, unit->size, &picture, send_payload, &packet);
	viewer->last_video_ticks = media_ticks;
	viewer->stats.pictures++;
}

static void send_anchor(struct dh_viewer *viewer, struct dh_unit *anchor, int64_t media_ticks)
{
	send_picture(viewer, anchor, 0, media_ticks);
	viewer->stats.anchors++;
	if (viewer->holds != anchor) {
		dh_unit_unref(&viewer->holds);
		viewer->holds = dh_unit_ref(anchor);
	}
	viewer->joined = true;
	viewer->waiting = true;
}

/* The first RTP timestamp that is newer than all that were sent. */
static int64_t after_last(const struct dh_viewer *viewer)
{
	return viewer->joined ? viewer->last_video_ticks + DH_TICKS_PER_VIDEO_CLOCK : 0;
}

/* --- video */

void dh_viewer_join(struct dh_viewer *viewer, struct dh_unit *anchor, int64_t media_ticks)
{
	if (viewer->paused || media_ticks < 0)
		return;
	send_anchor(viewer, anchor, media_ticks);
	viewer->answer_from_ticks = media_ticks + BACKOFF_MIN_TICKS;
}

void dh_viewer_pli(struct dh_viewer *viewer, int64_t media_ticks)
{
	viewer->stats.plis++;
	if (media_ticks > viewer->answer_from_ticks + BACKOFF_FORGET_TICKS)
		viewer->backoff_ticks = 0;
	viewer->pli = true;
	/* Its picture stands: nothing that it cannot decode, until an answer is due. */
	if (media_ticks >= viewer->answer_from_ticks)
		viewer->waiting = true;
}

static bool wants_answer(const struct dh_viewer *viewer, int64_t media_ticks)
{
	return viewer->pli && media_ticks >= viewer->answer_from_ticks;
}

static void answered(struct dh_viewer *viewer, int64_t media_ticks)
{
	viewer->pli = false;
	viewer->backoff_ticks = viewer->backoff_ticks ? viewer->backoff_ticks * 2 : BACKOFF_MIN_TICKS;
	if (viewer->backoff_ticks > BACKOFF_MAX_TICKS)
		viewer->backoff_ticks = BACKOFF_MAX_TICKS;
	viewer->answer_from_ticks = media_ticks + viewer->backoff_ticks;
}

/* Makes the decoder fit for the entry `item`; false when there is no room for an
 * anchor between the last picture and this one. */
static bool prepare_entry(struct dh_viewer *viewer, const struct dh_item *item)
{
	bool answer = wants_answer(viewer, item->media_ticks);
	if (!answer && dh_unit_same_bytes(viewer->holds, item->anchor))
		return true;
	int64_t at = item->media_ticks - ANCHOR_LEAD_TICKS;
	if (at < after_last(viewer))
		at = after_last(viewer);
	if (at + DH_TICKS_PER_VIDEO_CLOCK > item->media_ticks)
		return false;
	send_anchor(viewer, item->anchor, at);
	if (answer)
		answered(viewer, item->media_ticks);
	return true;
}

static void send_video(struct dh_viewer *viewer, const struct dh_item *item)
{
	bool is_entry = (item->unit->flags & DH_UNIT_ENTRY) != 0;
	if (!viewer->joined || (viewer->waiting && !is_entry))
		return;
	if (item->media_ticks < after_last(viewer) || (is_entry && !prepare_entry(viewer, item))) {
		viewer->waiting = true;
		return;
	}
	viewer->waiting = false;
	send_picture(viewer, item->unit, item->unit->flags, item->media_ticks);
}

void dh_viewer_wait(struct dh_viewer *viewer)
{
	viewer->waiting = true;
}

void dh_viewer_pause(struct dh_viewer *viewer, bool paused)
{
	viewer->paused = paused;
	viewer->waiting = true;
}

/* --- any */

static void send_audio(struct dh_viewer *viewer, const struct dh_item *item)
{
	struct packet packet = { viewer, item->media_ticks };
	bool marker = item->unit && (item->talkspurt || !viewer->spoken);
	viewer->spoken |= item->unit != NULL;
	if (item->unit)
		send_packet(&packet, DH_AUDIO, marker, NULL, 0, item->unit->data, item->unit->size);
	else
		send_packet(&packet, DH_AUDIO, marker, NULL, 0, item->silence, item->silence_size);
}

void dh_viewer_send(struct dh_viewer *viewer, const struct dh_item *item, int64_t late_ticks,
	int64_t late_max_ticks)
{
	if (viewer->paused)
		return;
	if (late_ticks > late_max_ticks) {
		viewer->stats.late_dropped++;
		if (item->media == DH_VIDEO)
			viewer->waiting = true;
		return;
	}
	if (late_ticks > viewer->stats.lateness_max_ticks)
		viewer->stats.lateness_max_ticks = late_ticks;
	if (item->media == DH_VIDEO)
		send_video(viewer, item);
	else
		send_audio(viewer, item);
}
