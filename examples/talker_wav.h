/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A voice that exists already: reads a WAV file, also through a pipe while it is written. */
#ifndef DH_TALKER_WAV_H
#define DH_TALKER_WAV_H

#include <stddef.h>
#include <stdint.h>

struct dh_wav {
	int fd;
	int rate, channels, bytes; /* samples a second; 1 to 8; of a sample: 2 (integers) or 4 (floats) */
	uint64_t left;             /* bytes of sound to come; UINT64_MAX: until the end */
};

/* Reads the header. 0, or an exit code that was reported: it is no WAV of 16-bit integers or
 * 32-bit floats, 8000 to 48000 Hz. */
int dh_wav_open(struct dh_wav *wav, int fd);

/* The next samples, one channel: how many, 0 at the end, or negative: the exit code that was
 * reported, negated. */
long dh_wav_read(struct dh_wav *wav, int16_t *samples, size_t most);

#endif
