/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sdp_read.h"

#include <errno.h>
#include <string.h>

#include <glib.h>

#include <janus/rtp.h>

#include "rooms/host.h"

/* What is read of a session before its m-lines holds for all of them. */
struct reader {
	struct dh_sdp *sdp;
	struct dh_sdp_line session;
	char *groups[8]; /* of BUNDLE; borrowed */
	int group_count;
	char **mids;   /* by m-line; borrowed, NULL: none */
	char *formats; /* of the present m-line; borrowed */
	bool has_map;  /* its own payload type has an rtpmap */
	int mapped;    /* the payload type of our codec that is first among its formats; -1: none yet */
};

static const char *const codecs[] = { [DH_AUDIO] = "opus/48000", [DH_VIDEO] = "VP8/90000" };
static const int own_types[] = { [DH_AUDIO] = DH_PAYLOAD_TYPE_OPUS, [DH_VIDEO] = DH_PAYLOAD_TYPE_VP8 };

/* Payload types that RTCP could be taken for (RFC 5761, 4) are none. */
static bool is_payload_type(int type)
{
	return type >= 0 && type <= 127 && !(type >= 64 && type <= 95);
}

/* The place of `type` among the m-line's formats; -1: it is not one of them. */
static int place_of(const char *formats, int type)
{
	char *end = NULL;
	const char *at = formats;

	for (int place = 0; at && *at; place++, at = end) {
		gint64 number = g_ascii_strtoll(at, &end, 10);
		if (end == at)
			return -1;
		if (number == type)
			return place;
	}
	return -1;
}

/* An m-line that names our payload type without a map for it means what we offered. */
static void end_line(struct reader *reader)
{
	struct dh_sdp *sdp = reader->sdp;
	struct dh_sdp_line *line = sdp->count ? &sdp->lines[sdp->count - 1] : NULL;

	if (!line || line->media < 0)
		return;
	line->payload_type = reader->mapped;
	if (line->payload_type < 0 && !reader->has_map && place_of(reader->formats, own_types[line->media]) >= 0)
		line->payload_type = own_types[line->media];
}

/* TYPE PORT PROTOCOL FORMAT… */
static int begin_line(struct reader *reader, char *rest)
{
	struct dh_sdp *sdp = reader->sdp;
	char *words[3];

	end_line(reader);
	if (sdp->count == DH_SDP_LINES_MAX)
		return -E2BIG;
	for (int i = 0; i < 3; i++)
		words[i] = strsep(&rest, " ");
	if (!rest || !*words[0] || !*words[1] || !*words[2] || !*rest)
		return -EINVAL;
	struct dh_sdp_line *line = &sdp->lines[sdp->count++];
	*line = reader->session;
	g_strlcpy(line->type, words[0], sizeof(line->type));
	g_strlcpy(line->protocol, words[2], sizeof(line->protocol));
	g_strlcpy(line->format, rest, MIN(strcspn(rest, " ") + 1, sizeof(line->format)));
	line->media = !strcmp(words[0], "audio") ? DH_AUDIO : !strcmp(words[0], "video") ? DH_VIDEO : -1;
	line->is_open = g_ascii_strtoll(words[1], NULL, 10) > 0;
	line->payload_type = -1;
	reader->formats = rest;
	reader->has_map = false;
	reader->mapped = -1;
	return 0;
}

static void read_map(struct reader *reader, const struct dh_sdp_line *line, const char *value)
{
	char *end = NULL;
	gint64 type = g_ascii_strtoll(value, &end, 10);

	if (line->media < 0 || end == value || *end != ' ' || type < 0 || type > 127)
		return;
	const char *codec = codecs[line->media];
	reader->has_map |= type == own_types[line->media];
	size_t size = strlen(codec);
	bool is_ours = !g_ascii_strncasecmp(end + 1, codec, size) && !g_ascii_isdigit(end[1 + size]);
	int place = place_of(reader->formats, (int)type);
	if (!is_ours || place < 0 || !is_payload_type((int)type))
		return;
	if (reader->mapped < 0 || place < place_of(reader->formats, reader->mapped))
		reader->mapped = (int)type;
}

static void read_extension(struct dh_sdp_line *line, const char *value)
{
	gint64 id = g_ascii_strtoll(value, NULL, 10);
	const char *uri = strchr(value, ' ');

	if (!uri || id < 1 || id > 14)
		return;
	const struct {
		const char *uri;
		int *id;
	} known[] = { { JANUS_RTP_EXTMAP_MID, &line->extensions.mid },
		{ JANUS_RTP_EXTMAP_ABS_SEND_TIME, &line->extensions.time },
		{ JANUS_RTP_EXTMAP_PLAYOUT_DELAY, &line->extensions.delay },
		{ DH_SDP_CAPTURE_TIME, &line->extensions.capture } };
	for (size_t i = 0; i < G_N_ELEMENTS(known); i++) {
		if (g_str_has_prefix(uri + 1, known[i].uri))
			*known[i].id = (int)id;
	}
}

