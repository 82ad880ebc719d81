/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What peers' answers and offers say, and what they get. */
#include "tests/support/check.h"

#include <errno.h>
#include <string.h>

#include <glib.h>

#include "plugin/sdp.h"
#include "plugin/sdp_read.h"

#define TOP                     "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"
#define BUNDLE                  "a=group:BUNDLE a v\r\n"
#define LINE(type, types, rest) "m=" type " 9 UDP/TLS/RTP/SAVPF " types "\r\n" rest
#define TCP                     "a=candidate:2 1 TCP 1 10.0.0.1 9 typ host\r\n"
#define HOST(port)              TCP "a=candidate:1 1 UDP 2 10.0.0.1 " port " typ host\r\n"
#define AUDIO                   LINE("audio", "111", "a=mid:a\r\na=recvonly\r\na=rtpmap:111 opus/48000/2\r\n")
#define VIDEO                   LINE("video", "96", "a=mid:v\r\na=recvonly\r\na=rtpmap:96 VP8/90000\r\n")

#ifdef DH_HAS_CAPTURE_TIME
#define HAS_CAPTURE_TIME 1
#else
#define HAS_CAPTURE_TIME 0
#endif

static const bool both[2] = { true, true }, sound[2] = { true, false }, picture[2] = { false, true };

static json_t *jsep(const char *type, const char *sdp)
{
	return json_pack("{s:s, s:s}", "type", type, "sdp", sdp);
}

/* Payload types of sound and pictures; 0: not taken. */
struct row {
	const char *name, *sdp;
	const bool *wants;
	int err, audio, video;
};

static const struct row answers[] = {
	{ "both", TOP AUDIO VIDEO, both, 0, 111, 96 },
	{ "no maps", TOP LINE("audio", "111", "") LINE("video", "96", ""), both, 0, 111, 96 },
	{ "bare line feeds", "v=0\nm=audio 9 UDP/TLS/RTP/SAVPF 111\nm=video 9 UDP/TLS/RTP/SAVPF 96\n", both, 0, 111,
		96 },
	{ "its own numbers",
		TOP LINE("audio", "109", "a=rtpmap:109 OPUS/48000/2\r\n")
			LINE("video", "121 120", "a=rtpmap:121 rtx/90000\r\na=rtpmap:120 vp8/90000\r\n"),
		both, 0, 109, 120 },
	{ "the first of two", TOP AUDIO LINE("video", "100 98", "a=rtpmap:98 VP8/90000\r\na=rtpmap:100 VP8/90000\r\n"),
		both, 0, 111, 100 },
	{ "a map that is no format", TOP AUDIO LINE("video", "97", "a=rtpmap:98 VP8/90000\r\n"), both, 0, 111, 0 },
	{ "a number like RTCP's", TOP AUDIO LINE("video", "72", "a=rtpmap:72 VP8/90000\r\n"), both, 0, 111, 0 },
	{ "our number for H.264", TOP AUDIO LINE("video", "96", "a=rtpmap:96 H264/90000\r\n"), both, 0, 111, 0 },
	{ "opus of another rate", TOP LINE("audio", "111", "a=rtpmap:111 opus/480000/2\r\n") VIDEO, both, 0, 0, 96 },
	{ "a closed picture", TOP AUDIO "m=video 0 UDP/TLS/RTP/SAVPF 96\r\n", both, 0, 111, 0 },
	{ "an inactive picture", TOP AUDIO LINE("video", "96", "a=inactive\r\n"), both, 0, 111, 0 },
	{ "a picture of its own", TOP AUDIO LINE("video", "96", "a=sendonly\r\n"), both, 0, 111, 0 },
	{ "inactive as a whole", TOP "a=inactive\r\n" AUDIO LINE("video", "96", ""), both, 0, 111, 0 },
	{ "no picture", TOP AUDIO, both, 0, 111, 0 },
	{ "no sound", TOP LINE("audio", "0", "a=inactive\r\n") VIDEO, both, 0, 0, 96 },
	{ "neither", TOP LINE("audio", "0", "") LINE("video", "96", "a=inactive\r\n"), both, -ENOTSUP, 0, 0 },
	{ "only sound was offered", TOP AUDIO, sound, 0, 111, 0 },
	{ "only pictures were offered", TOP VIDEO, picture, 0, 0, 96 },
	{ "lines in another order", TOP VIDEO AUDIO, both, -ENOTSUP, 0, 0 },
	{ "bundled", TOP BUNDLE AUDIO "a=ice-ufrag:x\r\n" VIDEO "a=ice-ufrag:y\r\n", both, 0, 111, 96 },
	{ "one transport", TOP AUDIO "a=ice-ufrag:x\r\n" VIDEO "a=ice-ufrag:x\r\n", both, 0, 111, 96 },
	{ "one for the session", TOP "a=ice-ufrag:x\r\n" AUDIO VIDEO, both, 0, 111, 96 },
	{ "two transports", TOP AUDIO "a=ice-ufrag:x\r\n" VIDEO "a=ice-ufrag:y\r\n", both, -EXDEV, 0, 0 },
	{ "two places", TOP AUDIO HOST("5000") VIDEO HOST("5001"), both, -EXDEV, 0, 0 },
	{ "one place", TOP AUDIO HOST("5000") VIDEO HOST("5000"), both, 0, 111, 96 },
	{ "one place, said once", TOP AUDIO HOST("5000") VIDEO, both, 0, 111, 96 },
	{ "two groups",
		TOP "a=group:BUNDLE a\r\na=group:BUNDLE v\r\n" AUDIO "a=ice-ufrag:x\r\n" VIDEO "a=ice-ufrag:y\r\n",
		both, -EXDEV, 0, 0 },
	{ "two, of which one is used",
		TOP AUDIO "a=ice-ufrag:x\r\n" LINE("video", "96", "a=inactive\r\na=ice-ufrag:y\r\n"), both, 0, 111, 0 },
	{ "nothing", "", both, -EINVAL, 0, 0 },
	{ "no lines", TOP, both, -EINVAL, 0, 0 },
	{ "half a line", TOP "m=audio 9 \r\n", both, -EINVAL, 0, 0 },
	{ "a line without formats", TOP "m=audio 9 UDP/TLS/RTP/SAVPF\r\n", both, -EINVAL, 0, 0 },
};

