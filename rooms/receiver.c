/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "receiver.h"

#include <stdbool.h>

#include <glib.h>

#include "playout/receiver_report.h"

#define NTP_SECONDS_1970 INT64_C(2208988800)
/* A longer way than this is a mistake in the report, or of a clock. */
#define RTT_MS_MAX 60000

static const char *const names[] = { [DH_AUDIO] = "audio", [DH_VIDEO] = "video" };
static const double clock_khz[] = { [DH_AUDIO] = 48, [DH_VIDEO] = 90 };

struct hearing {
	struct dh_receiver *receiver;
	enum dh_media media;
	uint32_t now_ntp;
	bool has_first, heard[2];
};

/* In 65536ths of a second, which wrap around after 18 hours. */
static int32_t rtt_ms(const struct dh_report_block *block, uint32_t now_ntp)
{
	uint32_t rtt = now_ntp - block->last_sr - block->delay;
	uint64_t ms = (uint64_t)rtt * 1000 / 65536;

	return !block->last_sr || ms > RTT_MS_MAX ? -1 : (int32_t)ms;
}

/* -1: neither. Janus gives the first block of a packet its own SSRC of that m-line. */
static int medium_of(struct hearing *hearing, const struct dh_report_block *block)
{
	bool is_first = !hearing->has_first;

	hearing->has_first = true;
	if (is_first)
		return hearing->media;
	for (int media = 0; media < 2; media++)
		if (atomic_load(&hearing->receiver->media[media].reports) &&
			atomic_load(&hearing->receiver->media[media].ssrc) == block->ssrc)
			return media;
	return -1;
}

static void hear_block(void *arg, const struct dh_report_block *block)
{
	struct hearing *hearing = arg;
	int media = medium_of(hearing, block);

	if (media < 0 || hearing->heard[media])
		return;
	hearing->heard[media] = true;
	int32_t before = atomic_load(&hearing->receiver->media[media].before);
	int32_t lost = atomic_load(&hearing->receiver->media[media].lost);
	atomic_store(&hearing->receiver->media[media].ssrc, block->ssrc);
	atomic_store(&hearing->receiver->media[media].fraction_lost, block->fraction_lost);
	atomic_store(&hearing->receiver->media[media].jitter, block->jitter);
	atomic_store(&hearing->receiver->media[media].rtt_ms, rtt_ms(block, hearing->now_ntp));
	atomic_store(&hearing->receiver->media[media].said, block->lost);
	/* Packets that come twice make it fewer again; a counter only grows. */
	atomic_store(&hearing->receiver->media[media].lost, MAX(lost, block->lost - before));
	atomic_fetch_add(&hearing->receiver->media[media].reports, 1);
}

void dh_receiver_hear(struct dh_receiver *receiver, enum dh_media media, const uint8_t *rtcp, size_t size,
	uint32_t now_ntp)
{
	struct hearing hearing = { .receiver = receiver, .media = media, .now_ntp = now_ntp };

	dh_receiver_report_read(rtcp, size, hear_block, &hearing);
}

uint32_t dh_receiver_ntp(int64_t real_us)
{
	int64_t s = real_us / 1000000 + NTP_SECONDS_1970, us = real_us % 1000000;

	return (uint32_t)s << 16 | (uint32_t)(us * 65536 / 1000000);
}

void dh_receiver_continue(struct dh_receiver *to, const struct dh_receiver *from)
{
	for (int media = 0; media < 2; media++)
		atomic_store(&to->media[media].before, MAX(atomic_load(&from->media[media].said), 0));
}

/* --- any thread */

void dh_receiver_get_stats(const struct dh_receiver *receiver, struct dh_receiver_stats *stats)
{
	for (int media = 0; media < 2; media++) {
		stats->reports[media] = atomic_load(&receiver->media[media].reports);
		stats->lost[media] = (uint64_t)atomic_load(&receiver->media[media].lost);
		stats->lost_percent[media] = atomic_load(&receiver->media[media].fraction_lost) * 100.0 / 256;
		stats->jitter_ms[media] = atomic_load(&receiver->media[media].jitter) / clock_khz[media];
		stats->rtt_ms[media] = stats->reports[media] ? atomic_load(&receiver->media[media].rtt_ms) : -1;
	}
}

void dh_receiver_stats_add(struct dh_receiver_stats *sum, const struct dh_receiver_stats *more)
{
	for (int media = 0; media < 2; media++) {
		sum->reports[media] += more->reports[media];
		sum->lost[media] += more->lost[media];
	}
}

json_t *dh_receiver_sum_json(const struct dh_receiver_stats *stats)
{
	json_t *json = json_object();

	for (int media = 0; media < 2; media++)
		json_object_set_new(json, names[media],
			json_pack("{s:I, s:I}", "reports", (json_int_t)stats->reports[media], "lost",
				(json_int_t)stats->lost[media]));
	return json;
}

json_t *dh_receiver_viewer_json(const struct dh_receiver_stats *stats)
{
	json_t *json = dh_receiver_sum_json(stats);

	for (int media = 0; media < 2; media++) {
		json_t *of_media = json_object_get(json, names[media]);
		bool knows = stats->reports[media] > 0;
		json_object_set_new(of_media, "lost_percent",
			knows ? json_real(stats->lost_percent[media]) : json_null());
		json_object_set_new(of_media, "jitter_ms", knows ? json_real(stats->jitter_ms[media]) : json_null());
		json_object_set_new(of_media, "rtt_ms",
			stats->rtt_ms[media] < 0 ? json_null() : json_integer(stats->rtt_ms[media]));
	}
	return json;
}
