/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Offers, and answers to the peer's. Our offer has audio first, then video, in all rooms
 * the same, or one of them if the viewer wants only that.
 */
#ifndef DH_SDP_H
#define DH_SDP_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "rooms/member.h"

/* The m-line of a medium in an offer of both. */
#define DH_SDP_MINDEX(media) ((media) == DH_VIDEO ? 1 : 0)

#define DH_SDP_DATA_MID "d"

/* The o= line: a session's offers have the same id and rising versions. */
struct dh_sdp_origin {
	uint64_t session_id;
	int version;
};

/* The mid of a medium in our offers. */
const char *dh_sdp_mid(enum dh_media media);

/* `media` as in the Streaming plugin's `list` and `info`. A new reference. */
json_t *dh_sdp_media(void);

/* A JSEP object {"type":"offer","sdp":…} of the media that are wanted, at least one;
 * Janus adds candidates, fingerprint, addresses and SSRCs. With `restart` it asks for an
 * ICE restart. */
json_t *dh_sdp_offer(const struct dh_sdp_origin *origin, const char *room_id, const bool wants[2],
	enum dh_microphone_offer microphone, bool restart);

/* Adds an m-line for the microphone alone, as the last one, for a viewer that wants no sound; once it has
 * been offered it is in all offers, on or not. */
void dh_sdp_add_microphone(json_t *offer, bool is_on);

/* Adds a data channel to such an offer, as its last m-line. */
void dh_sdp_add_data(json_t *offer);

/* What `jsep`, the answer to such an offer, takes of it. `raw` (may be NULL) is its SDP
 * as the peer wrote it. -EINVAL: it is no answer; -ENOTSUP: it takes nothing that we can
 * send; -EXDEV: it takes both, each on a transport of its own. */
int dh_sdp_take(const json_t *jsep, const char *raw, const bool wants[2], struct dh_line lines[2]);

/* Whether such an answer sends the microphone's sound, as Opus, on m-line `at`; not taken: it sends none. For an answer
 * that dh_sdp_take has taken. */
struct dh_line dh_sdp_take_microphone(const json_t *jsep, const char *raw, int at, enum dh_microphone_offer microphone);

/* Answers the peer's offer with *answer, a new JSEP object, as far as it asks for what
 * `wants` has. -EINVAL: `jsep` is no offer; others as dh_sdp_take. */
int dh_sdp_answer(const json_t *jsep, const char *raw, const struct dh_sdp_origin *origin, const char *room_id,
	const bool wants[2], struct dh_line lines[2], json_t **answer);

#endif
