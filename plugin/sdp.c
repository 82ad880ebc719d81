/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sdp.h"

#include <inttypes.h>
#include <string.h>

#include <glib.h>

#include <janus/rtp.h>

#include "rooms/host.h"

/* Header extensions that the core itself fills in, as the Streaming plugin
 * offers them: with mid a browser tells bundled streams apart before it knows
 * their SSRCs, with abs-send-time it estimates bandwidth (goog-remb). */
#define EXTENSION_MID       "a=extmap:1 " JANUS_RTP_EXTMAP_MID "\r\n"
#define EXTENSION_SEND_TIME "a=extmap:2 " JANUS_RTP_EXTMAP_ABS_SEND_TIME "\r\n"

static const char template[] = "v=0\r\n"
			       "o=- %" PRIu64 " %d IN IP4 0.0.0.0\r\n"
			       "s=Room %s\r\n"
			       "t=0 0\r\n"
			       "m=audio 9 UDP/TLS/RTP/SAVPF %d\r\n"
			       "c=IN IP4 0.0.0.0\r\n"
			       "a=mid:a\r\n"
			       "a=sendonly\r\n"
			       "a=rtpmap:%d opus/48000/2\r\n"
			       "a=fmtp:%d minptime=20;usedtx=1\r\n" EXTENSION_MID "m=video 9 UDP/TLS/RTP/SAVPF %d\r\n"
			       "c=IN IP4 0.0.0.0\r\n"
			       "a=mid:v\r\n"
			       "a=sendonly\r\n"
			       "a=rtpmap:%d VP8/90000\r\n"
			       "a=rtcp-fb:%d nack\r\n"
			       "a=rtcp-fb:%d nack pli\r\n"
			       "a=rtcp-fb:%d ccm fir\r\n"
			       "a=rtcp-fb:%d goog-remb\r\n" EXTENSION_MID EXTENSION_SEND_TIME;

json_t *dh_sdp_offer(const struct dh_sdp_origin *origin, const char *room_id)
{
	const int opus = DH_PAYLOAD_TYPE_OPUS, vp8 = DH_PAYLOAD_TYPE_VP8;
	char *sdp = g_strdup_printf(template, origin->session_id, origin->version, room_id, opus, opus, opus, vp8, vp8,
		vp8, vp8, vp8, vp8);
	json_t *jsep = json_pack("{s:s, s:s}", "type", "offer", "sdp", sdp);

	if (origin->version > 1)
		json_object_set_new(jsep, "restart", json_true());
	g_free(sdp);
	return jsep;
}

int dh_sdp_is_answer(const json_t *jsep)
{
	const char *type = json_string_value(json_object_get(jsep, "type"));
	const char *sdp = json_string_value(json_object_get(jsep, "sdp"));

	if (!type || !sdp || strcmp(type, "answer"))
		return 0;
	return strstr(sdp, "m=audio ") || strstr(sdp, "m=video ");
}