static int type_of(const struct dh_line *line)
{
	return line->is_taken ? line->payload_type : 0;
}

static void test_answers(void)
{
	for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
		const struct row *row = &answers[i];
		struct dh_line lines[2] = { 0 };
		json_t *answer = jsep("answer", row->sdp);
		int err = dh_sdp_take(answer, row->sdp, row->wants, lines);
		CHECK(err == row->err, "%s: %d", row->name, err);
		if (!err)
			CHECK(type_of(&lines[DH_AUDIO]) == row->audio && type_of(&lines[DH_VIDEO]) == row->video,
				"%s: %d, %d", row->name, type_of(&lines[DH_AUDIO]), type_of(&lines[DH_VIDEO]));
		json_decref(answer);
	}
}

/* RFC 8866, 6.4; of the sound, not of the session or the picture. */
static void test_how_much_sound_a_packet_may_hold(void)
{
	static const struct {
		const char *sdp;
		int maxptime;
	} given[] = { { TOP AUDIO VIDEO, 0 }, { TOP AUDIO "a=maxptime:40\r\n" VIDEO, 40 },
		{ TOP AUDIO VIDEO "a=maxptime:40\r\n", 0 }, { TOP AUDIO "a=maxptime:\r\n" VIDEO, 0 },
		{ TOP AUDIO "a=maxptime:-7\r\n" VIDEO, 0 }, { TOP AUDIO "a=maxptime:99999999999\r\n" VIDEO, 255 } };

	for (size_t i = 0; i < sizeof given / sizeof *given; i++) {
		struct dh_line lines[2] = { 0 };
		json_t *answer = jsep("answer", given[i].sdp);
		CHECK_INT(dh_sdp_take(answer, NULL, both, lines), 0);
		CHECK_INT(lines[DH_AUDIO].maxptime, given[i].maxptime);
		json_decref(answer);
	}
}

static void test_what_is_no_answer(void)
{
	struct dh_line lines[2];
	json_t *const given[] = { jsep("offer", TOP AUDIO VIDEO), json_pack("{s:s}", "type", "answer"),
		json_pack("{s:i, s:s}", "type", 1, "sdp", TOP AUDIO), json_array(), NULL };

	for (size_t i = 0; i < sizeof given / sizeof *given; i++) {
		CHECK_INT(dh_sdp_take(given[i], NULL, both, lines), -EINVAL);
		json_decref(given[i]);
	}
}

