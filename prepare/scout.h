/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads ahead in a file to tell whether more packets of a stream will come, each packet
 * once. Private to source.c.
 */
#ifndef DH_SCOUT_H
#define DH_SCOUT_H

#include <stdbool.h>
#include <stdint.h>

#include "fault.h"
#include "source_config.h"

struct dh_scout;

/* For stream `index` of container number `part` (from 0) of a file. What `config` points to
 * must outlive it. */
int dh_scout_alloc(struct dh_scout **scout, const struct dh_source_config *config, int part, int index,
	struct dh_fault *fault);
void dh_scout_free(struct dh_scout **scout);

/* Whether more than `packets` packets of the stream are in the container, or another
 * container follows. */
bool dh_scout_finds_more(struct dh_scout *scout, int64_t packets);

#endif
