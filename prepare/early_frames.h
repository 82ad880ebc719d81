/* Frames that wait until picture and sound have both begun. Private to
 * segment.c. */
#ifndef DH_EARLY_H
#define DH_EARLY_H

#include "fault.h"
#include "frame.h"

#define DH_EARLY_FRAMES 4096
#define DH_EARLY_BYTES  (96u * 1024 * 1024)

/* Zeroed, it is empty. */
struct dh_early_frames {
	struct dh_frame frames[DH_EARLY_FRAMES]; /* with clones of their own */
	int count;
	size_t bytes;
};

/* Keeps a clone of the frame. -> DH_PREPARE_MEMORY. */
int dh_early_frames_keep(struct dh_early_frames *waiting, const struct dh_frame *frame, struct dh_fault *fault);
void dh_early_frames_clear(struct dh_early_frames *waiting);

/* No more should be kept. */
int dh_early_frames_is_full(const struct dh_early_frames *waiting);

/* The first one of a medium, or NULL. */
const struct dh_frame *dh_early_frames_first(const struct dh_early_frames *waiting, enum dh_media media);

#endif
