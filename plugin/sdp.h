/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The offer that every viewer gets. All rooms offer the same m-lines in the
 * same order: audio first, then video. */
#ifndef DH_SDP_H
#define DH_SDP_H

#include <stdint.h>

#include <jansson.h>

#include "playout/unit.h"

/* The index of the m-line of a medium, as relay_rtp wants it. */
#define DH_SDP_MINDEX(media) ((media) == DH_VIDEO ? 1 : 0)

/* The o= line: a session's offers have the same id and rising versions. */
struct dh_sdp_origin {
	uint64_t session_id;
	int version;
};

/* A JSEP object {"type":"offer","sdp":…}; Janus adds candidates, fingerprint,
 * addresses and SSRCs. One that is not the session's first asks for an ICE
 * restart ("restart": true). */
json_t *dh_sdp_offer(const struct dh_sdp_origin *origin, const char *room_id);

/* Whether `jsep` is an answer that takes at least one of our m-lines. */
int dh_sdp_is_answer(const json_t *jsep);

#endif
