/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "receiver.h"

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
	bool has_first, heard[2], has_changed[2];
};

/* In one word, because they are taken while they are written. What is lost has 25 bits, since it may be the difference
 * of two of 24. */
#define LOSSES_TAKEN   (UINT64_C(1) << 63)
#define LOSSES_SHIFT   32
#define LOSSES_BITS    25
#define LOSSES_UNKNOWN 0x7fff /* before the first report, as far back as there is a before */

static uint64_t pack(const struct dh_repair_report *losses)
{
	uint64_t lost = (uint32_t)losses->lost & ((1u << LOSSES_BITS) - 1);

	return lost << LOSSES_SHIFT | (uint64_t)losses->since << 16 | losses->highest;
}

static struct dh_repair_report unpack(uint64_t packed)
{
	int32_t lost = (int32_t)(packed >> LOSSES_SHIFT & ((1u << LOSSES_BITS) - 1));

	return (struct dh_repair_report){ lost >> (LOSSES_BITS - 1) ? lost - (1 << LOSSES_BITS) : lost,
		(uint16_t)(packed >> 16), (uint16_t)packed };
}

/* Returns whether something else is lost than in the report before. */
static bool note_losses(struct dh_receiver *receiver, enum dh_media media, int32_t lost, uint16_t highest)
{
	_Atomic uint64_t *losses = &receiver->media[media].losses;
	bool is_first = !atomic_load(&receiver->media[media].reports), has_changed;
	uint64_t before = atomic_load(losses), after;

	do {
		const struct dh_repair_report last = unpack(before);
		struct dh_repair_report report = { lost, last.since, highest };
		has_changed = lost != last.lost;
		if (is_first)
			report.since = (uint16_t)(highest - LOSSES_UNKNOWN);
		else if (has_changed && before & LOSSES_TAKEN)
			report.since = last.highest;
		after = pack(&report) | (has_changed ? 0 : before & LOSSES_TAKEN) |
			(is_first && !has_changed ? LOSSES_TAKEN : 0);
	} while (!atomic_compare_exchange_weak(losses, &before, after));
	return has_changed;
}

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
	hearing->has_changed[media] = note_losses(hearing->receiver, (enum dh_media)media, block->lost - before,
		(uint16_t)block->highest);
	/* Packets that come twice make it fewer again; a counter only grows. */
	atomic_store(&hearing->receiver->media[media].lost, MAX(lost, block->lost - before));
	atomic_fetch_add(&hearing->receiver->media[media].reports, 1);
}

bool dh_receiver_hear(struct dh_receiver *receiver, enum dh_media media, const uint8_t *rtcp, size_t size,
	uint32_t now_ntp)
{
	struct hearing hearing = { .receiver = receiver, .media = media, .now_ntp = now_ntp };

	dh_receiver_report_read(rtcp, size, hear_block, &hearing);
	return hearing.has_changed[DH_VIDEO];
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

void dh_receiver_take_losses(struct dh_receiver *receiver, enum dh_media media, struct dh_repair_report *losses)
{
	*losses = unpack(atomic_fetch_or(&receiver->media[media].losses, LOSSES_TAKEN));
}

uint16_t dh_receiver_highest(const struct dh_receiver *receiver, enum dh_media media)
{
	return unpack(atomic_load(&receiver->media[media].losses)).highest;
}

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
