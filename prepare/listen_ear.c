/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "listen_ear.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <opus.h>

#define HEADER     12u
#define FRAMES_MAX 6  /* of a packet, 120 ms */
#define CONCEALED  5  /* packets that are made up for lost ones */
#define KEPT       30 /* frames: a voice is noticed a while after it began */

#define TICKS_PER_SAMPLE (DH_TICKS_PER_SECOND / DH_EAR_RATE)
/* What comes earlier or later than expected by more than that has another time from then on. Not much earlier: what the
 * room sends then would not be known yet. */
#define EARLY_TICKS          (5 * DH_TICKS_PER_MS)
#define LATE_TICKS           (2 * DH_SLOT_TICKS)
#define REFERENCE_LATE_TICKS (200 * DH_TICKS_PER_MS)

struct frame {
	int64_t at_ticks;
	int16_t samples[DH_EAR_FRAME], reference[DH_EAR_FRAME];
};

struct dh_reference {
	OpusDecoder *opus;
	struct dh_sent sent;
	uint32_t timestamp; /* that is expected next … */
	int64_t next_ticks; /* … and where it belongs */
	struct {
		int64_t slot;
		int16_t samples[DH_EAR_FRAME];
	} frames[DH_SENT_SLOTS];
};

struct dh_ear {
	uint32_t viewer;
	struct dh_reference *reference;
	bool all, is_open;
	const struct dh_ear_sink *sink;
	void *arg;
	OpusDecoder *opus;
	struct dh_hearing hearing;
	int64_t base_ticks; /* as that of `hearing`, but it stays where it is while it fits */
	int64_t last_ticks;
	int packet_samples; /* of the last one */
	int16_t rest[DH_EAR_FRAME];
	int rest_samples;          /* which are not a frame yet … */
	int64_t rest_ticks;        /* … and began there, in the sender's own time */
	struct frame before[KEPT]; /* a ring */
	unsigned kept;             /* frames that have gone into it since it was last emptied */
};

static OpusDecoder *open_decoder(void)
{
	int err = 0;

	return opus_decoder_create(DH_EAR_RATE, 1, &err);
}

static uint16_t sequence_of(const uint8_t *rtp)
{
	return (uint16_t)(rtp[2] << 8 | rtp[3]);
}

static uint32_t timestamp_of(const uint8_t *rtp)
{
	return (uint32_t)rtp[4] << 24 | (uint32_t)rtp[5] << 16 | (uint32_t)rtp[6] << 8 | rtp[7];
}

/* As in RFC 6464. */
static int level_of(const int16_t *samples, int count)
{
	double sum = 0;

	for (int i = 0; i < count; i++)
		sum += (double)samples[i] * samples[i];
	double level = sum > 0 ? 10 * log10(sum / count / (32768.0 * 32768.0)) : DH_LEVEL_SILENCE;
	return (int)lrint(fmax(fmin(level, 0), DH_LEVEL_SILENCE));
}

/* --- the reference */

struct dh_reference *dh_reference_new(void)
{
	struct dh_reference *reference = calloc(1, sizeof(*reference));

	if (reference)
		reference->opus = open_decoder();
	if (reference && !reference->opus) {
		free(reference);
		reference = NULL;
	}
	return reference;
}

void dh_reference_free(struct dh_reference **reference)
{
	if (*reference)
		opus_decoder_destroy((*reference)->opus);
	free(*reference);
	*reference = NULL;
}

