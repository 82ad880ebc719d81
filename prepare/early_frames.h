/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Holds frames until both picture and sound have started. Private to segment.c. */
#ifndef DH_EARLY_H
#define DH_EARLY_H

#include <stdbool.h>

#include "fault.h"
#include "frame.h"

#define DH_EARLY_FRAMES 4096
#define DH_EARLY_BYTES  (96u * 1024 * 1024)

/* Zero-initialise it. */
struct dh_early_frames {
	struct dh_frame frames[DH_EARLY_FRAMES]; /* clones */
	int count;
	size_t bytes;
};

/* Keeps a clone of the frame. Fails with DH_PREPARE_MEMORY. */
int dh_early_frames_keep(struct dh_early_frames *early, const struct dh_frame *frame, struct dh_fault *fault);
void dh_early_frames_clear(struct dh_early_frames *early);

/* Whether no more should be kept. */
bool dh_early_frames_is_full(const struct dh_early_frames *early);

/* The first frame of a medium, or NULL. */
const struct dh_frame *dh_early_frames_first(const struct dh_early_frames *early, enum dh_media media);

#endif
