/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a viewer of a room's playout stands for: the first thing in a member, and in a forward. */
#ifndef DH_OUTLET_H
#define DH_OUTLET_H

#include <stdbool.h>

struct dh_outlet {
	bool is_forward; /* struct dh_rtp_forward; otherwise struct dh_member */
};

#endif
