/* Who wants to know how far a task is. */
#ifndef DH_PROGRESS_H
#define DH_PROGRESS_H

#include <stdint.h>

/* How far it is; `total_ticks` 0 where the input does not say. */
struct dh_progress {
	void (*report)(void *arg, int64_t done_ticks, int64_t total_ticks, int64_t pictures);
	void *arg;
};

#endif
