/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Random requests, made from the plugin's own tables of requests, so new ones are
 * covered at once. The caller provides the randomness: random numbers, or a fuzzer's
 * bytes.
 */
#ifndef DH_REQUEST_MAKER_H
#define DH_REQUEST_MAKER_H

#include <stdatomic.h>

#include <jansson.h>

#include "plugin/request_table.h"

#define MAKER_ROOMS 6 /* ids from 1 to this one */

struct request_maker {
	/* A random number from 0 to `count` - 1. */
	unsigned (*choose)(void *arg, unsigned count);
	/* A wrong or odd value for a field. */
	json_t *(*odd)(void *arg);
	void *arg;
	unsigned odd_every;       /* one value in so many is odd; 0: none */
	const char *const *files; /* files in the segment folder, NULL at the end */
	/* The number of the newest segment; atomic, shared. */
	atomic_int *segments;
};

/* All kinds of requests by index; NULL beyond the last. */
const struct dh_request_type *maker_type(unsigned index);
unsigned maker_types(void);
const struct dh_request_type *maker_find(const char *name);

/* Makes a body for a request of that kind. */
json_t *maker_body(const struct request_maker *maker, const struct dh_request_type *type);

#endif
