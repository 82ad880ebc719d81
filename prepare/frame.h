/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A decoded picture or block of sound, with its time. */
#ifndef DH_FRAME_H
#define DH_FRAME_H

#include <libavutil/frame.h>

#include "placement.h"
#include "playout/unit.h"

struct dh_frame {
	enum dh_media media;
	const AVFrame *av;      /* the source's, until its next call */
	struct dh_turn turn;    /* pictures */
	int64_t pts_ticks;      /* may be negative */
	int64_t duration_ticks; /* 0: unknown */
};

#endif
