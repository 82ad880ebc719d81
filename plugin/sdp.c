/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sdp.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <glib.h>

#include <janus/rtp.h>

#include "sdp_read.h"

/* The ids of header extensions that the core itself fills in, as the Streaming plugin
 * offers them: with mid a browser tells bundled streams apart before it knows their
 * SSRCs, with abs-send-time it estimates bandwidth (goog-remb). */
#define EXTENSION_MID     1
#define EXTENSION_TIME    2
#define EXTENSION_LEVEL   3 /* of a viewer's sound, RFC 6464 */
#define EXTENSION_DELAY   4 /* what a viewer or its room asks for, see rooms/viewer_delay.h */
#define EXTENSION_CAPTURE 5 /* see rooms/capture_time.h */

#ifdef DH_HAS_CAPTURE_TIME
#define HAS_CAPTURE_TIME true
#else
#define HAS_CAPTURE_TIME false
#endif

#define MICROPHONE_MID "m" /* of a line of its own */

static const struct {
	const char *type, *mid, *codec, *map, *parameters;
	int payload_type;
} kinds[] = {
	[DH_AUDIO] = { "audio", "a", "opus", "opus/48000/2", "minptime=20;usedtx=1", DH_PAYLOAD_TYPE_OPUS },
	[DH_VIDEO] = { "video", "v", "vp8", "VP8/90000", NULL, DH_PAYLOAD_TYPE_VP8 },
};

const char *dh_sdp_mid(enum dh_media media)
{
	return kinds[media].mid;
}

json_t *dh_sdp_media(void)
{
	json_t *list = json_array();

	for (int media = 0; media < 2; media++) {
		json_t *line = json_pack("{s:i, s:s, s:s, s:i, s:s, s:s}", "mindex", media, "type", kinds[media].type,
			"mid", kinds[media].mid, "pt", kinds[media].payload_type, "codec", kinds[media].codec, "rtpmap",
			kinds[media].map);
		if (kinds[media].parameters)
			json_object_set_new(line, "fmtp", json_string(kinds[media].parameters));
		json_array_append_new(list, line);
	}
	return list;
}

/* --- writing */

static GString *begin(const struct dh_sdp_origin *origin, const char *room_id)
{
	GString *sdp = g_string_new(NULL);

	g_string_printf(sdp, "v=0\r\no=- %" PRIu64 " %d IN IP4 0.0.0.0\r\ns=Room %s\r\nt=0 0\r\n", origin->session_id,
		origin->version, room_id);
	return sdp;
}

static void add_extension(GString *sdp, int id, const char *uri)
{
	if (id)
		g_string_append_printf(sdp, "a=extmap:%d %s\r\n", id, uri);
}

/* Janus writes the protocol and the address anew. `mid` NULL: it adds that, too. */
static void add_line(GString *sdp, int media, const char *mid, const char *direction, int type,
	const struct dh_sdp_extensions *extensions)
{
	g_string_append_printf(sdp, "m=%s 9 UDP/TLS/RTP/SAVPF %d\r\nc=IN IP4 0.0.0.0\r\n", kinds[media].type, type);
	if (mid)
		g_string_append_printf(sdp, "a=mid:%s\r\n", mid);
	g_string_append_printf(sdp, "a=%s\r\na=rtpmap:%d %s\r\n", direction, type, kinds[media].map);
	if (kinds[media].parameters)
		g_string_append_printf(sdp, "a=fmtp:%d %s\r\n", type, kinds[media].parameters);
	if (media == DH_VIDEO)
		g_string_append_printf(sdp,
			"a=rtcp-fb:%d nack\r\na=rtcp-fb:%d nack pli\r\na=rtcp-fb:%d ccm fir\r\n"
			"a=rtcp-fb:%d goog-remb\r\n",
			type, type, type, type);
	add_extension(sdp, extensions->mid, JANUS_RTP_EXTMAP_MID);
	add_extension(sdp, extensions->time, JANUS_RTP_EXTMAP_ABS_SEND_TIME);
	if (media == DH_VIDEO)
		add_extension(sdp, extensions->delay, JANUS_RTP_EXTMAP_PLAYOUT_DELAY);
	if (HAS_CAPTURE_TIME)
		add_extension(sdp, extensions->capture, DH_SDP_CAPTURE_TIME);
}