/* Janus opens a first line that is closed; what the peer wrote says that it was. */
static void test_the_first_line_is_closed(void)
{
	struct dh_line lines[2];
	json_t *answer = jsep("answer", TOP AUDIO VIDEO);

	CHECK_INT(dh_sdp_take(answer, TOP "m=audio 0 UDP/TLS/RTP/SAVPF 111\r\n" VIDEO, both, lines), 0);
	CHECK_INT(type_of(&lines[DH_AUDIO]), 0);
	CHECK_INT(type_of(&lines[DH_VIDEO]), 96);
	json_decref(answer);
}

/* --- our offers */

static int count_of(const char *text, const char *what)
{
	int count = 0;

	for (const char *at = strstr(text, what); at; at = strstr(at + 1, what))
		count++;
	return count;
}

static const struct {
	const char *name, *sdp;
	const bool *wants;
	enum dh_microphone_offer microphone;
	int type, mindex; /* 0: it sends nothing */
} microphones[] = {
	{ "both ways", TOP LINE("audio", "111", "a=sendrecv\r\n") VIDEO, both, DH_MICROPHONE_ON, 111, 0 },
	{ "by default", TOP LINE("audio", "111", "a=rtpmap:111 opus/48000/2\r\n") VIDEO, both, DH_MICROPHONE_ON, 111,
		0 },
	/* RFC 3264, 6.1: its number is for what it receives; what it sends has ours. */
	{ "its own number", TOP LINE("audio", "109", "a=rtpmap:109 opus/48000/2\r\n") VIDEO, both, DH_MICROPHONE_ON,
		111, 0 },
	{ "one way", TOP LINE("audio", "111", "a=sendonly\r\n") VIDEO, both, DH_MICROPHONE_ON, 111, 0 },
	{ "it only listens", TOP AUDIO VIDEO, both, DH_MICROPHONE_ON, 0, 0 },
	{ "nobody asked", TOP LINE("audio", "111", "a=sendrecv\r\n") VIDEO, both, DH_MICROPHONE_NEVER, 0, 0 },
	{ "not any more", TOP LINE("audio", "111", "a=sendrecv\r\n") VIDEO, both, DH_MICROPHONE_OFF, 0, 0 },
	{ "no opus", TOP LINE("audio", "8", "a=sendrecv\r\n") VIDEO, both, DH_MICROPHONE_ON, 0, 0 },
	{ "a line of its own", TOP VIDEO LINE("audio", "111", "a=sendonly\r\n"), picture, DH_MICROPHONE_ON, 111, 1 },
	{ "that line is missing", TOP VIDEO, picture, DH_MICROPHONE_ON, 0, 0 },
	{ "that line is closed", TOP VIDEO "m=audio 0 UDP/TLS/RTP/SAVPF 111\r\n", picture, DH_MICROPHONE_ON, 0, 0 },
};

static void test_microphones(void)
{
	for (size_t i = 0; i < sizeof microphones / sizeof *microphones; i++) {
		json_t *answer = jsep("answer", microphones[i].sdp);
		struct dh_line line = dh_sdp_take_microphone(answer, NULL, microphones[i].wants[DH_AUDIO] ? 0 : 1,
			microphones[i].microphone);
		CHECK(type_of(&line) == microphones[i].type && (!line.is_taken || line.mindex == microphones[i].mindex),
			"%s: %d on %d", microphones[i].name, type_of(&line), line.mindex);
		json_decref(answer);
	}
}

static void test_microphone_offers(void)
{
	const struct dh_sdp_origin origin = { 7, 2 };
	const struct {
		const bool *wants;
		enum dh_microphone_offer microphone;
		const char *has;
		int lines, levels;
	} rows[] = { { both, DH_MICROPHONE_ON, "a=sendrecv", 2, 1 }, { both, DH_MICROPHONE_OFF, "a=sendonly", 2, 0 },
		{ sound, DH_MICROPHONE_ON, "a=sendrecv", 1, 1 }, { picture, DH_MICROPHONE_ON, "a=recvonly", 2, 1 },
		{ picture, DH_MICROPHONE_OFF, "a=inactive", 2, 0 },
		{ picture, DH_MICROPHONE_NEVER, "a=sendonly", 1, 0 } };

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		json_t *offer = dh_sdp_offer(&origin, "1", rows[i].wants, rows[i].microphone, false);
		if (!rows[i].wants[DH_AUDIO] && rows[i].microphone != DH_MICROPHONE_NEVER)
			dh_sdp_add_microphone(offer, rows[i].microphone == DH_MICROPHONE_ON);
		const char *sdp = json_string_value(json_object_get(offer, "sdp"));
		CHECK(strstr(sdp, rows[i].has), "%s", sdp);
		CHECK_INT(count_of(sdp, "\nm="), rows[i].lines);
		CHECK_INT(count_of(sdp, "ssrc-audio-level"), rows[i].levels);
		json_decref(offer);
	}
}

