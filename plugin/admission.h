/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who gets a place in a room. */
#ifndef DH_ADMISSION_H
#define DH_ADMISSION_H

#include "request.h"
#include "rooms/member.h"

/* Makes the request's handle a member of its room, if the room, the gateway and the
 * client have a place left and the handle is not a member yet. Returns a reference;
 * NULL: the request has failed. Any thread. */
struct dh_member *dh_admit(struct dh_request *request, enum dh_member_kind kind);

#endif
