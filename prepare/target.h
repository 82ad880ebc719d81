/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the name of an output stands for. */
#ifndef DH_TARGET_H
#define DH_TARGET_H

#include "fault.h"

struct dh_target {
	char *path; /* the regular file at the end of all links, which need not exist yet; free it; NULL: */
	int fd;     /* a device, FIFO or descriptor, open for writing; the caller closes it. -1: none */
};

/* Follows links, and opens what is not a regular file: a FIFO waits for its reader. Names
 * like /dev/stdout stand for this process's own descriptors. Fails with DH_PREPARE_OUTPUT. */
int dh_target_find(struct dh_target *target, const char *name, struct dh_fault *fault);

/* Refuses an `output` that is the file, device or FIFO `input` as well. "-" is the
 * standard one. Fails with DH_PREPARE_USAGE. */
int dh_target_check(const char *output, const char *input, struct dh_fault *fault);

#endif
