/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What all media together may use, and do use. One set per ingest, refcounted; any thread.
 */
#ifndef DH_LIMITS_H
#define DH_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

enum dh_limit {
	DH_LIMIT_DESCRIPTORS, /* open media files */
	DH_LIMIT_MEMORY,      /* bytes of prepared media and of copies */
	DH_LIMIT_COUNT
};

struct dh_limits;

/* `most`: DH_LIMIT_COUNT values. */
struct dh_limits *dh_limits_new(const int64_t *most);
struct dh_limits *dh_limits_ref(struct dh_limits *limits);
void dh_limits_unref(struct dh_limits **limits);

/* Returns false, and takes nothing, if that would exceed the limit. */
bool dh_limits_take(struct dh_limits *limits, enum dh_limit which, int64_t count);
/* Takes it even beyond the limit. A negative count gives it back. */
void dh_limits_add(struct dh_limits *limits, enum dh_limit which, int64_t count);

int64_t dh_limits_used(struct dh_limits *limits, enum dh_limit which);
int64_t dh_limits_most(struct dh_limits *limits, enum dh_limit which);

#endif
