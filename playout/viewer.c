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

int dh_viewer_alloc(struct dh_viewer **viewer, const struct dh_continuity_seed *seed, void *user)
{
	struct dh_viewer *v = calloc(1, sizeof *v);
	if (!v)
		return -ENOMEM;
	v->user = user;
	v->waiting = 1;
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

/* ---------------------------------------------------------- packets */

struct packet {
	struct dh_viewer *viewer;
	const struct dh_viewer_out *out;
	int64_t media_ticks;
};

static void send_packet(const struct packet *packet, enum dh_media media, int marker,
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
	packet->out->sink->packet(packet->out->arg, viewer->user, media, rtp, at);
}

static void send_payload(void *arg, const uint8_t descriptor[DH_VP8_DESCRIPTOR_SIZE],
	const uint8_t *data, size_t size, int marker)
{
	send_packet(arg, DH_VIDEO, marker, descriptor, DH_VP8_DESCRIPTOR_SIZE, data, size);
}

static void send_picture(struct dh_viewer *viewer, const struct dh_unit *unit, uint32_t flags,
	int64_t media_ticks, const struct dh_viewer_out *out)
{
	struct packet packet = { viewer, out, media_ticks };
	struct dh_vp8_picture picture;
	dh_continuity_next_picture(&viewer->continuity, flags, &picture);
	dh_vp8_packetise(unit->data, unit->size, &picture, send_payload, &packet);
	viewer->last_video_ticks = media_ticks;
	viewer->stats.pictures++;
}

static void send_anchor(struct dh_viewer *viewer, struct dh_unit *anchor, int64_t media_ticks,
	const struct dh_viewer_out *out)
{
	send_picture(viewer, anchor, 0, media_ticks, out);
	viewer->stats.anchors++;
	if (viewer->holds != anchor) {
		dh_unit_unref(&viewer->holds);
		viewer->holds = dh_unit_ref(anchor);
	}
	viewer->joined = 1;
	viewer->waiting = 1;
}

/* The first RTP timestamp that is newer than all that were sent. */
static int64_t after_last(const struct dh_viewer *viewer)
{
	return viewer->joined ? viewer->last_video_ticks + DH_TICKS_PER_VIDEO_CLOCK : 0;
}

/* ------------------------------------------------------------ video */

void dh_viewer_join(struct dh_viewer *viewer, struct dh_unit *anchor, int64_t media_ticks,
	const struct dh_viewer_out *out)
{
	if (viewer->paused || media_ticks < 0)
		return;
	send_anchor(viewer, anchor, media_ticks, out);
	viewer->answer_from_ticks = media_ticks + BACKOFF_MIN_TICKS;
}

void dh_viewer_pli(struct dh_viewer *viewer, int64_t media_ticks)
{
	viewer->stats.plis++;
	if (media_ticks > viewer->answer_from_ticks + BACKOFF_FORGET_TICKS)
		viewer->backoff_ticks = 0;
	viewer->pli = 1;
	/* Its picture stands: nothing that it cannot decode, until an answer is due. */
	if (media_ticks >= viewer->answer_from_ticks)
		viewer->waiting = 1;
}

static int wants_answer(const struct dh_viewer *viewer, int64_t media_ticks)
{
	return viewer->pli && media_ticks >= viewer->answer_from_ticks;
}

static void answered(struct dh_viewer *viewer, int64_t media_ticks)
{
	viewer->pli = 0;
	viewer->backoff_ticks = viewer->backoff_ticks ? viewer->backoff_ticks * 2 : BACKOFF_MIN_TICKS;
	if (viewer->backoff_ticks > BACKOFF_MAX_TICKS)
		viewer->backoff_ticks = BACKOFF_MAX_TICKS;
	viewer->answer_from_ticks = media_ticks + viewer->backoff_ticks;
}

/* Makes the decoder fit for the entry `item`; 0 when there is no room for an
 * anchor between the last picture and this one. */
static int prepare_entry(struct dh_viewer *viewer, const struct dh_item *item, const struct dh_viewer_out *out)
{
	int answer = wants_answer(viewer, item->media_ticks);
	if (!answer && dh_unit_same_bytes(viewer->holds, item->anchor))
		return 1;
	int64_t at = item->media_ticks - ANCHOR_LEAD_TICKS;
	if (at < after_last(viewer))
		at = after_last(viewer);
	if (at + DH_TICKS_PER_VIDEO_CLOCK > item->media_ticks)
		return 0;
	send_anchor(viewer, item->anchor, at, out);
	if (answer)
		answered(viewer, item->media_ticks);
	return 1;
}

static void send_video(struct dh_viewer *viewer, const struct dh_item *item, const struct dh_viewer_out *out)
{
	int is_entry = (item->unit->flags & DH_UNIT_ENTRY) != 0;
	if (!viewer->joined || (viewer->waiting && !is_entry))
		return;
	if (item->media_ticks < after_last(viewer) || (is_entry && !prepare_entry(viewer, item, out))) {
		viewer->waiting = 1;
		return;
	}
	viewer->waiting = 0;
	send_picture(viewer, item->unit, item->unit->flags, item->media_ticks, out);
}

void dh_viewer_wait(struct dh_viewer *viewer)
{
	viewer->waiting = 1;
}

void dh_viewer_pause(struct dh_viewer *viewer, int paused)
{
	viewer->paused = paused;
	viewer->waiting = 1;
}

/* -------------------------------------------------------------- any */

static void send_audio(struct dh_viewer *viewer, const struct dh_item *item, const struct dh_viewer_out *out)
{
	struct packet packet = { viewer, out, item->media_ticks };
	int marker = item->unit && (item->talkspurt || !viewer->spoken);
	viewer->spoken |= item->unit != NULL;
	if (item->unit)
		send_packet(&packet, DH_AUDIO, marker, NULL, 0, item->unit->data, item->unit->size);
	else
		send_packet(&packet, DH_AUDIO, marker, NULL, 0, item->silence, item->silence_size);
}

void dh_viewer_send(struct dh_viewer *viewer, const struct dh_item *item, int64_t late_ticks,
	int64_t late_max_ticks, const struct dh_viewer_out *out)
{
	if (viewer->paused)
		return;
	if (late_ticks > late_max_ticks) {
		viewer->stats.late_dropped++;
		if (item->media == DH_VIDEO)
			viewer->waiting = 1;
		return;
	}
	if (late_ticks > viewer->stats.lateness_max_ticks)
		viewer->stats.lateness_max_ticks = late_ticks;
	if (item->media == DH_VIDEO)
		send_video(viewer, item, out);
	else
		send_audio(viewer, item, out);
}
