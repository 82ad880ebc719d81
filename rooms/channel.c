/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "channel.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

/* Of a long message in each piece: JSON may need two bytes for one of them, and the rest of the
 * piece less than a hundred. */
#define PIECE_BYTES ((DH_CHANNEL_MESSAGE_MAX - 100) / 2)

bool dh_channel_ready(struct dh_channel *channel)
{
	atomic_store(&channel->on_way, 0);
	atomic_store(&channel->was_ready, 1);
	return !atomic_exchange(&channel->is_ready, 1);
}

/* If it has become ready meanwhile, too little is on the way: that does no harm. */
static void take_back(struct dh_channel *channel, size_t size)
{
	size_t on_way = atomic_load(&channel->on_way);

	while (!atomic_compare_exchange_weak(&channel->on_way, &on_way, on_way > size ? on_way - size : 0))
		;
}

bool dh_channel_take(struct dh_channel *channel, size_t size, int64_t now_us)
{
	size_t before = atomic_fetch_add(&channel->on_way, size);

	if (before == 0)
		atomic_store(&channel->since, now_us);
	bool is_stuck = before > 0 && now_us - atomic_load(&channel->since) >= DH_CHANNEL_STUCK_US;
	if (!is_stuck && (before == 0 || before + size <= DH_CHANNEL_WINDOW)) {
		channel->messages++;
		channel->bytes += size;
		return true;
	}
	take_back(channel, size);
	channel->missed++;
	channel->dropped++;
	channel->is_open = !is_stuck;
	if (is_stuck)
		atomic_store(&channel->was_ready, 0);
	atomic_store(&channel->is_ready, 0);
	return false;
}

bool dh_channel_is_behind(const struct dh_channel *channel)
{
	return channel->missed > 0 && atomic_load(&channel->on_way) == 0;
}

/* --- long messages */

static size_t piece_size(const char *text, size_t size)
{
	size_t piece = size < PIECE_BYTES ? size : PIECE_BYTES;

	while (piece < size && (text[piece] & 0xc0) == 0x80)
		piece--;
	return piece;
}

static int count_pieces(const char *text, size_t size)
{
	int count = 0;

	for (size_t at = 0; at < size; at += piece_size(text + at, size - at))
		count++;
	return count;
}

void dh_channel_split(const char *text, size_t size, unsigned number, dh_channel_fn *send, void *arg)
{
	if (size <= DH_CHANNEL_MESSAGE_MAX) {
		send(arg, text, size);
		return;
	}
	int parts = count_pieces(text, size);
	for (int part = 1; part <= parts; part++) {
		size_t piece = piece_size(text, size);
		json_t *json = json_pack("{s:I, s:i, s:i, s:s%}", "message", (json_int_t)number, "part", part, "parts",
			parts, "text", text, piece);
		char *dump = json_dumps(json, JSON_COMPACT);
		if (dump)
			send(arg, dump, strlen(dump));
		free(dump);
		json_decref(json);
		text += piece;
		size -= piece;
	}
}
