/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Text to sound and phonemes, by espeak-ng. */
#ifndef DH_TALKER_VOICE_H
#define DH_TALKER_VOICE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "talker_mouth.h"

#define DH_VOICE_RATE_MIN 80 /* words a minute */
#define DH_VOICE_RATE_MAX 450
#define DH_VOICE_WORD     200 /* bytes */

struct dh_voice_settings {
	const char *name;    /* a language ("en-gb", "de"), a voice's name or file; "+f3" chooses a timbre */
	const char *variant; /* timbre for a name without one; may be NULL */
	int rate_wpm;        /* DH_VOICE_RATE_MIN to DH_VOICE_RATE_MAX */
	int pitch;           /* 0 to 99 */
};

/* Starts espeak-ng, once per process. Returns the sample rate (mono,
 * 16 bits), or -EIO when it cannot start, -ENOENT when there is no such voice. */
int dh_voice_open(const struct dh_voice_settings *settings);
void dh_voice_close(void);

/* A word of the text, and when it begins, in seconds from the segment's start. It lasts until the
 * next one, which may be empty. */
struct dh_word {
	double start_s;
	char text[DH_VOICE_WORD + 1]; /* the beginning of a longer one */
};

struct dh_voice_piece {
	const int16_t *samples;
	size_t count;
	const struct dh_phoneme *phonemes; /* that start in them */
	size_t phoneme_count;
	const struct dh_word *words; /* the same */
	size_t word_count;
};

/* Receives the next piece (times from the start of the speech). A negative return stops the
 * speech. */
typedef int dh_voice_fn(void *arg, const struct dh_voice_piece *piece);

/* Speaks UTF-8 text and calls `hear` from this thread as sound is made. 0, the
 * negative return of `hear`, or 1 when espeak-ng failed. */
int dh_voice_speak(const char *text, dh_voice_fn *hear, void *arg);

/* Prints one line for each language, then the timbres. 0 or -EIO. */
int dh_voice_list(FILE *file);

#endif
