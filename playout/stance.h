/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an avatar does while no segment's pictures are shown; it may have a clip for each. */
#ifndef DH_STANCE_H
#define DH_STANCE_H

enum dh_stance {
	DH_STANCE_IDLE = 0,
	DH_STANCE_LISTENING, /* also while what plays is on hold */
	DH_STANCE_THINKING,
	DH_STANCE_SPEAKING, /* a segment plays that has no pictures */
	DH_STANCES,
};

#endif
