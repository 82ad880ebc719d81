/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hearing.h"

#include <string.h>

/* More than that between two packets, and what was before says nothing any more. */
#define GAP_MAX_TICKS (500 * DH_TICKS_PER_MS)
/* Packets that come this late against their timestamps are a new beginning of time. */
#define JUMP_TICKS (1000 * DH_TICKS_PER_MS)
/* Packets of which not even one is on time: the way has become longer, or the sender's clock is slow. */
#define WINDOW 100
/* Packets may be this much behind the least delayed one, before silence is sure. */
#define LATE_TICKS (200 * DH_TICKS_PER_MS)
/* So many late packets in a row, and it is the sender that has begun anew. */
#define LATE_RUN 10

void dh_hearing_init(struct dh_hearing *hearing)
{
	memset(hearing, 0, sizeof(*hearing));
	dh_activity_init(&hearing->activity);
	dh_echo_init(&hearing->echo);
}

int64_t dh_opus_ticks(const uint8_t *payload, size_t size)
{
	static const int silk_us[] = { 10000, 20000, 40000, 60000 }, celt_us[] = { 2500, 5000, 10000, 20000 };

	if (!size)
		return 0;
	int config = payload[0] >> 3, code = payload[0] & 3;
	int us = config < 12 ? silk_us[config & 3] : config < 16 ? (config & 1 ? 20000 : 10000) : celt_us[config & 3];
	int count = code == 0 ? 1 : code < 3 ? 2 : size > 1 ? payload[1] & 0x3f : 0;
	int64_t ticks = us * INT64_C(18) / 25 * count;

	return ticks <= 120 * DH_TICKS_PER_MS ? ticks : 0;
}

/* --- frames */

static enum dh_hearing_change changed(enum dh_activity_change change)
{
	return change == DH_ACTIVITY_SPEAKING ? DH_HEARING_SPEAKING :
		change == DH_ACTIVITY_SILENT  ? DH_HEARING_SILENT :
						DH_HEARING_SAME;
}

static enum dh_hearing_change frame(struct dh_hearing *h, float level, const struct dh_sent *sent,
	int64_t lasting_ticks, int64_t from_ticks)
{
	bool is_echo = dh_echo_explains(&h->echo, sent, level, from_ticks / DH_SLOT_TICKS);
	enum dh_hearing_change change = changed(dh_activity_frame(&h->activity, level, is_echo, from_ticks));

	if (!lasting_ticks || !dh_activity_lasts(&h->activity, lasting_ticks) ||
		dh_echo_correlates(&h->echo, sent, (int)(lasting_ticks / DH_SLOT_TICKS)))
		return change;
	dh_activity_count_anew(&h->activity);
	return DH_HEARING_LASTING;
}

/* --- time */

/* 20 ms at least, because one level is a frame. */
static int64_t length_of(const struct dh_heard_packet *packet)
{
	int64_t ticks = dh_opus_ticks(packet->payload, packet->size);

	return ticks > DH_ACTIVITY_FRAME_TICKS ? ticks : DH_ACTIVITY_FRAME_TICKS;
}

/* As long as it really is: it leaves when its last sample has been heard. */
static int64_t own_length_of(const struct dh_heard_packet *packet)
{
	int64_t ticks = dh_opus_ticks(packet->payload, packet->size);

	return ticks ? ticks : DH_ACTIVITY_FRAME_TICKS;
}

static void restart_window(struct dh_hearing *h)
{
	h->window_packets = 0;
	h->least_later_ticks = INT64_MAX;
}

/* What has been heard lies elsewhere, and is as long as it was. */
static void move_base(struct dh_hearing *h, int64_t by_ticks)
{
	h->base_ticks += by_ticks;
	dh_activity_move(&h->activity, by_ticks);
	restart_window(h);
}

/* The clock at which the packet's sound began, were it not for the network's moods: as if it had been on its way as
 * briefly as any of the last packets. */
static int64_t place(struct dh_hearing *h, int64_t length_ticks, int64_t now_ticks)
{
	int64_t base_ticks = now_ticks - h->media_ticks - length_ticks, later = base_ticks - h->base_ticks;

	h->window_packets++;
	if (later < h->least_later_ticks)
		h->least_later_ticks = later;
	if (!h->has_base || later > JUMP_TICKS || later < -JUMP_TICKS) {
		h->base_ticks = base_ticks;
		restart_window(h);
	} else if (later < 0) {
		move_base(h, later);
	} else if (h->window_packets >= WINDOW) {
		move_base(h, h->least_later_ticks);
	}
	h->has_base = true;
	return h->base_ticks + h->media_ticks;
}

