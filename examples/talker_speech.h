/* The speech as it grows: sound, phonemes, and which syllables stand out. */
#ifndef DH_TALKER_SPEECH_H
#define DH_TALKER_SPEECH_H

#include <stddef.h>
#include <stdint.h>

#include "talker_mouth.h"

/* All times are from the segment's start. */
struct dh_speech {
	/* immutable */
	int rate;                    /* samples a second */
	/* growing */
	int16_t *samples;
	size_t count, room;
	struct dh_phoneme *phonemes;
	size_t phoneme_count, phoneme_room;
	double *stresses;            /* when a syllable is stressed, seconds */
	size_t stress_count, stress_room;
	/* private */
	size_t judged;               /* phonemes looked at for stress */
	double usual;                /* loudness of a usual syllable */
	double loudest;
};

/* Begins with `lead_s` of silence. 0 or -ENOMEM. */
int dh_speech_init(struct dh_speech *speech, int rate, double lead_s);
void dh_speech_free(struct dh_speech *speech);

/* Adds sound and the phonemes in it (times from the end of the lead). 0 or -ENOMEM. */
int dh_speech_add(struct dh_speech *speech, double lead_s, const int16_t *samples, size_t count,
	const struct dh_phoneme *phonemes, size_t phoneme_count);

/* Adds silence, or cuts, so that there are exactly `count` samples. 0 or -ENOMEM. */
int dh_speech_resize(struct dh_speech *speech, size_t count);

/* How much of the sound is there. */
double dh_speech_known_s(const struct dh_speech *speech);

/* How loud it is around an instant: 0 silence, 1 as loud as it gets. */
double dh_speech_loudness(const struct dh_speech *speech, double now_s);

#endif