static void test_offers(void)
{
	const struct dh_sdp_origin origin = { 7, 2 };
	const struct {
		const bool *wants;
		const char *has, *lacks;
		int lines;
	} rows[] = { { both, "m=audio", "m=text", 2 }, { sound, "m=audio", "m=video", 1 },
		{ picture, "m=video", "m=audio", 1 } };

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		json_t *offer = dh_sdp_offer(&origin, "1", rows[i].wants, DH_MICROPHONE_NEVER, i == 1);
		const char *sdp = json_string_value(json_object_get(offer, "sdp"));
		CHECK(strstr(sdp, rows[i].has) && !strstr(sdp, rows[i].lacks), "%s", sdp);
		CHECK_INT(count_of(sdp, "\nm="), rows[i].lines);
		CHECK(strstr(sdp, "o=- 7 2 "), "%s", sdp);
		CHECK_INT(count_of(sdp, " http://www.webrtc.org/experiments/rtp-hdrext/playout-delay\r\n"),
			rows[i].wants[DH_VIDEO]);
		CHECK_INT(count_of(sdp, " " DH_SDP_CAPTURE_TIME "\r\n"), HAS_CAPTURE_TIME * rows[i].lines);
		/* What receivers estimate themselves, by the times of pictures; not what senders would have to. */
		CHECK_INT(count_of(sdp, "\na=rtcp-fb:96 goog-remb\r\n"), rows[i].wants[DH_VIDEO]);
		CHECK_INT(count_of(sdp, " http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time\r\n"),
			rows[i].wants[DH_VIDEO]);
		CHECK(!strstr(sdp, "transport"), "%s", sdp);
		CHECK_INT(json_is_true(json_object_get(offer, "restart")), i == 1);
		json_decref(offer);
	}
}

static void test_a_data_channel(void)
{
	const struct dh_sdp_origin origin = { 7, 2 };
	json_t *offer = dh_sdp_offer(&origin, "1", sound, DH_MICROPHONE_NEVER, false);
	char *plain = g_strdup(json_string_value(json_object_get(offer, "sdp")));

	CHECK(!strstr(plain, "m=application"));
	dh_sdp_add_data(offer);
	const char *sdp = json_string_value(json_object_get(offer, "sdp"));
	CHECK(g_str_has_prefix(sdp, plain), "what was there is the same: %s", sdp);
	CHECK(strstr(sdp + strlen(plain), "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"), "%s", sdp);
	CHECK_INT(count_of(sdp, "\nm="), 2);
	CHECK_STR(json_string_value(json_object_get(offer, "type")), "offer");
	g_free(plain);
	json_decref(offer);
}

/* --- the peer's offers */

static void test_offers_of_peers(void)
{
	const char *const sdp = TOP
		"m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:0\r\n" LINE("video", "97 98",
			"a=rtpmap:97 H264/90000\r\na=rtpmap:98 VP8/90000\r\n"
			"a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\na=sendrecv\r\n")
			LINE("audio", "0", "a=sendonly\r\n") LINE("audio", "63 109", "a=rtpmap:109 opus/48000/2\r\n");
	const struct dh_sdp_origin origin = { 7, 1 };
	struct dh_line lines[2];
	json_t *offer = jsep("offer", sdp), *answer = NULL;
	struct dh_sdp read;

	CHECK_INT(dh_sdp_answer(offer, NULL, &origin, "1", both, lines, &answer), 0);
	CHECK_INT(lines[DH_VIDEO].mindex, 1);
	CHECK_INT(lines[DH_VIDEO].payload_type, 98);
	CHECK_INT(lines[DH_AUDIO].mindex, 3);
	CHECK_INT(lines[DH_AUDIO].payload_type, 109);
	CHECK_STR(json_string_value(json_object_get(answer, "type")), "answer");
	CHECK_INT(dh_sdp_read(&read, json_string_value(json_object_get(answer, "sdp"))), 0);
	CHECK_INT(read.count, 4);
	CHECK_INT(read.lines[0].is_open + read.lines[2].is_open, 0);
	CHECK_INT(read.lines[1].is_open + read.lines[3].is_open, 2);
	CHECK_INT(read.lines[1].sends + read.lines[1].receives, 1);
	CHECK_INT(read.lines[1].payload_type, 98);
	CHECK_INT(read.lines[1].extensions.mid, 4);
	CHECK_INT(read.lines[3].extensions.mid, 0);
	json_decref(answer);
	CHECK_INT(dh_sdp_answer(offer, NULL, &origin, "1", sound, lines, &answer), 0);
	CHECK_INT(lines[DH_VIDEO].is_taken, 0);
	json_decref(answer);
	json_decref(offer);
	offer = jsep("offer", TOP LINE("video", "97", "a=rtpmap:97 H264/90000\r\n"));
	CHECK_INT(dh_sdp_answer(offer, NULL, &origin, "1", both, lines, &answer), -ENOTSUP);
	CHECK_INT(dh_sdp_take(offer, NULL, both, lines), -EINVAL);
	json_decref(offer);
}

