/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Why something did not work: the exit code, and a sentence for people. The first fault of
 * a run counts; those that follow from it are dropped. */
#ifndef DH_SEND_FAULT_H
#define DH_SEND_FAULT_H

#include "exit_code.h"

struct dh_send_fault {
	enum dh_send_exit code; /* 0: none */
	char text[1000];
};

/* Returns the fault's code, so that a function can end with it. */
__attribute__((format(printf, 3, 4))) int dh_send_fail(struct dh_send_fault *fault, enum dh_send_exit code,
	const char *format, ...);

#endif
