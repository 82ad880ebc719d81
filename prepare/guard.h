/* The guard of anchored video: reads the header of an encoded VP8 frame
 * (RFC 6386, sections 9 and 19.2) and says whether it keeps the rule that a
 * decoder's golden frame, alternate frame, entropy and loop-filter state are
 * the anchor's for good. Pure; any bytes are safe.
 */
#ifndef DH_GUARD_H
#define DH_GUARD_H

#include "vp8_header.h"

/* NULL when `frame` may follow `anchor`, else what is wrong with it (a constant
 * text). */
const char *dh_guard_check(const struct dh_vp8_header *anchor, const struct dh_vp8_header *frame);

/* NULL when it may be an anchor. */
const char *dh_guard_check_anchor(const struct dh_vp8_header *anchor);

#endif