static json_t *jsep_of(const char *type, GString *sdp)
{
	json_t *jsep = json_pack("{s:s, s:s}", "type", type, "sdp", sdp->str);

	g_string_free(sdp, TRUE);
	return jsep;
}

json_t *dh_sdp_offer(const struct dh_sdp_origin *origin, const char *room_id, const bool wants[2],
	enum dh_microphone_offer microphone, bool restart)
{
	static const struct dh_sdp_extensions extensions[] = {
		[DH_AUDIO] = { .mid = EXTENSION_MID, .capture = EXTENSION_CAPTURE },
		[DH_VIDEO] = { EXTENSION_MID, EXTENSION_TIME, EXTENSION_DELAY, EXTENSION_CAPTURE },
	};
	GString *sdp = begin(origin, room_id);

	for (int media = 0; media < 2; media++) {
		bool listens = media == DH_AUDIO && microphone == DH_MICROPHONE_ON;
		if (wants[media])
			add_line(sdp, media, kinds[media].mid, listens ? "sendrecv" : "sendonly",
				kinds[media].payload_type, &extensions[media]);
		if (wants[media] && listens)
			add_extension(sdp, EXTENSION_LEVEL, JANUS_RTP_EXTMAP_AUDIO_LEVEL);
	}
	json_t *jsep = jsep_of("offer", sdp);
	if (restart)
		json_object_set_new(jsep, "restart", json_true());
	return jsep;
}

/* RFC 8841. */
void dh_sdp_add_data(json_t *offer)
{
	char *sdp = g_strconcat(json_string_value(json_object_get(offer, "sdp")),
		"m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:" DH_SDP_DATA_MID
		"\r\na=sctp-port:5000\r\n",
		NULL);

	json_object_set_new(offer, "sdp", json_string(sdp));
	g_free(sdp);
}

void dh_sdp_add_microphone(json_t *offer, bool is_on)
{
	static const struct dh_sdp_extensions extensions = { .mid = EXTENSION_MID };
	GString *sdp = g_string_new(json_string_value(json_object_get(offer, "sdp")));

	add_line(sdp, DH_AUDIO, MICROPHONE_MID, is_on ? "recvonly" : "inactive", kinds[DH_AUDIO].payload_type,
		&extensions);
	if (is_on)
		add_extension(sdp, EXTENSION_LEVEL, JANUS_RTP_EXTMAP_AUDIO_LEVEL);
	json_object_set_new(offer, "sdp", json_string(sdp->str));
	g_string_free(sdp, TRUE);
}

/* --- reading */

/* Janus opens a first m-line that is closed, so that it can carry the transport: `raw`
 * says how it was. */
static int read_both(const json_t *jsep, const char *type, const char *raw, struct dh_sdp *sdp, struct dh_sdp *written)
{
	const char *given = json_string_value(json_object_get(jsep, "type"));
	const char *text = json_string_value(json_object_get(jsep, "sdp"));

	if (!given || !text || g_ascii_strcasecmp(given, type) || dh_sdp_read(sdp, text) < 0)
		return -EINVAL;
	if (!raw || dh_sdp_read(written, raw) < 0 || written->count != sdp->count)
		*written = *sdp;
	sdp->lines[0].is_open = sdp->lines[0].is_open && written->lines[0].is_open;
	return 0;
}

static bool is_taken(const struct dh_sdp_line *line, int media)
{
	return line->media == media && line->is_open && line->receives && line->payload_type >= 0;
}

