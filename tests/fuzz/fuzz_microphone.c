/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fuzz target: any bytes as the packets of a viewer's microphone. An input is a list of packets: how many bytes each
 * has, its level and the ten milliseconds since the one before, in a byte each, and the bytes. Silence ends a voice,
 * and comes by itself. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "playout/timebase.h"
#include "rooms/forwards.h"
#include "rooms/microphone.h"
#include "tests/fuzz/promise.h"

#define PAYLOAD_TYPE  111
#define LASTING_TICKS (300 * DH_TICKS_PER_MS)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void note(bool *speaks, enum dh_hearing_change change)
{
	PROMISE(change != DH_HEARING_SILENT || *speaks);
	if (change)
		*speaks = change != DH_HEARING_SILENT;
}

/* A copy of exactly its size, so that sanitizers see reads beyond the end. */
static enum dh_hearing_change take(struct dh_microphone *microphone, const uint8_t *data, size_t size, int level,
	const struct dh_microphone_context *context, int64_t now_ticks)
{
	uint8_t *packet = malloc(size ? size : 1);

	memcpy(packet, data, size);
	enum dh_hearing_change change = dh_microphone_take(microphone, packet, size, level, context, now_ticks);
	free(packet);
	return change;
}

/* It falls silent by itself. */
static void wait_for_silence(struct dh_microphone *microphone, bool *speaks, int64_t now_ticks)
{
	struct dh_microphone_stats stats;

	for (int i = 0; i < 3 && *speaks; i++) {
		int64_t deadline_ticks = dh_microphone_deadline_ticks(microphone);
		PROMISE(deadline_ticks < now_ticks + 60 * DH_TICKS_PER_SECOND);
		now_ticks = deadline_ticks > now_ticks ? deadline_ticks : now_ticks;
		note(speaks, dh_microphone_poll(microphone, now_ticks));
	}
	PROMISE(!*speaks);
	PROMISE(dh_microphone_deadline_ticks(microphone) == INT64_MAX);
	dh_microphone_get_stats(microphone, &stats);
	PROMISE(!stats.is_speaking && stats.floor_db <= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct dh_sent sent;
	struct dh_forwards *forwards = dh_forwards_new();
	struct dh_microphone *microphone = dh_microphone_new();
	const struct dh_microphone_context context = { 1, forwards, PAYLOAD_TYPE, &sent, LASTING_TICKS };
	int64_t now_ticks = 1000 * DH_TICKS_PER_SECOND;
	bool speaks = false;

	memset(&sent, 0, sizeof(sent));
	for (size_t at = 0; at + 3 <= size;) {
		size_t length = data[at] < size - at - 3 ? data[at] : size - at - 3;
		int level = data[at + 1] < 128 ? -(int)data[at + 1] : 1;
		now_ticks += data[at + 2] * 10 * DH_TICKS_PER_MS;
		dh_sent_put(&sent, level - 10, now_ticks);
		note(&speaks, take(microphone, data + at + 3, length, level, &context, now_ticks));
		at += 3 + length;
	}
	wait_for_silence(microphone, &speaks, now_ticks);
	dh_microphone_free(&microphone);
	dh_forwards_free(&forwards);
	return 0;
}
