/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the requests of a viewer about its own connection have in common: request_watch.c,
 * request_viewing.c.
 */
#ifndef DH_REQUEST_VIEWING_H
#define DH_REQUEST_VIEWING_H

#include "request.h"

/* Janus's event handlers hear of a viewer's status. */
void dh_viewing_notify(struct dh_request *request, const struct dh_member *member, const char *status);

/* Answers with a status. */
void dh_viewing_answer(struct dh_request *request, const struct dh_member *member, const char *status);

/* Fails the request because of its SDP, an "answer" or an "offer"; `err` as dh_sdp_take. */
void dh_viewing_refuse(struct dh_request *request, int err, const char *what);

/* The request has failed. Where it came with an offer, Janus has made a connection for it: hangs that up, if
 * nobody has it. */
void dh_viewing_close_stray(struct dh_request *request);

#endif