static struct dh_line line_of(const struct dh_sdp_line *line, int at)
{
	return (struct dh_line){ true, at, line->payload_type, line->maxptime, line->extensions.delay > 0 };
}

static int agree(const struct dh_line lines[2], const struct dh_sdp *written)
{
	if (!lines[DH_AUDIO].is_taken && !lines[DH_VIDEO].is_taken)
		return -ENOTSUP;
	if (lines[DH_AUDIO].is_taken && lines[DH_VIDEO].is_taken &&
		dh_sdp_is_apart(written, lines[DH_AUDIO].mindex, lines[DH_VIDEO].mindex))
		return -EXDEV;
	return 0;
}

/* The lines of an answer are those of the offer, in its order. */
int dh_sdp_take(const json_t *jsep, const char *raw, const bool wants[2], struct dh_line lines[2])
{
	struct dh_sdp sdp, written;
	int at = 0, err = read_both(jsep, "answer", raw, &sdp, &written);

	for (int media = 0; media < 2 && !err; media++) {
		lines[media] = (struct dh_line){ .payload_type = kinds[media].payload_type };
		if (!wants[media])
			continue;
		const struct dh_sdp_line *line = at < sdp.count ? &sdp.lines[at] : NULL;
		if (line && is_taken(line, media))
			lines[media] = line_of(line, at);
		at++;
	}
	return err ? err : agree(lines, &written);
}

struct dh_line dh_sdp_take_microphone(const json_t *jsep, const char *raw, int at, enum dh_microphone_offer microphone)
{
	struct dh_line none = { .payload_type = kinds[DH_AUDIO].payload_type };
	struct dh_sdp sdp, written;

	if (microphone != DH_MICROPHONE_ON || read_both(jsep, "answer", raw, &sdp, &written) < 0 || at >= sdp.count)
		return none;
	const struct dh_sdp_line *line = &sdp.lines[at];
	if (line->media != DH_AUDIO || !line->is_open || !line->sends || line->payload_type < 0)
		return none;
	/* The answer's number is for what it receives; what it sends has the offer's (RFC 3264, 6.1). */
	return (struct dh_line){ true, at, kinds[DH_AUDIO].payload_type, 0, false };
}

/* The first line of the offer that takes each medium. */
static void choose(const struct dh_sdp *sdp, const bool wants[2], struct dh_line lines[2])
{
	for (int media = 0; media < 2; media++) {
		lines[media] = (struct dh_line){ .payload_type = kinds[media].payload_type };
		for (int i = 0; i < sdp->count && wants[media] && !lines[media].is_taken; i++) {
			if (is_taken(&sdp->lines[i], media))
				lines[media] = line_of(&sdp->lines[i], i);
		}
	}
}

static void answer_line(GString *sdp, const struct dh_sdp_line *line, int index, const struct dh_line lines[2])
{
	bool takes = line->media >= 0 && lines[line->media].is_taken && lines[line->media].mindex == index;

	if (takes)
		add_line(sdp, line->media, NULL, "sendonly", line->payload_type, &line->extensions);
	else
		g_string_append_printf(sdp, "m=%s 0 %s %s\r\nc=IN IP4 0.0.0.0\r\na=inactive\r\n", line->type,
			line->protocol, line->format);
}

int dh_sdp_answer(const json_t *jsep, const char *raw, const struct dh_sdp_origin *origin, const char *room_id,
	const bool wants[2], struct dh_line lines[2], json_t **answer)
{
	struct dh_sdp sdp, written;
	int err = read_both(jsep, "offer", raw, &sdp, &written);

	if (!err) {
		choose(&sdp, wants, lines);
		err = agree(lines, &written);
	}
	if (err)
		return err;
	GString *text = begin(origin, room_id);
	for (int i = 0; i < sdp.count; i++)
		answer_line(text, &sdp.lines[i], i, lines);
	*answer = jsep_of("answer", text);
	return 0;
}
