/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who may request what. A request's row in the table names the authority that it needs,
 * which is checked here before the handler runs.
 */
#ifndef DH_REQUEST_AUTHORITY_H
#define DH_REQUEST_AUTHORITY_H

#include "request.h"

/* Secrets are compared in constant time. Where a key exists, a wrong one is an error
 * even if the request would do without it. */
enum dh_authority {
	DH_AUTHORITY_NONE,            /* about the client's own handle */
	DH_AUTHORITY_PUBLIC_ROOMS,    /* anybody; with the admin key `is_trusted` */
	DH_AUTHORITY_PUBLIC_ROOM,     /* anybody, about a room; with its secret `is_trusted` */
	DH_AUTHORITY_ADMIN,           /* the admin key, where there is one */
	DH_AUTHORITY_SECRET,          /* the room's secret, where it has one */
	DH_AUTHORITY_SECRET_OR_ADMIN, /* DH_AUTHORITY_SECRET if the request has an `id`, else the admin key */
	DH_AUTHORITY_LOOK,            /* the right to look at the room, see below */
};

/* Sets the request's room, for those that are about one, and `is_trusted`. Fails the
 * request if there is no such room, or if it is not allowed.
 *
 * A client may look at a room if it gives the room's secret (`is_trusted`). Otherwise
 * it needs a token for the room, if that has signed_tokens and Janus uses them, and the
 * PIN, if there is one; if the room has no secret, it is then trusted, too. */
void dh_request_authorize(struct dh_request *request, enum dh_authority authority);

#endif
