/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Permanent forwards: what is there again after a restart, and what is not. */
#include "tests/support/plugin_fixture.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plugin/request.h"
#include "tests/support/udp_port.h"

#define KEY       "MTIzNDU2Nzg5MGFiY2RlZmdoaWprbG1ub3BxcnN0"
#define ROOM_FILE "janus.plugin.digitalhuman.rooms.jcfg"

static struct plugin_fixture fixture;

static void restart(void)
{
	struct gateway_options options = { .is_loud = getenv("DH_LOUD") != NULL, .forbidden = "sesame-1704" };

	gateway_stop();
	CHECK_INT(gateway_start(fixture.files.folder, &options), 0);
}

/* Of room 1. */
static json_t *ask(const char *request, json_t *fields)
{
	json_object_set_new(fields, "request", json_string(request));
	json_object_set_new(fields, "id", json_integer(1));
	return gateway_ask_admin(fields);
}

/* The room's forwards, as "audio 111 permanent, video 96". */
static const char *listed(void)
{
	static char text[400];
	json_t *answer = ask("listforwarders", json_object()), *stream;
	size_t i;

	*text = '\0';
	json_array_foreach(json_object_get(answer, "rtp_forwarders"), i, stream) {
		char *one = g_strdup_printf("%s%s %d%s%s", i ? ", " : "",
			json_string_value(json_object_get(stream, "type")),
			(int)json_integer_value(json_object_get(stream, "pt")),
			json_object_get(stream, "srtp") ? " srtp" : "",
			json_is_true(json_object_get(stream, "permanent")) ? " permanent" : "");
		g_strlcat(text, one, sizeof text);
		g_free(one);
	}
	json_decref(answer);
	return text;
}

static int stream_id(const char *type)
{
	json_t *answer = ask("listforwarders", json_object()), *stream;
	int id = 0;
	size_t i;

	json_array_foreach(json_object_get(answer, "rtp_forwarders"), i, stream)
		if (!strcmp(json_string_value(json_object_get(stream, "type")), type))
			id = (int)json_integer_value(json_object_get(stream, "stream_id"));
	json_decref(answer);
	return id;
}

static int stop(const char *type, bool is_permanent)
{
	return code_of(ask("stop_rtp_forward",
		json_pack("{s:i, s:b}", "stream_id", stream_id(type), "permanent", is_permanent)));
}

/* A permanent one, unless `more` (takes ownership) says otherwise. */
static int forward(int audio_port, int video_port, json_t *more)
{
	json_t *fields = json_pack("{s:s, s:b}", "host", "127.0.0.1", "permanent", 1);

	if (audio_port)
		json_object_set_new(fields, "audio_port", json_integer(audio_port));
	if (video_port)
		json_object_set_new(fields, "video_port", json_integer(video_port));
	json_object_update(fields, more);
	json_decref(more);
	return code_of(ask("rtp_forward", fields));
}

/* What is permanent comes to the same place after each restart, as often as it takes, with all that was said of
 * it; what was stopped for now does, too, and what was stopped for good does not. */
static void test_they_survive(void)
{
	uint8_t packet[1500];
	int port, fd = udp_port_open(&port);

	plugin_fixture_open(&fixture, NULL);
	CHECK_INT(forward(port, 9,
			  json_pack("{s:i, s:i, s:I}", "audio_pt", 98, "keyframe_ms", 500, "video_ssrc",
				  (json_int_t)UINT32_MAX)),
		0);
	CHECK_INT(forward(0, 9, json_pack("{s:b}", "permanent", 0)), 0);
	CHECK_STR(listed(), "audio 98 permanent, video 96 permanent, video 96");
	for (int i = 0; i < 2; i++) {
		restart();
		CHECK_STR(listed(), "audio 98 permanent, video 96 permanent");
		CHECK(TEMP_FAILURE_RETRY(recv(fd, packet, sizeof packet, 0)) > 12);
		CHECK_INT(packet[1] & 0x7f, 98);
	}
	json_t *answer = ask("listforwarders", json_object());
	json_t *video = json_array_get(json_object_get(answer, "rtp_forwarders"), 1);
	CHECK_INT(json_integer_value(json_object_get(video, "keyframe_ms")), 500);
	CHECK(json_integer_value(json_object_get(video, "ssrc")) == UINT32_MAX);
	json_decref(answer);
	CHECK_INT(stop("audio", false), 0);
	CHECK_STR(listed(), "video 96 permanent");
	CHECK_INT(code_of(ask("edit", json_pack("{s:s, s:b}", "new_description", "x", "permanent", 1))), 0);
	restart();
	CHECK_STR(listed(), "audio 98 permanent, video 96 permanent");
	CHECK_INT(stop("audio", true), 0);
	CHECK_INT(stop("audio", true), DH_ERROR_VALUE);
	restart();
	CHECK_STR(listed(), "video 96 permanent");
	CHECK_INT(stop("video", true), 0);
	restart();
	CHECK_STR(listed(), "");
	plugin_fixture_close(&fixture);
	close(fd);
}

