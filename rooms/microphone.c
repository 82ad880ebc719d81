/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "microphone.h"

#include <glib.h>

#include "forwards.h"

#define RTP_FIXED 12u

struct dh_microphone {
	GMutex lock;
	struct dh_hearing hearing;
	uint64_t bytes, refused;
	int64_t credit_ticks; /* of time, that packets use up */
	int64_t last_ticks;   /* when credit was last given */
};

struct dh_microphone *dh_microphone_new(void)
{
	struct dh_microphone *microphone = g_new0(struct dh_microphone, 1);

	g_mutex_init(&microphone->lock);
	dh_hearing_init(&microphone->hearing);
	return microphone;
}

void dh_microphone_free(struct dh_microphone **microphone)
{
	if (!*microphone)
		return;
	g_mutex_clear(&(*microphone)->lock);
	g_free(*microphone);
	*microphone = NULL;
}

/* The lock is held. */
static bool is_within_rate(struct dh_microphone *m, int64_t now_ticks)
{
	m->credit_ticks = MIN(m->credit_ticks + now_ticks - m->last_ticks, DH_TICKS_PER_SECOND);
	m->last_ticks = now_ticks;
	if (m->credit_ticks < DH_TICKS_PER_SECOND / DH_MICROPHONE_RATE)
		return false;
	m->credit_ticks -= DH_TICKS_PER_SECOND / DH_MICROPHONE_RATE;
	return true;
}

/* RFC 3550, 5.1. */
static bool parse(struct dh_heard_packet *packet, const uint8_t *rtp, size_t size, int payload_type)
{
	size_t begin = RTP_FIXED, end = size;

	if (size < RTP_FIXED || rtp[0] >> 6 != 2 || (rtp[1] & 0x7f) != payload_type)
		return false;
	begin += 4 * (size_t)(rtp[0] & 15);
	if (rtp[0] & 0x10 && begin + 4 <= size)
		begin += 4 + 4 * ((size_t)rtp[begin + 2] << 8 | rtp[begin + 3]);
	else if (rtp[0] & 0x10)
		return false;
	if (rtp[0] & 0x20)
		end -= MIN(end, rtp[size - 1]);
	if (begin >= end)
		return false;
	packet->sequence = (uint16_t)(rtp[2] << 8 | rtp[3]);
	packet->timestamp = (uint32_t)rtp[4] << 24 | (uint32_t)rtp[5] << 16 | (uint32_t)rtp[6] << 8 | rtp[7];
	packet->payload = rtp + begin;
	packet->size = end - begin;
	return dh_opus_ticks(packet->payload, packet->size) > 0;
}

enum dh_hearing_change dh_microphone_take(struct dh_microphone *m, const uint8_t *rtp, size_t size, int level,
	const struct dh_microphone_context *context, int64_t now_ticks)
{
	enum dh_hearing_change change = DH_HEARING_SAME;
	struct dh_heard_packet packet = { .level = level };

	g_mutex_lock(&m->lock);
	bool is_taken = is_within_rate(m, now_ticks) && parse(&packet, rtp, size, context->payload_type);
	if (is_taken) {
		m->bytes += size;
		change = dh_hearing_packet(&m->hearing, &packet, context->sent, context->lasting_ticks, now_ticks);
	} else {
		m->refused++;
	}
	g_mutex_unlock(&m->lock);
	if (is_taken)
		dh_forwards_sound(context->forwards, context->viewer, rtp, packet.payload, packet.size);
	return change;
}

enum dh_hearing_change dh_microphone_poll(struct dh_microphone *m, int64_t now_ticks)
{
	g_mutex_lock(&m->lock);
	enum dh_hearing_change change = dh_hearing_poll(&m->hearing, now_ticks);
	g_mutex_unlock(&m->lock);
	return change;
}

int64_t dh_microphone_deadline_ticks(struct dh_microphone *m)
{
	g_mutex_lock(&m->lock);
	int64_t deadline_ticks = dh_hearing_deadline_ticks(&m->hearing);
	g_mutex_unlock(&m->lock);
	return deadline_ticks;
}

void dh_microphone_get_stats(struct dh_microphone *m, struct dh_microphone_stats *stats)
{
	g_mutex_lock(&m->lock);
	*stats = (struct dh_microphone_stats){ .packets = m->hearing.packets,
		.bytes = m->bytes,
		.lost = m->hearing.lost,
		.late = m->hearing.late,
		.refused = m->refused,
		.without_level = m->hearing.without_level,
		.is_speaking = m->hearing.activity.is_speaking,
		.floor_db = dh_activity_floor(&m->hearing.activity) };
	g_mutex_unlock(&m->lock);
}