/* As the peer numbers them; a delay on pictures alone. */
static void test_extensions_of_peers(void)
{
	static const char *const offered = "a=extmap:9 http://www.webrtc.org/experiments/rtp-hdrext/playout-delay\r\n"
					   "a=extmap:11/recvonly " DH_SDP_CAPTURE_TIME "\r\n";
	const struct dh_sdp_origin origin = { 7, 1 };
	struct dh_line lines[2];

	for (int i = 0; i < 2; i++) {
		char *sdp = g_strconcat(TOP AUDIO, i ? offered : "", VIDEO, i ? offered : "", NULL);
		json_t *offer = jsep("offer", sdp), *answer = NULL;
		struct dh_sdp read;
		CHECK_INT(dh_sdp_answer(offer, NULL, &origin, "1", both, lines, &answer), 0);
		CHECK_INT(dh_sdp_read(&read, json_string_value(json_object_get(answer, "sdp"))), 0);
		CHECK_INT(lines[DH_VIDEO].has_delay, i);
		CHECK_INT(read.lines[0].extensions.delay, 0);
		CHECK_INT(read.lines[1].extensions.delay, i ? 9 : 0);
		for (int line = 0; line < 2; line++)
			CHECK_INT(read.lines[line].extensions.capture, i && HAS_CAPTURE_TIME ? 11 : 0);
		json_decref(answer);
		json_decref(offer);
		g_free(sdp);
	}
}

/* More m-lines than anybody has, and values longer than they may be. */
static void test_large(void)
{
	GString *sdp = g_string_new(TOP);
	struct dh_sdp read;

	for (int i = 0; i < DH_SDP_LINES_MAX; i++)
		g_string_append(sdp, VIDEO);
	CHECK_INT(dh_sdp_read(&read, sdp->str), 0);
	CHECK_INT(read.count, DH_SDP_LINES_MAX);
	g_string_append(sdp, VIDEO);
	CHECK_INT(dh_sdp_read(&read, sdp->str), -E2BIG);
	g_string_assign(sdp, "m=");
	for (int i = 0; i < 1000; i++)
		g_string_append(sdp, "xyz");
	g_string_append(sdp, " 9 ");
	for (int i = 0; i < 1000; i++)
		g_string_append(sdp, "RTP/");
	g_string_append(sdp, " 96 99999999999999999999\r\na=ice-ufrag:");
	for (int i = 0; i < 1000; i++)
		g_string_append(sdp, "xyz");
	g_string_append(sdp,
		"\r\na=rtpmap:99999999999999999999 VP8/90000\r\na=extmap:99999999999999 x\r\na=mid\r\na=group:BUNDLE");
	CHECK_INT(dh_sdp_read(&read, sdp->str), 0);
	g_string_free(sdp, TRUE);
}

static const struct check_test tests[] = {
	TEST(test_answers),
	TEST(test_how_much_sound_a_packet_may_hold),
	TEST(test_what_is_no_answer),
	TEST(test_the_first_line_is_closed),
	TEST(test_microphones),
	TEST(test_microphone_offers),
	TEST(test_offers),
	TEST(test_a_data_channel),
	TEST(test_offers_of_peers),
	TEST(test_extensions_of_peers),
	TEST(test_large),
};

int main(int argc, char **argv)
{
	return CHECK_MAIN(argc, argv, tests);
}
