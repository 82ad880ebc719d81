/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "member.h"

#include <sched.h>
#include <string.h>

#include "microphone.h"
#include "playout/vp8.h"
#include "room_thread.h"

struct dh_member *dh_member_new(const struct dh_host *host, void *handle, enum dh_member_kind kind,
	struct dh_room *room, dh_member_gone_fn *gone)
{
	struct dh_member *member = g_new0(struct dh_member, 1);

	member->host = host;
	member->handle = host->handle_ref(handle);
	member->room = room;
	member->gone = gone;
	member->observes = kind != DH_MEMBER_VIEWER;
	member->is_trusted = kind == DH_MEMBER_TRUSTED_OBSERVER;
	member->sdp_session = (uint64_t)g_get_real_time();
	for (int media = 0; media < 2; media++) {
		const struct dh_line line = { true, media == DH_VIDEO,
			media == DH_VIDEO ? DH_PAYLOAD_TYPE_VP8 : DH_PAYLOAD_TYPE_OPUS, 0, false };
		dh_member_set_line(member, (enum dh_media)media, &line);
		member->wants[media] = true;
	}
	/* Random, as RFC 3550 (5.1) requires. */
	for (int media = 0; media < 2; media++)
		atomic_init(&member->rtp_start[media], g_random_int());
	dh_viewer_times_init(&member->times, dh_now_ticks());
	atomic_init(&member->refs, 1);
	return member;
}

struct dh_member *dh_member_ref(struct dh_member *member)
{
	atomic_fetch_add(&member->refs, 1);
	return member;
}

void dh_member_unref(struct dh_member **member)
{
	struct dh_member *old = *member;

	*member = NULL;
	if (!old || atomic_fetch_sub(&old->refs, 1) != 1)
		return;
	old->host->handle_unref(old->handle);
	old->gone(old);
	g_clear_pointer(&old->gates, g_array_unref);
	struct dh_microphone *microphone = atomic_load(&old->microphone);
	dh_microphone_free(&microphone);
	dh_viewer_quality_clear(&old->quality);
	g_free(old);
}

/* --- lines */

#define LINE_TAKEN    0x10000u
#define LINE_DELAY    0x20000u
#define LINE_MAXPTIME 24 /* the bit from which on it is stored */

static struct dh_line unpack(unsigned packed)
{
	return (struct dh_line){ (packed & LINE_TAKEN) != 0, (int)(packed >> 8 & 0xff), (int)(packed & 0xff),
		(int)(packed >> LINE_MAXPTIME & 0xff), (packed & LINE_DELAY) != 0 };
}

static unsigned pack(const struct dh_line *line)
{
	return (line->is_taken ? LINE_TAKEN : 0) | (line->has_delay ? LINE_DELAY : 0) |
		(unsigned)(line->mindex & 0xff) << 8 | (unsigned)(line->payload_type & 0x7f) |
		(unsigned)(line->maxptime & 0xff) << LINE_MAXPTIME;
}

struct dh_line dh_member_line(const struct dh_member *member, enum dh_media media)
{
	return unpack(atomic_load(&member->lines[media]));
}

void dh_member_set_line(struct dh_member *member, enum dh_media media, const struct dh_line *line)
{
	atomic_store(&member->lines[media], pack(line));
}

void dh_member_set_lines(struct dh_member *member, const struct dh_line lines[2])
{
	for (int media = 0; media < 2; media++)
		dh_member_set_line(member, (enum dh_media)media, &lines[media]);
}

struct dh_line dh_member_microphone_line(const struct dh_member *member)
{
	return unpack(atomic_load(&member->microphone_line));
}

void dh_member_set_microphone_line(struct dh_member *member, const struct dh_line *line)
{
	atomic_store(&member->microphone_line, pack(line));
}

bool dh_member_is_listened_to(const struct dh_member *member)
{
	return atomic_load(&member->listened_to) != 0;
}

