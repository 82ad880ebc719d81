/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "talker_wav.h"

#include "talker_options.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#define CHANNELS_MAX 8
#define FRAMES       512 /* read at a time */

enum { FORMAT_INTEGER = 1, FORMAT_FLOAT = 3, FORMAT_EXTENSIBLE = 0xfffe };
/* Of an extensible format: where the kind of its samples is. */
#define SUBFORMAT 24

static int not_wav(const char *why)
{
	return dh_complain(DH_EXIT_TEXT, "the sound cannot be read: %s", why);
}

/* Fewer bytes than `size` only at the end; negative: an error. */
static long read_all(int fd, void *bytes, size_t size)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = read(fd, (char *)bytes + done, size - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (long)done;
}

static uint32_t number(const uint8_t *at, int bytes)
{
	uint32_t value = 0;

	for (int i = bytes; i > 0; i--)
		value = value << 8 | at[i - 1];
	return value;
}

static int skip(int fd, uint32_t size)
{
	uint8_t bytes[512];

	while (size > 0) {
		size_t part = size < sizeof(bytes) ? size : sizeof(bytes);
		if (read_all(fd, bytes, part) != (long)part)
			return -1;
		size -= (uint32_t)part;
	}
	return 0;
}

static int read_format(struct dh_wav *wav, uint32_t size)
{
	uint8_t format[SUBFORMAT + 2] = { 0 };
	uint32_t kind, part = size < sizeof(format) ? size : sizeof(format);

	if (size < 16 || size > 1000 || read_all(wav->fd, format, part) != (long)part ||
		skip(wav->fd, size - part + size % 2))
		return not_wav("it is no WAV file");
	kind = number(format, 2);
	if (kind == FORMAT_EXTENSIBLE)
		kind = number(format + SUBFORMAT, 2);
	wav->channels = (int)number(format + 2, 2);
	wav->rate = (int)number(format + 4, 4);
	wav->bytes = (int)number(format + 14, 2) / 8;
	if (!((kind == FORMAT_INTEGER && wav->bytes == 2) || (kind == FORMAT_FLOAT && wav->bytes == 4)))
		return not_wav("16-bit integers or 32-bit floats are expected");
	if (wav->channels < 1 || wav->channels > CHANNELS_MAX || wav->rate < 8000 || wav->rate > 48000)
		return not_wav("1 to 8 channels and 8000 to 48000 Hz are expected");
	return 0;
}

int dh_wav_open(struct dh_wav *wav, int fd)
{
	uint8_t header[12];

	memset(wav, 0, sizeof(*wav));
	wav->fd = fd;
	if (read_all(fd, header, 12) != 12 || memcmp(header, "RIFF", 4) || memcmp(header + 8, "WAVE", 4))
		return not_wav("it is no WAV file");
	for (;;) {
		uint32_t size;
		int code = 0;
		if (read_all(fd, header, 8) != 8)
			return not_wav("there is no sound in it");
		size = number(header + 4, 4);
		if (!memcmp(header, "data", 4)) {
			/* Who writes into a pipe does not know the size. */
			wav->left = size == 0 || size == UINT32_MAX ? UINT64_MAX : size;
			return wav->rate ? 0 : not_wav("its format is missing");
		}
		if (!memcmp(header, "fmt ", 4))
			code = read_format(wav, size);
		else if (skip(fd, size + size % 2))
			code = not_wav("there is no sound in it");
		if (code)
			return code;
	}
}

static double sample(const struct dh_wav *wav, const uint8_t *at)
{
	uint32_t bits = number(at, wav->bytes);
	float value;

	if (wav->bytes == 2)
		return (int16_t)bits;
	memcpy(&value, &bits, sizeof(value));
	return isfinite(value) ? fmax(-1, fmin(1, (double)value)) * 32767 : 0;
}

long dh_wav_read(struct dh_wav *wav, int16_t *samples, size_t most)
{
	uint8_t bytes[FRAMES * CHANNELS_MAX * 4];
	size_t frame = (size_t)wav->channels * (size_t)wav->bytes, frames = most < FRAMES ? most : FRAMES;
	long n;

	if (frames * frame > wav->left)
		frames = (size_t)wav->left / frame;
	n = read_all(wav->fd, bytes, frames * frame);
	if (n < 0)
		return -not_wav(strerror(errno));
	if (wav->left != UINT64_MAX)
		wav->left -= (uint64_t)n;
	frames = (size_t)n / frame;
	for (size_t i = 0; i < frames; i++) {
		double sum = 0;
		for (int channel = 0; channel < wav->channels; channel++)
			sum += sample(wav, bytes + i * frame + (size_t)(channel * wav->bytes));
		samples[i] = (int16_t)lround(sum / wav->channels);
	}
	return (long)frames;
}
