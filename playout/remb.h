/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a receiver estimates of its bandwidth: REMB (draft-alvestrand-rmcat-remb-03). Pure.
 */
#ifndef DH_REMB_H
#define DH_REMB_H

#include <stddef.h>
#include <stdint.h>

/* The first REMB of a compound packet, in kbit/s, at most INT32_MAX; -1: there is none. What is broken has none from
 * there on. */
int32_t dh_remb_read(const uint8_t *rtcp, size_t size);

#endif
