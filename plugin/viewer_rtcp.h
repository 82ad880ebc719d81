/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a viewer's browser says by RTCP: that it needs a key frame, and what reaches it.
 */
#ifndef DH_VIEWER_RTCP_H
#define DH_VIEWER_RTCP_H

#include "janus_api.h"
#include "rooms/room.h"

/* From incoming_rtcp. Never waits. */
void dh_viewer_rtcp(struct dh_member *member, const janus_plugin_rtcp *packet);

#endif
