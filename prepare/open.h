/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Detects the container and opens it. Refuses what is not accepted, and whatever
 * would open another file. Private to source.c. */
#ifndef DH_OPEN_H
#define DH_OPEN_H

#include <stdbool.h>

#include <libavformat/avformat.h>

#include "input_bytes.h"
#include "source_config.h"

/* The context reads from `input`, which must outlive it. */
int dh_open(AVFormatContext **format, bool *is_still, struct dh_input_bytes *input,
	const struct dh_source_config *config, struct dh_fault *fault);

#endif