/* FOUNDATION COMPONENT TRANSPORT PRIORITY ADDRESS PORT typ … (RFC 8839, 5.1). Port 9 is that of TCP
 * candidates that only connect. */
static void read_candidate(struct dh_sdp_line *line, char *value)
{
	char *words[6];

	for (int i = 0; i < 6; i++)
		words[i] = strsep(&value, " ");
	if (words[5] && !*line->candidate && strcmp(words[5], "9"))
		g_snprintf(line->candidate, sizeof(line->candidate), "%s %s", words[4], words[5]);
}

static bool read_direction(struct dh_sdp_line *line, const char *text)
{
	static const struct {
		const char *name;
		bool receives, sends;
	} directions[] = { { "sendrecv", true, true }, { "recvonly", true, false }, { "sendonly", false, true },
		{ "inactive", false, false } };

	for (size_t i = 0; i < G_N_ELEMENTS(directions); i++) {
		if (strcmp(text, directions[i].name))
			continue;
		line->receives = directions[i].receives;
		line->sends = directions[i].sends;
		return true;
	}
	return false;
}

static void read_attribute(struct reader *reader, char *text)
{
	struct dh_sdp *sdp = reader->sdp;
	struct dh_sdp_line *line = sdp->count ? &sdp->lines[sdp->count - 1] : &reader->session;
	char *value = strchr(text, ':');

	if (read_direction(line, text) || !value)
		return;
	*value++ = '\0';
	if (!strcmp(text, "rtpmap"))
		read_map(reader, line, value);
	else if (!strcmp(text, "extmap"))
		read_extension(line, value);
	else if (!strcmp(text, "maxptime"))
		line->maxptime = (int)CLAMP(g_ascii_strtoll(value, NULL, 10), 0, 255);
	else if (!strcmp(text, "ice-ufrag"))
		g_strlcpy(line->ufrag, value, sizeof(line->ufrag));
	else if (!strcmp(text, "candidate") && sdp->count)
		read_candidate(line, value);
	else if (!strcmp(text, "mid") && sdp->count)
		reader->mids[sdp->count - 1] = value;
	else if (!strcmp(text, "group") && !strncmp(value, "BUNDLE", 6) && reader->group_count < 8)
		reader->groups[reader->group_count++] = value + 6;
}

static bool is_in(const char *group, const char *mid)
{
	char **words = g_strsplit(group, " ", 0);
	bool found = g_strv_contains((const char *const *)words, mid);

	g_strfreev(words);
	return found;
}

/* The name of its group is the group's number. */
static void find_groups(struct reader *reader)
{
	for (int i = 0; i < reader->sdp->count; i++) {
		for (int g = 0; g < reader->group_count && reader->mids[i]; g++) {
			if (is_in(reader->groups[g], reader->mids[i]))
				g_snprintf(reader->sdp->lines[i].bundle, sizeof(reader->sdp->lines[i].bundle), "%d", g);
		}
	}
}

int dh_sdp_read(struct dh_sdp *sdp, const char *text)
{
	char **lines = g_strsplit(text, "\n", 0), *mids[DH_SDP_LINES_MAX] = { NULL };
	struct reader reader = { .sdp = sdp,
		.mids = mids,
		.session = { .media = -1, .receives = true, .sends = true } };
	int err = 0;

	memset(sdp, 0, sizeof(*sdp));
	for (char **line = lines; *line && !err; line++) {
		char *at = g_strchomp(*line);
		if (g_str_has_prefix(at, "m="))
			err = begin_line(&reader, at + 2);
		else if (g_str_has_prefix(at, "a="))
			read_attribute(&reader, at + 2);
	}
	end_line(&reader);
	find_groups(&reader);
	g_strfreev(lines);
	if (!err && !sdp->count)
		err = -EINVAL;
	return err;
}

bool dh_sdp_is_apart(const struct dh_sdp *sdp, int one, int other)
{
	const struct dh_sdp_line *a = &sdp->lines[one], *b = &sdp->lines[other];
	bool is_bundled = *a->bundle && !strcmp(a->bundle, b->bundle);
	bool listens_elsewhere = *a->candidate && *b->candidate && strcmp(a->candidate, b->candidate) != 0;

	return !is_bundled && (listens_elsewhere || strcmp(a->ufrag, b->ufrag) != 0);
}
