/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where the numbers of a stream begin that begins now. Any thread. */
#ifndef DH_SEED_H
#define DH_SEED_H

#include "playout/continuity.h"

/* Sets those of packets and of pictures, at random (RFC 3550, 5.1); timestamps, SSRCs and payload types are the
 * caller's. */
void dh_seed_numbers(struct dh_continuity_seed *seed);

#endif
