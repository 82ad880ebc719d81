/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who may ask for what. The authority that a request needs stands in its row of
 * the table, and is checked in one place before its handler runs.
 */
#ifndef DH_REQUEST_AUTHORITY_H
#define DH_REQUEST_AUTHORITY_H

#include "request.h"

/* Secrets are compared in a time that tells nothing about them. A key that is
 * given and wrong is an error everywhere, also where none is needed. */
enum dh_authority {
	DH_AUTHORITY_NONE,            /* about the own handle, or no room */
	DH_AUTHORITY_PUBLIC_ROOMS,    /* anybody; with the admin key `is_trusted` */
	DH_AUTHORITY_PUBLIC_ROOM,     /* anybody, about a room; with its secret `is_trusted` */
	DH_AUTHORITY_ADMIN,           /* the admin key, where there is one */
	DH_AUTHORITY_SECRET,          /* the room's secret, where it has one */
	DH_AUTHORITY_SECRET_OR_ADMIN, /* that where the request has an `id`, else the admin key */
	DH_AUTHORITY_LOOK,            /* whoever may look at the room, see below */
};

/* Sets the request's room, for those that are about one, and `is_trusted`. Fails
 * the request where there is no such room, or it is not allowed.
 *
 * Into a room looks who gives its secret (`is_trusted`); or, where it has
 * signed_tokens and Janus uses them, who gives a token for it, and, where it has a
 * PIN, the PIN. Who looks into a room without a secret is trusted, too. */
void dh_request_authorize(struct dh_request *request, enum dh_authority authority);

#endif
