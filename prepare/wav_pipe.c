/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wav_pipe.h"

#include <stdio.h>
#include <string.h>

#include <libavutil/intreadwrite.h>

#include "input_end.h"

/* What is looked at; the sound is expected to begin within it. */
#define HEAD_BYTES 512

enum { FORMAT_INTEGER = 1, FORMAT_FLOAT = 3, FORMAT_EXTENSIBLE = 0xfffe };

static const struct {
	unsigned format, bits;
	const char *name;
} kinds[] = {
	{ FORMAT_INTEGER, 8, "u8" },
	{ FORMAT_INTEGER, 16, "s16le" },
	{ FORMAT_INTEGER, 32, "s32le" },
	{ FORMAT_FLOAT, 32, "f32le" },
	{ FORMAT_FLOAT, 64, "f64le" },
};

/* `chunk`: the body of "fmt ". */
static bool take_format(struct dh_raw *raw, const uint8_t *chunk, uint32_t size)
{
	unsigned format = AV_RL16(chunk), channels = AV_RL16(chunk + 2), bits = AV_RL16(chunk + 14);
	uint32_t rate = AV_RL32(chunk + 4);
	if (format == FORMAT_EXTENSIBLE && size >= 40)
		format = AV_RL16(chunk + 24);
	if (channels < 1 || channels > 2 || rate < 4000 || rate > 384000 || AV_RL16(chunk + 12) != channels * bits / 8)
		return false;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (kinds[i].format == format && kinds[i].bits == bits) {
			*raw = (struct dh_raw){ .is_audio = true, .sample_rate = (int)rate, .channels = (int)channels };
			snprintf(raw->format, sizeof raw->format, "%s", kinds[i].name);
			return true;
		}
	return false;
}

/* Returns where the sound begins, or 0. */
static uint32_t parse(struct dh_raw *raw, const uint8_t *head, uint32_t n)
{
	uint32_t at = 12;
	if (n < at || memcmp(head, "RIFF", 4) != 0 || memcmp(head + 8, "WAVE", 4) != 0)
		return 0;
	while (n - at >= 8) {
		const uint8_t *chunk = head + at;
		uint32_t size = AV_RL32(chunk + 4), room = n - at - 8;
		if (memcmp(chunk, "data", 4) == 0)
			return raw->is_audio && DH_SIZE_IS_UNSTATED(size) ? at + 8 : 0;
		if (size > room || size + (size & 1) > room)
			return 0;
		if (memcmp(chunk, "fmt ", 4) == 0 && (size < 16 || !take_format(raw, chunk + 8, size)))
			return 0;
		at += 8 + size + (size & 1);
	}
	return 0;
}

bool dh_wav_pipe(struct dh_raw *raw, AVIOContext *io)
{
	int64_t start = avio_tell(io);
	uint8_t head[HEAD_BYTES];
	int n = avio_read(io, head, sizeof head);
	*raw = (struct dh_raw){ 0 };
	uint32_t begin = n > 0 ? parse(raw, head, (uint32_t)n) : 0;
	avio_seek(io, start + begin, SEEK_SET); /* within its buffer */
	return begin > 0;
}
