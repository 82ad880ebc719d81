/* An array without a container, as numpy's tofile writes it, and how the command
 * line describes one.
 */
#ifndef DH_RAW_H
#define DH_RAW_H

#include "fault.h"

struct dh_raw {
	int is_video, is_audio; /* neither: not raw */
	char format[32];        /* pixel format, or sample format (f32le) */
	int width, height;
	int rate_num, rate_den; /* pictures a second */
	int sample_rate, channels;
};

/* PIXELS:WIDTHxHEIGHT@RATE, as bgr24:512x512@33; the rate may be 30000/1001 or
 * 29.97. -> DH_PREPARE_USAGE, the text says what was expected. */
int dh_raw_parse_video(struct dh_raw *raw, const char *text, struct dh_fault *fault);

/* SAMPLES:RATE:CHANNELS, as f32le:24000:1. */
int dh_raw_parse_audio(struct dh_raw *raw, const char *text, struct dh_fault *fault);

#endif
