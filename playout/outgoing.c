/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "outgoing.h"

struct payload {
	const struct dh_outgoing_picture *picture;
	dh_outgoing_fn *emit;
	void *arg;
};

static int64_t min(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

void dh_outgoing_add(struct dh_outgoing *outgoing, const struct dh_outgoing_picture *picture, int64_t now_ticks,
	int64_t until_ticks)
{
	struct dh_outgoing_picture *added = &outgoing->pictures[outgoing->count];
	*added = *picture;
	added->unit = dh_unit_ref(picture->unit);
	added->packets = dh_vp8_packets(picture->unit->size);
	added->sent = 0;
	if (!outgoing->count++)
		outgoing->next_ticks = now_ticks;
	outgoing->until_ticks = min(until_ticks, now_ticks + DH_BURSTS_MAX_TICKS);
}

size_t dh_outgoing_packets(const struct dh_outgoing *outgoing)
{
	size_t left = 0;
	for (int i = 0; i < outgoing->count; i++)
		left += outgoing->pictures[i].packets - outgoing->pictures[i].sent;
	return left;
}

/* How many of the `left` packets are due by `now_ticks`. Moves next_ticks on. */
static size_t packets_due(struct dh_outgoing *outgoing, int64_t now_ticks, size_t left)
{
	int64_t time = outgoing->until_ticks - outgoing->next_ticks;
	size_t bursts = time > 0 ? (size_t)((time + DH_BURST_TICKS - 1) / DH_BURST_TICKS) : 1;
	size_t burst = (left + bursts - 1) / bursts;
	size_t due_bursts = (size_t)((now_ticks - outgoing->next_ticks) / DH_BURST_TICKS + 1);
	outgoing->next_ticks += (int64_t)due_bursts * DH_BURST_TICKS;
	if (burst < DH_BURST_PACKETS)
		burst = DH_BURST_PACKETS;
	return due_bursts >= bursts ? left : burst * due_bursts;
}

static void emit_payload(void *arg, const uint8_t descriptor[DH_VP8_DESCRIPTOR_SIZE], const uint8_t *data, size_t size,
	bool marker)
{
	const struct payload *payload = arg;
	payload->emit(payload->arg, payload->picture, descriptor, data, size, marker);
}

static void send_packets(struct dh_outgoing *outgoing, size_t packets, dh_outgoing_fn *emit, void *arg)
{
	while (outgoing->count && packets) {
		struct dh_outgoing_picture *picture = &outgoing->pictures[0];
		struct payload payload = { picture, emit, arg };
		size_t sent = dh_vp8_packetise(picture->unit->data, picture->unit->size, &picture->numbers,
			picture->sent, packets, emit_payload, &payload);
		packets -= sent;
		picture->sent += sent;
		if (picture->sent < picture->packets)
			return;
		dh_unit_unref(&picture->unit);
		outgoing->pictures[0] = outgoing->pictures[1];
		outgoing->count--;
	}
}

void dh_outgoing_send(struct dh_outgoing *outgoing, int64_t now_ticks, dh_outgoing_fn *emit, void *arg)
{
	if (now_ticks >= dh_outgoing_next_ticks(outgoing))
		send_packets(outgoing, packets_due(outgoing, now_ticks, dh_outgoing_packets(outgoing)), emit, arg);
}

void dh_outgoing_finish(struct dh_outgoing *outgoing, dh_outgoing_fn *emit, void *arg)
{
	send_packets(outgoing, dh_outgoing_packets(outgoing), emit, arg);
}

int64_t dh_outgoing_next_ticks(const struct dh_outgoing *outgoing)
{
	return outgoing->count ? outgoing->next_ticks : INT64_MAX;
}

void dh_outgoing_clear(struct dh_outgoing *outgoing)
{
	while (outgoing->count)
		dh_unit_unref(&outgoing->pictures[--outgoing->count].unit);
}
