/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A viewer's microphone: the offer that asks for its sound, and what its answer says of it. */
#ifndef DH_REQUEST_MICROPHONE_H
#define DH_REQUEST_MICROPHONE_H

#include "request.h"
#include "sdp.h"

/* The offer to a viewer: all that it wants, in the order that lines keep for ever. A new reference. */
json_t *dh_request_microphone_offer(const struct dh_sdp_origin *origin, const struct dh_member *member,
	enum dh_microphone_offer microphone, bool restart);

/* Whether the request's `microphone`, if it has one, is possible now; otherwise it fails. Changes nothing. */
void dh_request_microphone_check(struct dh_request *request, const struct dh_member *member);

/* Answers with `event` (takes ownership), and an offer of its own if `microphone` is another one than before, or is
 * wanted and not listened to. */
void dh_request_microphone_answer(struct dh_request *request, struct dh_member *member, json_t *event);

/* The answer to an offer, which has been taken, may agree to send sound. */
void dh_request_microphone_take(struct dh_request *request, struct dh_member *member);

/* `to` goes on with the connection of a viewer of another room. */
void dh_request_microphone_move(const struct dh_request *request, struct dh_member *to);

#endif
