/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who gets a place in a room. */
#ifndef DH_ADMISSION_H
#define DH_ADMISSION_H

#include "request.h"
#include "rooms/member.h"

/* Makes the request's handle a member of its room, if the room, the gateway and the
 * client have a place left and the handle is not a member yet. Returns a reference;
 * NULL: the request has failed, or waits until the connection before is closed. Any thread. */
struct dh_member *dh_admit(struct dh_request *request, enum dh_member_kind kind);

/* The same for the handle's viewer `from`, which goes over to the request's room with its connection, and all
 * that has been agreed on. *is_up: the connection is up. Then `from` is to leave its room. */
struct dh_member *dh_admit_move(struct dh_request *request, struct dh_member *from, bool *is_up);

#endif
