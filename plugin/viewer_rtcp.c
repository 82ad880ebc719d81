/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "viewer_rtcp.h"

#include <janus/rtcp.h>

void dh_viewer_rtcp(struct dh_member *member, const janus_plugin_rtcp *packet)
{
	enum dh_media media = packet->video ? DH_VIDEO : DH_AUDIO;

	dh_room_member_rtcp(member, media, (const uint8_t *)packet->buffer, (size_t)packet->length);
	if (packet->video &&
		(janus_rtcp_has_pli(packet->buffer, packet->length) ||
			janus_rtcp_has_fir(packet->buffer, packet->length)))
		dh_room_member_pli(member);
}
