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

#define MAKER_ROOMS 6 /* ids from 1 to this */

struct request_maker {
	/* From 0 to `count` - 1. */
	unsigned (*choose)(void *arg, unsigned count);
	/* A value for a field that is wrong, or odd. */
	json_t *(*odd)(void *arg);
	void *arg;
	unsigned odd_every;       /* one of so many values is odd; 0: none */
	const char *const *files; /* in the segment folder, NULL at the end */
	/* The number of the newest segment that it named; atomic, shared. */
	atomic_int *segments;
};

/* All requests that there are; NULL beyond the last. */
const struct dh_request_type *maker_type(unsigned index);
unsigned maker_types(void);
const struct dh_request_type *maker_find(const char *name);

/* A body for a request of this kind. */
json_t *maker_body(const struct request_maker *maker, const struct dh_request_type *type);

#endif
