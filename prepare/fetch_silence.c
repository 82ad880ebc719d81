/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fetch_silence.h"

#define WAIT_MS 1000

void dh_fetch_silence_init(struct dh_fetch_silence *silence, int64_t limit_ms, int64_t now_ms)
{
	*silence = (struct dh_fetch_silence){ .limit_ms = limit_ms, .heard_ms = now_ms, .woke_ms = now_ms };
}

void dh_fetch_silence_begin(struct dh_fetch_silence *silence, int64_t now_ms)
{
	silence->is_counted = true;
	silence->heard_ms = now_ms;
}

void dh_fetch_silence_heard(struct dh_fetch_silence *silence, int64_t now_ms)
{
	silence->heard_ms = now_ms;
}

int dh_fetch_silence_wait_ms(const struct dh_fetch_silence *silence, int64_t now_ms)
{
	int64_t left_ms = silence->heard_ms + silence->limit_ms - now_ms;

	if (!silence->is_counted || left_ms > WAIT_MS)
		return WAIT_MS;
	return left_ms < 0 ? 0 : (int)left_ms;
}

/* The service may not have had a processor, either. */
void dh_fetch_silence_woke(struct dh_fetch_silence *silence, int64_t since_ms, int most_ms, int64_t now_ms)
{
	int64_t late_ms = now_ms - since_ms - most_ms;

	if (late_ms > 0)
		silence->heard_ms += late_ms;
	silence->woke_ms = now_ms;
}

bool dh_fetch_silence_is_over(const struct dh_fetch_silence *silence)
{
	return silence->is_counted && silence->woke_ms - silence->heard_ms >= silence->limit_ms;
}
