/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "raw.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libavutil/parseutils.h>
#include <libavutil/pixdesc.h>

/* numpy's dtypes as FFmpeg names them. */
static const char *const samples[] = {
	"u8",
	"s8",
	"s16le",
	"s16be",
	"s32le",
	"s32be",
	"f32le",
	"f32be",
	"f64le",
	"f64be",
};

int dh_raw_parse_video(struct dh_raw *raw, const char *text, struct dh_fault *fault)
{
	char rate[32];
	int used = 0;
	AVRational r;
	memset(raw, 0, sizeof *raw);
	if (sscanf(text, "%31[^:]:%dx%d@%31[0-9./]%n", raw->format, &raw->width, &raw->height, rate, &used) != 4 ||
		text[used] || av_parse_video_rate(&r, rate) < 0 || r.num <= 0 || r.den <= 0 || r.num / r.den > 1000)
		return dh_fault_set(fault, DH_PREPARE_USAGE,
			"--raw-video is %s, expected PIXELS:WIDTHxHEIGHT@RATE, "
			"as in bgr24:512x512@33",
			text);
	const AVPixFmtDescriptor *format = av_pix_fmt_desc_get(av_get_pix_fmt(raw->format));
	if (!format || format->flags & AV_PIX_FMT_FLAG_HWACCEL)
		return dh_fault_set(fault, DH_PREPARE_USAGE,
			"--raw-video: unknown pixel format %s (bgr24, rgb24, "
			"rgba, gray, yuv420p, ...; ffmpeg -pix_fmts lists them)",
			raw->format);
	if (raw->width < 1 || raw->height < 1 || raw->width > 16384 || raw->height > 16384)
		return dh_fault_set(fault, DH_PREPARE_USAGE, "--raw-video: size %dx%d, expected 1 to 16384", raw->width,
			raw->height);
	raw->is_video = true;
	raw->rate_num = r.num;
	raw->rate_den = r.den;
	return 0;
}

bool dh_raw_is_samples(const char *format)
{
	for (size_t i = 0; i < sizeof samples / sizeof *samples; i++)
		if (strcmp(format, samples[i]) == 0)
			return true;
	return false;
}

int dh_raw_parse_audio(struct dh_raw *raw, const char *text, struct dh_fault *fault)
{
	int used = 0;
	memset(raw, 0, sizeof *raw);
	if (sscanf(text, "%31[^:]:%d:%d%n", raw->format, &raw->sample_rate, &raw->channels, &used) != 3 || text[used])
		return dh_fault_set(fault, DH_PREPARE_USAGE,
			"--raw-audio is %s, expected SAMPLES:RATE:CHANNELS, "
			"as in f32le:24000:1",
			text);
	if (raw->sample_rate < 4000 || raw->sample_rate > 384000 || raw->channels < 1 || raw->channels > 16)
		return dh_fault_set(fault, DH_PREPARE_USAGE,
			"--raw-audio: %d Hz and %d channels, expected 4000 to 384000 "
			"and 1 to 16",
			raw->sample_rate, raw->channels);
	raw->is_audio = dh_raw_is_samples(raw->format);
	if (!raw->is_audio)
		return dh_fault_set(fault, DH_PREPARE_USAGE,
			"--raw-audio: unknown sample format %s (u8, s16le, s32le, f32le, f64le, ...)", raw->format);
	return 0;
}
