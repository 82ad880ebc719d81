/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The speech as it grows: sound, phonemes, stressed syllables. */
#ifndef DH_TALKER_SPEECH_H
#define DH_TALKER_SPEECH_H

#include <stddef.h>
#include <stdint.h>

#include "talker_mouth.h"

/* All times are from the segment's start. */
struct dh_speech {
	/* immutable */
	int rate; /* samples a second */
	/* growing */
	int16_t *samples;
	size_t count, capacity;
	struct dh_phoneme *phonemes;
	size_t phoneme_count, phoneme_capacity;
	double *stresses; /* when a syllable is stressed, seconds */
	size_t stress_count, stress_capacity;
	/* private */
	size_t judged; /* phonemes looked at for stress */
	double usual;  /* loudness of a usual syllable */
	double loudest;
};

/* Starts with `lead_s` of silence. 0 or -ENOMEM. */
int dh_speech_init(struct dh_speech *speech, int rate, double lead_s);
void dh_speech_clear(struct dh_speech *speech);

/* Appends sound and its phonemes (times from the end of the lead). 0 or -ENOMEM. */
int dh_speech_add(struct dh_speech *speech, double lead_s, const int16_t *samples, size_t count,
	const struct dh_phoneme *phonemes, size_t phoneme_count);

/* Appends sound of which no phonemes are known. 0 or -ENOMEM. */
int dh_speech_add_sound(struct dh_speech *speech, const int16_t *samples, size_t count);

/* Pads with silence or cuts to exactly `count` samples. 0 or -ENOMEM. */
int dh_speech_resize(struct dh_speech *speech, size_t count);

/* Length of the sound so far. */
double dh_speech_known_s(const struct dh_speech *speech);

/* Loudness around an instant, from 0 (silence) to 1 (the loudest so far). */
double dh_speech_loudness(const struct dh_speech *speech, double now_s);

#endif
