/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "listen_ear.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <opus.h>

#define HEADER     12u
#define FRAMES_MAX 6 /* of a packet, 120 ms */
#define CONCEALED  5 /* packets that are made up for lost ones */

struct frame {
	int64_t at_ticks;
	int16_t samples[DH_EAR_FRAME], reference[DH_EAR_FRAME];
};

struct dh_reference {
	OpusDecoder *opus;
	struct dh_sent sent;
	int64_t next_ticks; /* where the next frame belongs */
	struct {
		int64_t slot;
		int16_t samples[DH_EAR_FRAME];
	} frames[DH_SENT_SLOTS];
};

struct dh_ear {
	uint32_t viewer;
	struct dh_reference *reference;
	bool all, is_open, has_packet;
	const struct dh_ear_sink *sink;
	void *arg;
	OpusDecoder *opus;
	struct dh_hearing hearing;
	uint16_t sequence;
	int64_t last_ticks;
	struct frame before[DH_EAR_BEFORE]; /* a ring */
	unsigned kept;                      /* frames that have gone into it since it was last emptied */
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

/* Packets leave in their own time; one that follows the last one closely belongs behind it. */
void dh_reference_push(struct dh_reference *reference, const uint8_t *rtp, size_t size, int64_t now_ticks)
{
	int16_t samples[DH_EAR_FRAME * FRAMES_MAX];

	if (size <= HEADER || rtp[0] != 0x80)
		return;
	int count = opus_decode(reference->opus, rtp + HEADER, (opus_int32)(size - HEADER), samples,
		DH_EAR_FRAME * FRAMES_MAX, 0);
	int64_t at = reference->next_ticks;
	if (now_ticks < at - 2 * DH_SLOT_TICKS || now_ticks > at + 2 * DH_SLOT_TICKS)
		at = now_ticks;
	for (int i = 0; i + DH_EAR_FRAME <= count; i += DH_EAR_FRAME) {
		int64_t slot = at / DH_SLOT_TICKS, place = slot % DH_SENT_SLOTS;
		reference->frames[place].slot = slot;
		memcpy(reference->frames[place].samples, samples + i, sizeof(reference->frames[place].samples));
		dh_sent_put(&reference->sent, level_of(samples + i, DH_EAR_FRAME), at);
		at += DH_SLOT_TICKS;
	}
	reference->next_ticks = at;
}

static void get_reference(const struct dh_reference *reference, int64_t at_ticks, int16_t samples[DH_EAR_FRAME])
{
	int64_t slot = at_ticks / DH_SLOT_TICKS, place = slot % DH_SENT_SLOTS;

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

static void hand_on_before(struct dh_ear *ear)
{
	unsigned first = ear->kept > DH_EAR_BEFORE ? ear->kept - DH_EAR_BEFORE : 0;

	for (unsigned i = first; i < ear->kept; i++)
		hand_on(ear, &ear->before[i % DH_EAR_BEFORE]);
	ear->kept = 0;
}

static void take_frames(struct dh_ear *ear, const int16_t *samples, int count, int64_t from_ticks)
{
	for (int i = 0; i + DH_EAR_FRAME <= count; i += DH_EAR_FRAME) {
		struct frame frame = { .at_ticks = from_ticks + i / DH_EAR_FRAME * DH_SLOT_TICKS };
		memcpy(frame.samples, samples + i, sizeof(frame.samples));
		get_reference(ear->reference, frame.at_ticks, frame.reference);
		if (ear->is_open || ear->all)
			hand_on(ear, &frame);
		else
			ear->before[ear->kept++ % DH_EAR_BEFORE] = frame;
	}
}

static void conceal(struct dh_ear *ear, int missing, int64_t now_ticks)
{
	int16_t samples[DH_EAR_FRAME];

	for (int i = missing; i > 0; i--) {
		int count = opus_decode(ear->opus, NULL, 0, samples, DH_EAR_FRAME, 0);
		take_frames(ear, samples, count, now_ticks - (i + 1) * DH_SLOT_TICKS);
	}
}

static void notice(struct dh_ear *ear, const uint8_t *rtp, size_t size, int level, int64_t now_ticks)
{
	const struct dh_heard_packet packet = { .sequence = sequence_of(rtp),
		.timestamp = (uint32_t)rtp[4] << 24 | (uint32_t)rtp[5] << 16 | (uint32_t)rtp[6] << 8 | rtp[7],
		.level = level,
		.payload = rtp + HEADER,
		.size = size - HEADER };
	enum dh_hearing_change change = dh_hearing_packet(&ear->hearing, &packet, &ear->reference->sent, 0, now_ticks);

	if (change == DH_HEARING_SPEAKING) {
		set_open(ear, true, ear->hearing.activity.onset_ticks);
		hand_on_before(ear);
	} else if (change == DH_HEARING_SILENT) {
		set_open(ear, false, now_ticks);
	}
}

void dh_ear_push(struct dh_ear *ear, const uint8_t *rtp, size_t size, int64_t now_ticks)
{
	int16_t samples[DH_EAR_FRAME * FRAMES_MAX];

	if (size <= HEADER || rtp[0] != 0x80 || !dh_opus_ticks(rtp + HEADER, size - HEADER))
		return;
	int step = ear->has_packet ? (int16_t)(sequence_of(rtp) - ear->sequence) : 1;
	ear->last_ticks = now_ticks;
	if (step <= 0 && step > -1000)
		return;
	ear->has_packet = true;
	ear->sequence = sequence_of(rtp);
	if (step > 1 && step <= CONCEALED)
		conceal(ear, step - 1, now_ticks);
	int count = opus_decode(ear->opus, rtp + HEADER, (opus_int32)(size - HEADER), samples,
		DH_EAR_FRAME * FRAMES_MAX, 0);
	if (count <= 0)
		return;
	take_frames(ear, samples, count, now_ticks - count / DH_EAR_FRAME * DH_SLOT_TICKS);
	notice(ear, rtp, size, level_of(samples, count), now_ticks);
}

void dh_ear_poll(struct dh_ear *ear, int64_t now_ticks)
{
	if (dh_hearing_poll(&ear->hearing, now_ticks) == DH_HEARING_SILENT)
		set_open(ear, false, now_ticks);
}
