/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the output holds, and in which container. */
#ifndef DH_TALKER_FORMAT_H
#define DH_TALKER_FORMAT_H

#include <stdbool.h>

enum dh_container { DH_NUT, DH_MATROSKA };

struct dh_mux_format {
	enum dh_container container;
	int width, height;    /* I420 */
	int fps_num, fps_den; /* frames a second */
	int sample_rate;      /* mono, 16 bits, little-endian; 0: no sound */
	bool has_words;       /* with sound only: what is spoken, as subtitles */
};

#endif
