/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Mouth shapes for the phonemes that the synthesiser reports. */
#ifndef DH_TALKER_MOUTH_H
#define DH_TALKER_MOUTH_H

#include <stddef.h>

/* One mouth shape; all zeros is closed and relaxed. */
struct dh_mouth {
	double open;   /* 0 to 1: height of the opening, the jaw follows */
	double wide;   /* -1 (narrow) to 1 (spread) */
	double round;  /* 0 to 1: lips rounded and pushed forward */
	double teeth;  /* 0 to 1: how much of the upper teeth shows */
	double tongue; /* 0 to 1: how far the tongue is up */
	double press;  /* 0 to 1: lips pressed together (p, b, m) */
	double tuck;   /* 0 to 1: lower lip beneath the upper teeth (f, v) */
};

/* A phoneme of the speech: its name in IPA ("" is a pause), and when it begins,
 * in seconds from the segment's start. It lasts until the next one begins. */
struct dh_phoneme {
	double start_s;
	char ipa[9];
};

/* Phonemes must be known this far ahead. */
#define DH_MOUTH_REACH_S 0.30

/* The shape at `now_s`, blended over the phonemes around it (a mouth
 * prepares for the next sound during this one). `count` phonemes, sorted by start;
 * silence from `end_s` on (INFINITY while unknown). *first is where the search
 * starts: the caller sets it to 0 once and passes it on, with `now_s` rising. */
void dh_mouth_at(struct dh_mouth *mouth, const struct dh_phoneme *phonemes, size_t count, double end_s, double now_s,
	size_t *first);

/* The shape for a sound of which only the loudness, 0 to 1, is known, now and a moment before. */
void dh_mouth_loud(struct dh_mouth *mouth, double now, double before);

/* The table's shapes, one by one. 0, or -1 beyond the last. */
int dh_mouth_sample(size_t index, const char **ipa, struct dh_mouth *mouth);

#endif
