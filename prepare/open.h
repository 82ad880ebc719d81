/* Finds the container and opens it, refusing what is not on the list and every
 * further open. Private to source.c. */
#ifndef DH_OPEN_H
#define DH_OPEN_H

#include <libavformat/avformat.h>

#include "input_bytes.h"
#include "source_config.h"

/* The context reads from `feed`, which is the caller's. */
int dh_open(AVFormatContext **format, int *is_still, struct dh_input_bytes *feed,
	const struct dh_source_config *config, struct dh_fault *fault);

#endif
