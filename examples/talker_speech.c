/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "talker_speech.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Loudness is measured this far to both sides of an instant. */
#define HEAR_S 0.025
/* A stress closer to the last one is not shown. */
#define STRESS_GAP_S 0.55
/* A syllable this much louder than usual is stressed. */
#define STRESS_RATIO     1.18
#define SHORTEST_VOWEL_S 0.05

/* Grows the array at `items` to hold `count + more` items of `size` bytes. */
static int reserve(void *items, size_t *capacity, size_t count, size_t more, size_t size)
{
	size_t wanted = *capacity ? *capacity : 1024;
	void *grown;

	if (count + more <= *capacity)
		return 0;
	while (wanted < count + more)
		wanted *= 2;
	grown = realloc(*(void **)items, wanted * size);
	if (!grown)
		return -ENOMEM;
	*(void **)items = grown;
	*capacity = wanted;
	return 0;
}

int dh_speech_resize(struct dh_speech *speech, size_t count)
{
	if (count > speech->count) {
		size_t more = count - speech->count;
		if (reserve(&speech->samples, &speech->capacity, speech->count, more, sizeof(int16_t)))
			return -ENOMEM;
		memset(speech->samples + speech->count, 0, more * sizeof(int16_t));
	}
	speech->count = count;
	return 0;
}

int dh_speech_init(struct dh_speech *speech, int rate, double lead_s)
{
	memset(speech, 0, sizeof(*speech));
	speech->rate = rate;
	speech->loudest = 2000; /* of 32767, so that a whisper stays quiet */
	return dh_speech_resize(speech, (size_t)lround(lead_s * rate));
}

void dh_speech_clear(struct dh_speech *speech)
{
	free(speech->samples);
	free(speech->phonemes);
	free(speech->stresses);
	memset(speech, 0, sizeof(*speech));
}

/* Root of the mean square between two instants. */
static double rms(const struct dh_speech *speech, double from_s, double to_s)
{
	size_t first = (size_t)fmax(0, from_s * speech->rate), last = (size_t)fmax(0, to_s * speech->rate);
	double sum = 0;

	if (last > speech->count)
		last = speech->count;
	if (first >= last)
		return 0;
	for (size_t i = first; i < last; i++)
		sum += (double)speech->samples[i] * speech->samples[i];
	return sqrt(sum / (double)(last - first));
}

static bool is_vowel(const char *ipa)
{
	static const char *const vowels[] = { "a", "e", "i", "o", "u", "y", "æ", "ɑ", "ɐ", "ʌ", "ɛ", "ɜ", "ɪ", "ɔ", "ɒ",
		"ø", "œ", "ʊ", "ʏ", "ə" };

	for (size_t i = 0; i < sizeof(vowels) / sizeof(vowels[0]); i++)
		if (!strncmp(ipa, vowels[i], strlen(vowels[i])))
			return true;
	return false;
}

/* The synthesiser does not report stress, but it speaks stressed syllables
 * louder. */
static int judge(struct dh_speech *speech, const struct dh_phoneme *vowel, double end_s)
{
	double loud = rms(speech, vowel->start_s, end_s);
	double last = speech->stress_count ? speech->stresses[speech->stress_count - 1] : -1;
	bool stands_out = loud > speech->usual * STRESS_RATIO && vowel->start_s > last + STRESS_GAP_S;

	speech->usual = speech->usual > 0 ? 0.85 * speech->usual + 0.15 * loud : 0.8 * loud;
	speech->loudest = fmax(speech->loudest, loud);
	if (!stands_out)
		return 0;
	if (reserve(&speech->stresses, &speech->stress_capacity, speech->stress_count, 1, sizeof(double)))
		return -ENOMEM;
	speech->stresses[speech->stress_count++] = vowel->start_s + 0.03;
	return 0;
}

int dh_speech_add(struct dh_speech *speech, double lead_s, const int16_t *samples, size_t count,
	const struct dh_phoneme *phonemes, size_t phoneme_count)
{
	if (reserve(&speech->samples, &speech->capacity, speech->count, count, sizeof(int16_t)) ||
		reserve(&speech->phonemes, &speech->phoneme_capacity, speech->phoneme_count, phoneme_count,
			sizeof(*phonemes)))
		return -ENOMEM;
	if (count)
		memcpy(speech->samples + speech->count, samples, count * sizeof(int16_t));
	speech->count += count;
	for (size_t i = 0; i < phoneme_count; i++) {
		speech->phonemes[speech->phoneme_count] = phonemes[i];
		speech->phonemes[speech->phoneme_count++].start_s += lead_s;
	}
	for (; speech->judged + 1 < speech->phoneme_count; speech->judged++) {
		const struct dh_phoneme *phoneme = &speech->phonemes[speech->judged];
		if (is_vowel(phoneme->ipa) && phoneme[1].start_s - phoneme->start_s > SHORTEST_VOWEL_S &&
			judge(speech, phoneme, phoneme[1].start_s))
			return -ENOMEM;
	}
	return 0;
}

int dh_speech_add_sound(struct dh_speech *speech, const int16_t *samples, size_t count)
{
	int err = dh_speech_add(speech, 0, samples, count, NULL, 0);
	double known_s = dh_speech_known_s(speech);

	speech->loudest = fmax(speech->loudest, rms(speech, known_s - 2 * HEAR_S, known_s));
	return err;
}

double dh_speech_known_s(const struct dh_speech *speech)
{
	return (double)speech->count / speech->rate;
}

double dh_speech_loudness(const struct dh_speech *speech, double now_s)
{
	return fmin(1, rms(speech, now_s - HEAR_S, now_s + HEAR_S) / speech->loudest);
}
