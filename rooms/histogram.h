/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Times counted by how long they are. Belongs to one thread; a copy may be read by any.
 */
#ifndef DH_HISTOGRAM_H
#define DH_HISTOGRAM_H

#include <stdint.h>

#include <jansson.h>

#define DH_HISTOGRAM_EDGES 12

/* Upper edges of the buckets, ascending; they belong to the bucket below. */
struct dh_histogram_edges {
	int ms[DH_HISTOGRAM_EDGES];
};

/* Zeroed: nothing yet. */
struct dh_histogram {
	uint64_t counts[DH_HISTOGRAM_EDGES + 1]; /* the last one is for all above the largest edge */
	int64_t sum_ticks;
};

/* A negative time counts as none. */
void dh_histogram_count(struct dh_histogram *histogram, const struct dh_histogram_edges *edges, int64_t ticks);

/* {"counts":[…],"sum_ms":…}, and the array of edges. New references. */
json_t *dh_histogram_json(const struct dh_histogram *histogram);
json_t *dh_histogram_edges_json(const struct dh_histogram_edges *edges);

#endif
