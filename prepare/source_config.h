/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How an input is opened. */
#ifndef DH_SOURCE_CONFIG_H
#define DH_SOURCE_CONFIG_H

#include "playout/unit.h"
#include "raw.h"

#define DH_WANT_AUDIO (1 << DH_AUDIO)
#define DH_WANT_VIDEO (1 << DH_VIDEO)
#define DH_WANT_WORDS (1 << 2)

struct dh_source_config {
	int fd;
	const char *name;
	const struct dh_raw *raw;
	int want;       /* DH_WANT_… */
	int max_side;   /* limit for input pictures */
	int max_ms;     /* refuse inputs that state a longer length; 0: no limit */
	int silence_ms; /* see job.h */
	int first_fd;   /* see task.h */
};

#endif
