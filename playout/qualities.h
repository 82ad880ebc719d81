/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The qualities of an avatar: its pictures are encoded once for each, at the same size and under the same anchor,
 * with entries at the same pictures. Number 0 is the best.
 */
#ifndef DH_QUALITIES_H
#define DH_QUALITIES_H

#include <stdbool.h>
#include <stdint.h>

#define DH_QUALITIES_MAX 3
#define DH_KBPS_MIN      50
#define DH_KBPS_MAX      20000

/* Bit rates by quality, kbit/s, are between these limits, each lower than the one before, and 0 behind the last. */
static inline bool dh_qualities_are_valid(const int kbps[DH_QUALITIES_MAX])
{
	for (int q = 0; q < DH_QUALITIES_MAX; q++) {
		bool is_there = kbps[q] != 0;
		if (is_there && (kbps[q] < DH_KBPS_MIN || kbps[q] > DH_KBPS_MAX))
			return false;
		if (q == 0 ? !is_there : is_there && kbps[q] >= kbps[q - 1])
			return false;
	}
	return true;
}

/* How many there are, of valid ones; at least 1. */
static inline int dh_qualities_count(const int kbps[DH_QUALITIES_MAX])
{
	int count = 1;
	while (count < DH_QUALITIES_MAX && kbps[count])
		count++;
	return count;
}

#endif
