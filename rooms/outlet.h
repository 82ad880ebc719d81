/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a viewer of a room's playout stands for: the first thing in a member, a forward, and a recording. */
#ifndef DH_OUTLET_H
#define DH_OUTLET_H

enum dh_outlet_kind {
	DH_OUTLET_MEMBER,    /* struct dh_member */
	DH_OUTLET_FORWARD,   /* struct dh_rtp_forward */
	DH_OUTLET_RECORDING, /* struct dh_room_recording */
};

struct dh_outlet {
	enum dh_outlet_kind kind;
};

#endif
