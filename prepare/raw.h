/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An array without a container, as numpy's tofile writes it, and how the command
 * line describes one.
 */
#ifndef DH_RAW_H
#define DH_RAW_H

#include <stdbool.h>

#include "fault.h"

struct dh_raw {
	bool is_video, is_audio; /* neither: not raw */
	char format[32];         /* pixel format or sample format (f32le) */
	int width, height;
	int rate_num, rate_den; /* pictures a second */
	int sample_rate, channels;
};

/* Parses PIXELS:WIDTHxHEIGHT@RATE, as in bgr24:512x512@33; the rate may be
 * 30000/1001 or 29.97. Fails with DH_PREPARE_USAGE, saying what was expected. */
int dh_raw_parse_video(struct dh_raw *raw, const char *text, struct dh_fault *fault);

/* Parses SAMPLES:RATE:CHANNELS, as in f32le:24000:1. Fails likewise. */
int dh_raw_parse_audio(struct dh_raw *raw, const char *text, struct dh_fault *fault);

/* Whether that is a sample format. */
bool dh_raw_is_samples(const char *format);

#endif
