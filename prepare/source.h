/* One input, opened, demuxed and decoded: pictures and sound with their times
 * as the container states them.
 */
#ifndef DH_SOURCE_H
#define DH_SOURCE_H

#include <stdbool.h>

#include "frame.h"
#include "source_config.h"

struct dh_source;

/* What `config` points to outlives the source. */
int dh_source_alloc(struct dh_source **source, const struct dh_source_config *config, struct dh_fault *fault);
void dh_source_free(struct dh_source **source);

/* Whether it has the medium, and is not at its end. */
int dh_source_has(const struct dh_source *source, enum dh_media media);

/* A still picture rather than a clip. */
int dh_source_is_still(const struct dh_source *source);

/* Nominal rate of pictures; 0/1: variable or unknown. */
void dh_source_rate(const struct dh_source *source, int64_t *num, int64_t *den);

/* The length that the container states, 0 when it does not. */
int64_t dh_source_stated_ticks(const struct dh_source *source);

/* The next decoded frame of any wanted medium; frame->av is NULL at the end.
 * Damaged packets are left out, and counted. */
int dh_source_next(struct dh_source *source, struct dh_frame *frame, struct dh_fault *fault);

/* Looks on in a file, past what was read, whether it holds more of `media`; once,
 * until more of it was read. Where it does not, the last frames of that medium
 * come next, and dh_source_has turns false before the input ends. For pipes:
 * nothing. */
int dh_source_look_ahead(struct dh_source *source, enum dh_media media, struct dh_fault *fault);

/* At the end: whether the input ended before its container said it would, as far
 * as that can be told. */
bool dh_source_is_cut(const struct dh_source *source);

int dh_source_damaged(const struct dh_source *source);

#endif