/* What is between the last packet and this one. */
static enum dh_hearing_change pass_gap(struct dh_hearing *h, const struct dh_sent *sent, int64_t gap_ticks,
	bool is_lost)
{
	enum dh_hearing_change change = DH_HEARING_SAME;
	int64_t from_ticks = h->base_ticks + h->media_ticks - gap_ticks;
	float quiet = dh_activity_floor(&h->activity);

	for (int64_t at = 0; at < gap_ticks; at += DH_ACTIVITY_FRAME_TICKS) {
		enum dh_hearing_change next = is_lost ? changed(dh_activity_lost(&h->activity, from_ticks + at)) :
							frame(h, quiet, sent, 0, from_ticks + at);
		change = next ? next : change;
	}
	return change;
}

static void begin(struct dh_hearing *h, const struct dh_heard_packet *packet)
{
	h->has_packet = true;
	h->sequence = (uint16_t)(packet->sequence - 1);
	h->timestamp = packet->timestamp;
	h->media_ticks = 0;
	h->has_base = false;
}

/* Late packets in a row, if one of that number is the next. */
static int late_run(const struct dh_hearing *h, uint16_t sequence)
{
	bool is_late = (int16_t)(sequence - h->sequence) <= 0;

	return is_late && sequence == (uint16_t)(h->late_sequence + 1) ? h->late_run + 1 : 0;
}

int dh_hearing_missing(const struct dh_hearing *h, uint16_t sequence)
{
	int step = h->has_packet ? (int16_t)(sequence - h->sequence) : 1;

	return step > 0 ? step - 1 : late_run(h, sequence) == LATE_RUN ? 0 : -1;
}

static bool is_new(struct dh_hearing *h, const struct dh_heard_packet *packet)
{
	h->late_run = late_run(h, packet->sequence);
	h->late_sequence = packet->sequence;
	if ((int16_t)(packet->sequence - h->sequence) > 0)
		return true;
	h->late++;
	if (h->late_run == LATE_RUN)
		begin(h, packet);
	return h->late_run == LATE_RUN;
}

enum dh_hearing_change dh_hearing_packet(struct dh_hearing *h, const struct dh_heard_packet *packet,
	const struct dh_sent *sent, int64_t lasting_ticks, int64_t now_ticks)
{
	enum dh_hearing_change change = DH_HEARING_SAME, next;

	h->packets++;
	if (!h->has_packet)
		begin(h, packet);
	else if (!is_new(h, packet))
		return DH_HEARING_SAME;
	unsigned missing = (uint16_t)(packet->sequence - h->sequence - 1);
	int64_t length_ticks = length_of(packet), gap_ticks;
	gap_ticks = (int32_t)(packet->timestamp - h->timestamp) * DH_TICKS_PER_AUDIO_SAMPLE;
	h->lost += missing;
	h->sequence = packet->sequence;
	h->timestamp = packet->timestamp + (uint32_t)(length_ticks / DH_TICKS_PER_AUDIO_SAMPLE);
	h->media_ticks += gap_ticks;
	h->from_ticks = h->media_ticks;
	int64_t from_ticks = place(h, own_length_of(packet), now_ticks);
	if (gap_ticks > 0 && gap_ticks <= GAP_MAX_TICKS)
		change = pass_gap(h, sent, gap_ticks, missing > 0);
	else if (gap_ticks)
		change = changed(dh_activity_poll(&h->activity, from_ticks));
	h->media_ticks += length_ticks;
	if (packet->level > 0) {
		h->without_level++;
		return change;
	}
	for (int64_t at = 0; at + DH_ACTIVITY_FRAME_TICKS <= length_ticks; at += DH_ACTIVITY_FRAME_TICKS) {
		next = frame(h, (float)packet->level, sent, lasting_ticks, from_ticks + at);
		change = next ? next : change;
	}
	return change;
}

enum dh_hearing_change dh_hearing_poll(struct dh_hearing *h, int64_t now_ticks)
{
	return changed(dh_activity_poll(&h->activity, now_ticks - LATE_TICKS));
}

int64_t dh_hearing_deadline_ticks(const struct dh_hearing *h)
{
	if (!h->activity.is_speaking)
		return INT64_MAX;
	return h->activity.last_voice_ticks + DH_ACTIVITY_HANG_TICKS + LATE_TICKS;
}
