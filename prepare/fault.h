/* What went wrong, for a person and for the exit code.
 *
 * Everything in prepare/ that can fail returns 0 or a code of
 * enum dh_prepare_exit, and has then filled in the caller's fault. The first
 * fault stands: what fails in its wake does not overwrite it.
 */
#ifndef DH_FAULT_H
#define DH_FAULT_H

#include "job.h"

#define DH_FAULT_TEXT 900

struct dh_fault {
	int code;                 /* 0: nothing went wrong */
	char text[DH_FAULT_TEXT]; /* UTF-8, one line, names the input */
};

/* Records `code` with the text unless a fault is there already; returns the
 * code that stands. */
int dh_fault_set(struct dh_fault *fault, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The usual one: DH_PREPARE_MEMORY. */
int dh_fault_memory(struct dh_fault *fault);

#endif
