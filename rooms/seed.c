/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "seed.h"

#include <glib.h>

/* A receiver of SRTP counts by itself how often sequence numbers have begun again, and starts with the first packet
 * that it gets (RFC 3711, 3.3.1). If those before that are lost, and numbers have begun again among them, it counts
 * one less than the sender, and decrypts nothing for good. In the lower half they begin again only after 32768
 * packets. */
#define SEQUENCES 0x8000

void dh_seed_numbers(struct dh_continuity_seed *seed)
{
	seed->first_picture_id = (uint16_t)g_random_int_range(0, 0x8000);
	seed->first_tl0picidx = (uint8_t)g_random_int_range(0, 0x100);
	for (int media = 0; media < 2; media++)
		seed->first_sequence[media] = (uint16_t)g_random_int_range(0, SEQUENCES);
}
