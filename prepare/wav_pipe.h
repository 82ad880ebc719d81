/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A WAV file that is written while it is read. libavformat reads two to three seconds of its
 * sound ahead, in case it is another codec in disguise; as an array it starts at once.
 * Private to open.c. */
#ifndef DH_WAV_PIPE_H
#define DH_WAV_PIPE_H

#include <stdbool.h>

#include <libavformat/avio.h>

#include "raw.h"

/* If the file states no length, and its sound is of integers or floating-point numbers, describes it, and moves
 * behind its header. Otherwise false, and nothing has moved. */
bool dh_wav_pipe(struct dh_raw *raw, AVIOContext *io);

#endif
