/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A callback that hears of the progress of a task. */
#ifndef DH_PROGRESS_H
#define DH_PROGRESS_H

#include <stdint.h>

/* `total_ticks` is 0 if the input does not state its length. */
struct dh_progress {
	void (*report)(void *arg, int64_t done_ticks, int64_t total_ticks, int64_t pictures);
	void *arg;
};

#endif
