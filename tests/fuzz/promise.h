/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a fuzz target checks: a promise that is broken ends it. */
#ifndef DH_PROMISE_H
#define DH_PROMISE_H

#include <stdio.h>
#include <stdlib.h>

#define PROMISE(condition) \
	do { \
		if (!(condition)) { \
			fprintf(stderr, "broken promise, line %d: %s\n", __LINE__, #condition); \
			abort(); \
		} \
	} while (0)

#endif
