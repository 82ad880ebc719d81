/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What went wrong: the exit code, and a message.
 *
 * A function of prepare/ that takes a fault returns 0, or a code of enum
 * dh_prepare_exit (`code`) that it has recorded in the fault. The first fault
 * stands; later ones do not overwrite it. Functions without a fault return 0 or a
 * negative errno (`err`), as callbacks of the segment stream do.
 */
#ifndef DH_FAULT_H
#define DH_FAULT_H

#include "job.h"

#define DH_FAULT_TEXT 900

struct dh_fault {
	int code;                 /* 0: nothing went wrong */
	char text[DH_FAULT_TEXT]; /* one line that names the input */
};

/* Records `code` and the text unless a fault is recorded already; returns the
 * recorded code. */
int dh_fault_set(struct dh_fault *fault, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Records DH_PREPARE_MEMORY. */
int dh_fault_memory(struct dh_fault *fault);

#endif
