/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a request says about a segment's place, time and text: the fields that `enqueue`, `say`
 * and the first line of a push have in common (docs/api.md).
 */
#ifndef DH_SEGMENT_REQUEST_H
#define DH_SEGMENT_REQUEST_H

#include <stdbool.h>

#include <jansson.h>

#include "playout/order.h"

#define DH_TTL_MS_MAX     (24 * 3600 * 1000)
#define DH_PREROLL_MS_MAX 10000
#define DH_FROM_MS_MAX    (24 * 3600 * 1000)
#define DH_SEAM_WAIT_MAX  5000 /* ms */

/* Strings and JSON are borrowed from the request. Zeroed, with `preroll_ms` -1: nothing is
 * said. */
struct dh_segment_request {
	const char *id; /* NULL: the room makes one */
	/* `underrun` counts if has_underrun; the room sets `source` and `preroll_ticks` */
	struct dh_order order;
	bool has_underrun;
	int64_t preroll_ms;               /* 0: as long as its source needs; -1: not given */
	const char *before, *after;       /* ids; NULL: not given */
	const char *text;                 /* what is said, NULL: not known */
	const json_t *words;              /* its times, see heard.h; NULL: not known */
	const json_t *captions, *markers; /* see timed_text.h; NULL: none */
	/* What makes two requests of the same id the same. NULL: nothing does. */
	const char *content;
};

void dh_segment_request_init(struct dh_segment_request *request);

/* Reads the fields of `body`, an object. NULL: they are right; otherwise a text that names the
 * field and what is expected, which the caller frees (g_free). Other fields are ignored. */
char *dh_segment_request_read(struct dh_segment_request *request, const json_t *body);

/* A `content` for a request: all its fields but those about who asks. The caller frees it
 * (free). */
char *dh_segment_request_content(const json_t *body);

/* "hold", "idle", "skip"; false: none of them. */
bool dh_underrun_parse(const char *name, enum dh_underrun *underrun);
const char *dh_underrun_name(enum dh_underrun underrun);
/* "background", "normal", "urgent"; false: none of them. */
bool dh_priority_parse(const char *name, enum dh_priority *priority);
const char *dh_priority_name(enum dh_priority priority);

#endif
