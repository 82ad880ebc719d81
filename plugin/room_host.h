/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Janus as rooms see it (rooms/host.h): a handle is a struct dh_session, and all but
 * media goes through the outbox.
 */
#ifndef DH_ROOM_HOST_H
#define DH_ROOM_HOST_H

#include "outbox.h"
#include "rooms/host.h"

/* `outbox` must outlive every room. */
struct dh_host dh_room_host_table(struct dh_outbox *outbox);

#endif