/* It belongs where its timestamp says, since some may come together, or not at all. */
void dh_reference_push(struct dh_reference *reference, const uint8_t *rtp, size_t size, int64_t now_ticks)
{
	int16_t samples[DH_EAR_FRAME * FRAMES_MAX];

	if (size <= HEADER || rtp[0] != 0x80)
		return;
	int count = opus_decode(reference->opus, rtp + HEADER, (opus_int32)(size - HEADER), samples,
		DH_EAR_FRAME * FRAMES_MAX, 0);
	if (count <= 0)
		return;
	int64_t at = reference->next_ticks;
	at += (int32_t)(timestamp_of(rtp) - reference->timestamp) * DH_TICKS_PER_AUDIO_SAMPLE;
	if (now_ticks < at - EARLY_TICKS || now_ticks > at + REFERENCE_LATE_TICKS)
		at = now_ticks;
	for (int i = 0; i + DH_EAR_FRAME <= count; i += DH_EAR_FRAME) {
		int64_t slot = at / DH_SLOT_TICKS;
		uint64_t place = (uint64_t)slot % DH_SENT_SLOTS;
		reference->frames[place].slot = slot;
		memcpy(reference->frames[place].samples, samples + i, sizeof(reference->frames[place].samples));
		dh_sent_put(&reference->sent, level_of(samples + i, DH_EAR_FRAME), at);
		at += DH_SLOT_TICKS;
	}
	reference->next_ticks = at;
	reference->timestamp = timestamp_of(rtp) + (uint32_t)(count / DH_EAR_FRAME * 960);
}

static void get_reference(const struct dh_reference *reference, int64_t at_ticks, int16_t samples[DH_EAR_FRAME])
{
	int64_t slot = at_ticks / DH_SLOT_TICKS;
	uint64_t place = (uint64_t)slot % DH_SENT_SLOTS;

	if (reference->frames[place].slot == slot)
		memcpy(samples, reference->frames[place].samples, sizeof(int16_t) * DH_EAR_FRAME);
	else
		memset(samples, 0, sizeof(int16_t) * DH_EAR_FRAME);
}

/* --- an ear */

struct dh_ear *dh_ear_new(uint32_t viewer, struct dh_reference *reference, bool all, const struct dh_ear_sink *sink,
	void *arg)
{
	struct dh_ear *ear = calloc(1, sizeof(*ear));

	if (ear)
		ear->opus = open_decoder();
	if (!ear || !ear->opus) {
		free(ear);
		return NULL;
	}
	ear->viewer = viewer;
	ear->reference = reference;
	ear->all = all;
	ear->sink = sink;
	ear->arg = arg;
	dh_hearing_init(&ear->hearing);
	return ear;
}

static void set_open(struct dh_ear *ear, bool is_open, int64_t at_ticks)
{
	if (ear->is_open == is_open)
		return;
	ear->is_open = is_open;
	(is_open ? ear->sink->begin : ear->sink->end)(ear->arg, ear->viewer, at_ticks);
}

void dh_ear_free(struct dh_ear **ear)
{
	if (!*ear)
		return;
	set_open(*ear, false, (*ear)->last_ticks);
	opus_decoder_destroy((*ear)->opus);
	free(*ear);
	*ear = NULL;
}

uint32_t dh_ear_viewer(const struct dh_ear *ear)
{
	return ear->viewer;
}

int64_t dh_ear_last_ticks(const struct dh_ear *ear)
{
	return ear->last_ticks;
}

static void hand_on(const struct dh_ear *ear, const struct frame *frame)
{
	ear->sink->frame(ear->arg, ear->viewer, frame->at_ticks, frame->samples, frame->reference);
}

/* Not what was heard long before, in front of a pause of the sender's. */
static void hand_on_before(struct dh_ear *ear, int64_t onset_ticks)
{
	unsigned first = ear->kept > KEPT ? ear->kept - KEPT : 0;

	for (unsigned i = first; i < ear->kept; i++) {
		const struct frame *frame = &ear->before[i % KEPT];
		if (frame->at_ticks >= onset_ticks - DH_EAR_BEFORE * DH_SLOT_TICKS)
			hand_on(ear, frame);
	}
	ear->kept = 0;
}

/* --- frames */

static void take_frame(struct dh_ear *ear)
{
	struct frame frame = { .at_ticks = ear->base_ticks + ear->rest_ticks };

	memcpy(frame.samples, ear->rest, sizeof(frame.samples));
	get_reference(ear->reference, frame.at_ticks, frame.reference);
	ear->rest_samples = 0;
	ear->rest_ticks += DH_SLOT_TICKS;
	if (ear->is_open || ear->all)
		hand_on(ear, &frame);
	else
		ear->before[ear->kept++ % KEPT] = frame;
}

