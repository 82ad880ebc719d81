/* Frames that wait until picture and sound have both begun. Private to
 * segment.c. */
#ifndef DH_WAITING_H
#define DH_WAITING_H

#include "source.h"

#define DH_WAITING_FRAMES 4096
#define DH_WAITING_BYTES  (96u * 1024 * 1024)

/* Zeroed, it is empty. */
struct dh_waiting {
	struct dh_frame frames[DH_WAITING_FRAMES]; /* with clones of their own */
	int count;
	size_t bytes;
};

/* Keeps a clone of the frame. -> DH_PREPARE_MEMORY. */
int dh_waiting_keep(struct dh_waiting *waiting, const struct dh_frame *frame, struct dh_fault *fault);
void dh_waiting_clear(struct dh_waiting *waiting);

/* No more should be kept. */
int dh_waiting_is_full(const struct dh_waiting *waiting);

/* The first one of a medium, or NULL. */
const struct dh_frame *dh_waiting_first(const struct dh_waiting *waiting, enum dh_media media);

#endif
