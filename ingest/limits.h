/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What all media together may take, and what they take. Counters of one ingest,
 * refcounted; any thread.
 */
#ifndef DH_LIMITS_H
#define DH_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

enum dh_limit {
	DH_LIMIT_DESCRIPTORS, /* open files, pipes and sockets */
	DH_LIMIT_MEMORY,      /* bytes of prepared media */
	DH_LIMIT_COUNT
};

struct dh_limits;

/* `most`: DH_LIMIT_COUNT figures. */
struct dh_limits *dh_limits_new(const int64_t *most);
struct dh_limits *dh_limits_ref(struct dh_limits *limits);
void dh_limits_unref(struct dh_limits **limits);

/* False: that would be more than there may be, and nothing is taken. */
bool dh_limits_take(struct dh_limits *limits, enum dh_limit which, int64_t count);
/* Takes it whatever the limit: it is there already. Less than 0 gives it back. */
void dh_limits_add(struct dh_limits *limits, enum dh_limit which, int64_t count);

int64_t dh_limits_used(struct dh_limits *limits, enum dh_limit which);
int64_t dh_limits_most(struct dh_limits *limits, enum dh_limit which);

#endif