bool dh_member_gets(const struct dh_member *member, enum dh_media media)
{
	return dh_member_line(member, media).is_taken && !atomic_load(&member->muted[media]);
}

void dh_member_describe_delay(const struct dh_member *member, json_t *json)
{
	struct dh_delay delay;

	dh_viewer_delay_get(&member->delay, &delay);
	dh_delay_describe(&delay, json);
}

json_t *dh_viewer_status(guint viewer, const char *status)
{
	return json_pack("{s:s, s:{s:s, s:I}}", "digitalhuman", "event", "result", "status", status, "viewer",
		(json_int_t)viewer);
}

json_t *dh_member_status(const struct dh_member *member, const char *status)
{
	json_t *event = dh_viewer_status(member->id, status), *result = json_object_get(event, "result");

	bool begins = !strcmp(status, "starting") || !strcmp(status, "started");

	if (!member->observes && (begins || !strcmp(status, "preparing")))
		dh_avatar_describe_matte(member->avatar, result);
	if (!member->observes && begins) {
		json_object_set_new(result, "audio", json_boolean(dh_member_gets(member, DH_AUDIO)));
		json_object_set_new(result, "video", json_boolean(dh_member_gets(member, DH_VIDEO)));
		dh_viewer_quality_describe(&member->quality, result);
		dh_member_describe_delay(member, result);
	}
	return event;
}

void dh_member_get_rtp_start(const struct dh_member *member, uint32_t rtp_start[2])
{
	for (int media = 0; media < 2; media++)
		rtp_start[media] = atomic_load(&member->rtp_start[media]);
}

json_t *dh_rtp_start_json(const uint32_t rtp_start[2])
{
	return json_pack("{s:I, s:I}", "audio", (json_int_t)rtp_start[DH_AUDIO], "video",
		(json_int_t)rtp_start[DH_VIDEO]);
}

static uint32_t timestamp_of(const uint8_t *rtp)
{
	return (uint32_t)rtp[4] << 24 | (uint32_t)rtp[5] << 16 | (uint32_t)rtp[6] << 8 | rtp[7];
}

/* What the first packet of a picture, or any of sound, says beside its media. */
static void extend(struct dh_member *member, const struct dh_line *line, enum dh_media media, const uint8_t *rtp,
	struct dh_extensions *extensions)
{
	if (media == DH_VIDEO && line->has_delay)
		extensions->has_delay = dh_viewer_delay_next(&member->delay, extensions->delay);
	uint32_t media_time = timestamp_of(rtp) - atomic_load_explicit(&member->rtp_start[media], memory_order_relaxed);
	if (dh_capture_time_is_due(&member->capture, media, media_time))
		extensions->capture_ntp = dh_capture_time_ntp(&member->capture, media, media_time, dh_now_ticks(),
			g_get_real_time());
}

static void hand_over(struct dh_member *member, enum dh_media media, const uint8_t *rtp, size_t size)
{
	const struct dh_line line = dh_member_line(member, media);
	struct dh_extensions extensions = { 0 };

	if (media == DH_AUDIO || dh_vp8_begins(rtp + DH_RTP_HEADER_SIZE))
		extend(member, &line, media, rtp, &extensions);
	member->host->relay(member->handle, media, line.mindex, rtp, size, &extensions);
	if (media == DH_VIDEO)
		dh_viewer_quality_sent(&member->quality, size);
}

/* Either this sees that it is cut, or who cuts it sees that a packet is on its way. */
void dh_member_relay(struct dh_member *member, enum dh_media media, const uint8_t *rtp, size_t size)
{
	atomic_store(&member->relaying, 1);
	if (!atomic_load(&member->cut))
		hand_over(member, media, rtp, size);
	atomic_store_explicit(&member->relaying, 0, memory_order_release);
}

void dh_member_cut(struct dh_member *member)
{
	atomic_store(&member->cut, 1);
	while (atomic_load(&member->relaying))
		sched_yield();
}
