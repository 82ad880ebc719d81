/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What dh-push exits with; the numbers are documented in its --help. */
#ifndef DH_SEND_EXIT_CODE_H
#define DH_SEND_EXIT_CODE_H

enum dh_send_exit {
	DH_SEND_FINISHED = 0,
	DH_SEND_NO_CONNECTION = 1, /* none came about, or it broke before the segment's end */
	DH_SEND_USAGE = 2,
	DH_SEND_INPUT = 3,
	DH_SEND_REFUSED = 4,
	DH_SEND_INTERRUPTED = 5,
	DH_SEND_SKIPPED = 6,
	DH_SEND_REMOVED = 7,
	DH_SEND_FAILED = 8,
	DH_SEND_ENCODER = 9,
	DH_SEND_SIGNAL = 128, /* plus its number */
};

#endif