/* What fails keeps nothing. */
static void test_refusals(void)
{
	plugin_fixture_open(&fixture, "max_forwards_per_room = 2\n max_forwards = 3\n");
	CHECK_INT(forward(0, 0, json_object()), DH_ERROR_MISSING);
	for (int is_permanent = 0; is_permanent < 2; is_permanent++) /* either may come again, under the same key */
		CHECK_INT(forward(9, 0,
				  json_pack("{s:i, s:s, s:i, s:b}", "srtp_suite", 80, "srtp_crypto", KEY, "audio_ssrc",
					  5, "permanent", is_permanent)),
			DH_ERROR_VALUE);
	CHECK_INT(forward(9, 0, json_pack("{s:i, s:s}", "srtp_suite", 80, "srtp_crypto", "short")), DH_ERROR_VALUE);
	CHECK_INT(forward(9, 0, json_pack("{s:s}", "host", "192.0.2.1")), DH_ERROR_VALUE);
	restart();
	CHECK_STR(listed(), "");
	CHECK_INT(forward(9, 0, json_pack("{s:i, s:s}", "srtp_suite", 80, "srtp_crypto", KEY)), 0);
	CHECK_INT(forward(0, 9, json_object()), 0);
	CHECK_INT(forward(0, 9, json_object()), DH_ERROR_LIMIT);
	CHECK_INT(stop("video", false), 0);
	CHECK_INT(forward(0, 9, json_object()), DH_ERROR_LIMIT); /* it is kept, though it is stopped */
	restart();
	CHECK_STR(listed(), "audio 111 srtp permanent, video 96 permanent");
	char *path = g_build_filename(fixture.files.folder, ROOM_FILE, NULL);
	CHECK_INT(unlink(path), 0);
	CHECK_INT(mkdir(path, 0700), 0); /* it cannot be written */
	CHECK_INT(stop("video", true), DH_ERROR_PERMANENT);
	CHECK_STR(listed(), "audio 111 srtp permanent, video 96 permanent");
	CHECK_INT(stop("video", false), 0);
	CHECK_INT(forward(0, 9, json_object()), DH_ERROR_LIMIT);
	CHECK_INT(rmdir(path), 0);
	g_free(path);
	plugin_fixture_close(&fixture);
}

/* Rows of the file: what becomes of its `forwards`, and what the log says. */
static void test_the_file(void)
{
	static const struct {
		const char *forwards, *listed, *logged;
	} rows[] = {
		{ "( { host = \"127.0.0.1\" video_port = 9 hide_keyframes = true } )", "video 96 permanent", NULL },
		{ "( { host = \"::1\" audio_port = \"9\" }, { host = \"127.0.0.1\" audio_port = 9 audio_pt = 0 } )",
			"audio 111 permanent, audio 0 permanent", NULL },
		{ "( { host = \"192.0.2.1\" video_port = 9 }, { host = \"127.0.0.1\" video_port = 9 } )",
			"video 96 permanent", "its forward to 192.0.2.1 does not begin: it is none of" },
		{ "( { host = \"localhost\" video_port = 9 } )", "", "its forward to localhost does not begin" },
		{ "( { video_port = 9 } )", "", "forwards: host is missing" },
		{ "( { host = \"127.0.0.1\" } )", "", "forwards: Missing \"audio_port\"" },
		{ "( { host = \"127.0.0.1\" video_port = 65536 } )", "", "video_port: an integer from 0 to 65535" },
		{ "( { host = \"127.0.0.1\" port = 9 } )", "", "forwards: port: there is no such option" },
		{ "( { host = \"127.0.0.1\" video_port = ( 9 ) } )", "", "a list of groups is expected" },
		{ "\"127.0.0.1\"", "", "a list of groups is expected" },
	};

	plugin_fixture_open(&fixture, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		char *text = g_strdup_printf("room-1: { id = 1 avatar = \"" FILES_AVATAR "\" forwards = %s }\n",
			rows[i].forwards);
		CHECK_INT(plugin_files_file(&fixture.files, ROOM_FILE, text, strlen(text)), 0);
		restart();
		CHECK_STR(listed(), rows[i].listed);
		CHECK(!rows[i].logged || gateway_logged(rows[i].logged), "%s", rows[i].forwards);
		g_free(text);
	}
	plugin_fixture_close(&fixture);
}

static void *stop_one(void *type)
{
	CHECK_INT(stop(type, true), 0);
	return NULL;
}

/* Both media of one, each by a request of its own: neither comes again. */
static void test_both_at_a_time(void)
{
	pthread_t threads[2];

	plugin_fixture_open(&fixture, NULL);
	for (int i = 0; i < 20; i++) {
		CHECK_INT(forward(9, 9, json_object()), 0);
		CHECK_INT(pthread_create(&threads[0], NULL, stop_one, "audio"), 0);
		CHECK_INT(pthread_create(&threads[1], NULL, stop_one, "video"), 0);
		pthread_join(threads[0], NULL);
		pthread_join(threads[1], NULL);
	}
	restart();
	CHECK_STR(listed(), "");
	plugin_fixture_close(&fixture);
}

/* The list that is configured is all there is: this machine's usual address is no longer in it. */
static void test_the_hosts_that_are_configured(void)
{
	static const struct {
		const char *host;
		int code;
	} rows[] = { { "127.0.0.2", 0 }, { "127.0.0.1", DH_ERROR_VALUE }, { "127.0.0.3", DH_ERROR_VALUE },
		{ "::1", DH_ERROR_VALUE }, { "127.0.0.20", DH_ERROR_VALUE }, { "::2", 0 } };

	plugin_fixture_open(&fixture, "forward_hosts = ( \"127.0.0.2\", \"::2\" )\n");
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		CHECK_AT("%s", rows[i].host);
		CHECK_INT(forward(0, 9, json_pack("{s:s}", "host", rows[i].host)), rows[i].code);
		CHECK_INT(code_of(ask("forward_microphones", json_pack("{s:s, s:i}", "host", rows[i].host, "port", 9))),
			rows[i].code);
	}
	restart();
	CHECK_STR(listed(), "video 96 permanent, video 96 permanent");
	plugin_fixture_close(&fixture);
}

static const struct check_test tests[] = {
	TEST(test_they_survive),
	TEST(test_refusals),
	TEST(test_the_file),
	TEST(test_both_at_a_time),
	TEST(test_the_hosts_that_are_configured),
};

PREPARATION_MAIN(tests)