/* Nothing follows it: silence does. */
static void end_rest(struct dh_ear *ear)
{
	if (!ear->rest_samples)
		return;
	memset(ear->rest + ear->rest_samples, 0, sizeof(int16_t) * (size_t)(DH_EAR_FRAME - ear->rest_samples));
	take_frame(ear);
}

static void take_samples(struct dh_ear *ear, const int16_t *samples, int count)
{
	while (count > 0) {
		int part = DH_EAR_FRAME - ear->rest_samples;
		part = part < count ? part : count;
		memcpy(ear->rest + ear->rest_samples, samples, sizeof(int16_t) * (size_t)part);
		ear->rest_samples += part;
		samples += part;
		count -= part;
		if (ear->rest_samples == DH_EAR_FRAME)
			take_frame(ear);
	}
}

/* The sound that begins at `from_ticks` in the sender's time comes next. */
static void go_to(struct dh_ear *ear, int64_t from_ticks)
{
	const struct dh_hearing *hearing = &ear->hearing;

	if (from_ticks != ear->rest_ticks + ear->rest_samples * TICKS_PER_SAMPLE) {
		end_rest(ear);
		ear->rest_ticks = from_ticks;
	}
	if (dh_slot_floor(ear->base_ticks + from_ticks) > hearing->base_ticks + from_ticks + EARLY_TICKS ||
		ear->base_ticks < hearing->base_ticks - LATE_TICKS)
		ear->base_ticks = hearing->base_ticks;
}

/* --- packets */

static enum dh_hearing_change notice(struct dh_ear *ear, const uint8_t *rtp, size_t size, int level, int64_t now_ticks)
{
	const struct dh_heard_packet packet = { .sequence = sequence_of(rtp),
		.timestamp = timestamp_of(rtp),
		.level = level,
		.payload = rtp + HEADER,
		.size = size - HEADER };

	return dh_hearing_packet(&ear->hearing, &packet, &ear->reference->sent, 0, now_ticks);
}

/* What is made up for lost packets, which are taken to have been as long as the last one. */
static int conceal(struct dh_ear *ear, int missing, int16_t *samples)
{
	int count = 0;

	for (int i = 0; i < missing && missing <= CONCEALED && ear->packet_samples; i++) {
		int made = opus_decode(ear->opus, NULL, 0, samples + count, ear->packet_samples, 0);
		count += made > 0 ? made : 0;
	}
	return count;
}

void dh_ear_push(struct dh_ear *ear, const uint8_t *rtp, size_t size, int64_t now_ticks)
{
	int16_t samples[DH_EAR_FRAME * FRAMES_MAX * (CONCEALED + 1)];

	if (size <= HEADER || rtp[0] != 0x80 || !dh_opus_ticks(rtp + HEADER, size - HEADER))
		return;
	ear->last_ticks = now_ticks;
	int missing = dh_hearing_missing(&ear->hearing, sequence_of(rtp));
	if (missing < 0) {
		notice(ear, rtp, size, 1, now_ticks);
		return;
	}
	int made = conceal(ear, missing, samples);
	int count = opus_decode(ear->opus, rtp + HEADER, (opus_int32)(size - HEADER), samples + made,
		DH_EAR_FRAME * FRAMES_MAX, 0);
	if (count <= 0)
		return;
	enum dh_hearing_change change = notice(ear, rtp, size, level_of(samples + made, count), now_ticks);
	ear->packet_samples = count;
	go_to(ear, ear->hearing.from_ticks - made * TICKS_PER_SAMPLE);
	take_samples(ear, samples, made + count);
	if (change == DH_HEARING_SPEAKING) {
		set_open(ear, true, ear->hearing.activity.onset_ticks);
		hand_on_before(ear, ear->hearing.activity.onset_ticks);
	} else if (change == DH_HEARING_SILENT) {
		set_open(ear, false, now_ticks);
	}
}

void dh_ear_poll(struct dh_ear *ear, int64_t now_ticks)
{
	if (dh_hearing_poll(&ear->hearing, now_ticks) == DH_HEARING_SILENT)
		set_open(ear, false, now_ticks);
}
