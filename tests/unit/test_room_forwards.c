/* SPDX-License-Identifier: GPL-3.0-or-later */
/* RTP forwards of a room with its thread: what comes, limits, numbers, events, and ends. */
#include "tests/support/room_rig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>

#include "playout/rtcp.h"
#include "rooms/rtp_forward.h"
#include "tests/support/playout_rig.h"
#include "tests/support/udp_port.h"

#define LIMIT 2

static atomic_int count;

/* --- a target */

static int begin(const struct dh_rtp_forward_config *config, json_t **reply)
{
	struct dh_rtp_forward *one;

	atomic_fetch_add(&count, 1);
	CHECK_INT(dh_rtp_forward_alloc(&one, config, &count), 0);
	return dh_room_rtp_forward(rig.room, &one, LIMIT, reply);
}

static int try_forward(int audio_port, int video_port, int rtcp_port, json_t **reply)
{
	const struct dh_rtp_forward_config config = { .host = "127.0.0.1",
		.targets = { [DH_AUDIO] = { audio_port, 0, 0, 111 }, [DH_VIDEO] = { video_port, rtcp_port, 0, 96 } },
		.keyframe_ms = 500 };

	return begin(&config, reply);
}

/* Their numbers: of sound, if it is sent, then of the picture. */
static void forward(int audio_port, int video_port, int rtcp_port, guint ids[2])
{
	json_t *reply = NULL;

	CHECK_INT(try_forward(audio_port, video_port, rtcp_port, &reply), 0);
	json_t *streams = json_object_get(reply, "forwarders");
	for (size_t i = 0; i < json_array_size(streams); i++)
		ids[i] = (guint)json_integer_value(json_object_get(json_array_get(streams, i), "stream_id"));
	json_decref(reply);
}

static size_t listed(void)
{
	json_t *list = json_array();

	CHECK_INT(dh_room_rtp_forwards(rig.room, list), 0);
	size_t size = json_array_size(list);
	json_decref(list);
	return size;
}

static int run_idle(struct dh_room *room, void *arg)
{
	return dh_playout_set_idle(room->playout, arg);
}

static void idle(void)
{
	const struct rig_segment clip = { "idle", 'i', 'i', 2000, 25, 1, 10, 0, -1 };

	CHECK_INT(dh_room_call(rig.room, run_idle, rig_segment(&clip)), 0);
}

/* How many events of that name there were. */
static int told(const char *name)
{
	int found = 0;

	pthread_mutex_lock(&rig.lock);
	for (guint i = 0; i < rig.notified->len; i++)
		found += !g_strcmp0(json_string_value(
					    json_object_get(g_array_index(rig.notified, struct room_rig_event, i).event,
						    "event")),
			name);
	pthread_mutex_unlock(&rig.lock);
	return found;
}

/* --- tests */

/* Pictures and sound come without a gap, and the anchor comes again. */
static void test_media_come(void)
{
	uint8_t packet[1500];
	int audio_port, video_port, anchors = 0;
	int audio = udp_port_open(&audio_port), video = udp_port_open(&video_port);
	guint ids[2];

	room_rig_open(60000);
	idle();
	forward(audio_port, video_port, 0, ids);
	for (int i = 0, last = 0; anchors < 3; i++) {
		ssize_t size = TEMP_FAILURE_RETRY(recv(video, packet, sizeof(packet), 0));
		int sequence = packet[2] << 8 | packet[3];
		CHECK(size > 18, "%d", (int)size);
		CHECK_INT(packet[1] & 0x7f, 96);
		CHECK(i == 0 || sequence == ((last + 1) & 0xffff), "%d after %d", sequence, last);
		CHECK(i > 0 || packet[18] == 'K', "it begins with %c", packet[18]);
		anchors += packet[12] & 0x10 && packet[18] == 'K'; /* its first packet */
		last = sequence;
	}
	CHECK(TEMP_FAILURE_RETRY(recv(audio, packet, sizeof(packet), 0)) > 12);
	CHECK_INT(packet[1] & 0x7f, 111);
	room_rig_close();
	CHECK_INT(count, 0);
	close(audio);
	close(video);
}

/* What a picture is, see the playout's rig: the next one that begins. */
static char next_picture(int fd, uint32_t *timestamp)
{
	uint8_t packet[1500];

	do
		CHECK(TEMP_FAILURE_RETRY(recv(fd, packet, sizeof(packet), 0)) > 18);
	while (!(packet[12] & 0x10)); /* RFC 7741: S */
	*timestamp = (uint32_t)packet[4] << 24 | (uint32_t)packet[5] << 16 | (uint32_t)packet[6] << 8 | packet[7];
	return (char)packet[18];
}

static json_int_t requests(void)
{
	json_t *list = json_array();

	CHECK_INT(dh_room_rtp_forwards(rig.room, list), 0);
	json_int_t plis = json_integer_value(json_object_get(json_array_get(list, 0), "plis"));
	json_decref(list);
	return plis;
}

/* Behind an entry, of which the next one is nine pictures away. */
static void ask_behind_an_entry(int video, int rtcp, struct sockaddr_in *to)
{
	static const uint8_t pli[] = { 0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 3, 0xe9 };
	uint32_t first, timestamp;

	next_picture(video, &first);
	while (next_picture(video, &timestamp) != 'E' || timestamp - first < 90000 + 9000) /* it has just had one */
		;
	CHECK_INT(sendto(rtcp, pli, sizeof(pli), 0, (const struct sockaddr *)to, sizeof(*to)), sizeof(pli));
	for (int i = 0; i < 1000 && !requests(); i++)
		usleep(1000);
	CHECK_INT(requests(), 1);
}

/* What has come by now. */
static void drop(int video)
{
	uint8_t packet[1500];

	while (recv(video, packet, sizeof(packet), MSG_DONTWAIT) > 0)
		;
}

static bool goes_on(int video)
{
	uint32_t timestamp;

	drop(video);
	return next_picture(video, &timestamp) == 'D';
}

/* A newcomer at an edge: those who watch there already get what comes next, which needs what they have. Where the
 * machine is so busy that this is an entry all the same, it is tried again. */
static void test_a_request_stops_no_pictures(void)
{
	int video_port, rtcp_port, video = udp_port_open(&video_port), rtcp = udp_port_open(&rtcp_port);
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	bool is_on = false;

	room_rig_open(60000);
	idle();
	for (int i = 0; i < 5 && !is_on; i++) {
		json_t *reply = NULL;
		const struct dh_rtp_forward_config config = { .host = "127.0.0.1",
			.targets = { [DH_VIDEO] = { video_port, rtcp_port, 0, 96 } } };
		drop(video);
		CHECK_INT(begin(&config, &reply), 0);
		json_t *stream = json_array_get(json_object_get(reply, "forwarders"), 0);
		to.sin_port = htons((uint16_t)json_integer_value(json_object_get(stream, "local_rtcp_port")));
		ask_behind_an_entry(video, rtcp, &to);
		is_on = goes_on(video);
		CHECK_INT(dh_room_stop_rtp_forward(rig.room,
				  (guint)json_integer_value(json_object_get(stream, "stream_id")), NULL),
			0);
		json_decref(reply);
	}
	CHECK(is_on, "its pictures stop");
	room_rig_close();
	close(video);
	close(rtcp);
}

static void test_limit_and_numbers(void)
{
	guint ids[LIMIT + 2][2];
	json_t *reply = NULL;

	room_rig_open(60000);
	atomic_store(&rig.has_event_handlers, 1);
	for (int i = 0; i < LIMIT; i++)
		forward(9, 9, 0, ids[i]);
	CHECK_INT(try_forward(9, 9, 0, &reply), -ENOBUFS);
	CHECK(!reply);
	CHECK_INT(count, LIMIT);
	CHECK_INT(dh_room_rtp_forward_count(rig.room), LIMIT);
	CHECK_INT(listed(), 2 * LIMIT);
	CHECK_INT(told("rtp_forward"), 2 * LIMIT);
	CHECK_INT(dh_room_stop_rtp_forward(rig.room, 0, NULL), -ENOENT);
	CHECK_INT(dh_room_stop_rtp_forward(rig.room, 4711, NULL), -ENOENT);
	CHECK_INT(dh_room_stop_rtp_forward(rig.room, ids[0][1], NULL), 0); /* its sound goes on */
	CHECK_INT(dh_room_stop_rtp_forward(rig.room, ids[0][1], NULL), -ENOENT);
	CHECK_INT(dh_room_rtp_forward_count(rig.room), LIMIT);
	CHECK_INT(listed(), 2 * LIMIT - 1);
	CHECK_INT(dh_room_stop_rtp_forward(rig.room, ids[0][0], NULL), 0);
	CHECK_INT(count, LIMIT - 1);
	CHECK_INT(told("stop_rtp_forward"), 2);
	forward(9, 0, 0, ids[LIMIT]);
	CHECK(ids[LIMIT][0] > ids[LIMIT - 1][1], "a number comes again");
	CHECK_INT(listed(), 2 * LIMIT - 1);
	room_rig_close();
	CHECK_INT(count, 0);
}

/* One that is refused has sent nothing: a BYE would end whoever listens there to another one. */
static void test_refused_ones_are_silent(void)
{
	uint8_t packet[1500];
	int rtcp_port, rtcp = udp_port_open(&rtcp_port);
	json_t *reply = NULL;
	guint ids[2];

	room_rig_open(60000);
	for (int i = 0; i < LIMIT; i++)
		forward(9, 9, 0, ids);
	CHECK_INT(try_forward(9, 9, rtcp_port, &reply), -ENOBUFS);
	CHECK_INT(recv(rtcp, packet, sizeof(packet), MSG_DONTWAIT), -1);
	dh_room_close(rig.room);
	CHECK_INT(try_forward(9, 9, rtcp_port, &reply), -ECANCELED);
	CHECK_INT(recv(rtcp, packet, sizeof(packet), MSG_DONTWAIT), -1);
	CHECK(!reply);
	CHECK_INT(count, 0);
	room_rig_close();
	close(rtcp);
}

/* They are nobody that watches, and a room that is disabled sends them nothing. */
static void test_they_are_no_viewers(void)
{
	guint ids[2];

	room_rig_open(60000);
	idle();
	forward(9, 9, 0, ids);
	room_rig_flush();
	json_t *info = dh_room_info(rig.room, true);
	CHECK_INT(json_integer_value(json_object_get(info, "viewers")), 0);
	CHECK_INT(json_integer_value(json_object_get(info, "forwards")), 1);
	json_decref(info);
	CHECK_INT(dh_room_enable(rig.room, false), 0);
	json_t *before = json_array(), *after = json_array();
	CHECK_INT(dh_room_rtp_forwards(rig.room, before), 0);
	usleep(100000);
	CHECK_INT(dh_room_rtp_forwards(rig.room, after), 0);
	CHECK(json_equal(before, after));
	json_decref(before);
	json_decref(after);
	room_rig_close();
}

/* The room ends: its targets get a BYE, and nothing is left. A room that has ended takes none. */
static void test_destroy(void)
{
	uint8_t packet[1500];
	int rtcp_port, rtcp = udp_port_open(&rtcp_port);
	json_t *reply = NULL;
	guint ids[2];
	ssize_t size;

	room_rig_open(60000);
	forward(0, 9, rtcp_port, ids);
	CHECK(TEMP_FAILURE_RETRY(recv(rtcp, packet, sizeof(packet), 0)) > 28);
	CHECK_INT(packet[1], 200);
	dh_room_close(rig.room);
	CHECK_INT(count, 0);
	do
		size = TEMP_FAILURE_RETRY(recv(rtcp, packet, sizeof(packet), 0));
	while (size > 8 && packet[1] == 200);
	CHECK(size > 8 && packet[size - 7] == 203);
	CHECK_INT(try_forward(9, 9, 0, &reply), -ECANCELED);
	CHECK_INT(count, 0);
	room_rig_close();
	close(rtcp);
}

/* One that begins again says first that what was before it has ended; ffmpeg hears nothing shorter than 12 bytes. */
static void test_it_begins_again(void)
{
	uint8_t packet[1500];
	int rtcp_port, rtcp = udp_port_open(&rtcp_port);
	json_t *reply = NULL;

	room_rig_open(60000);
	const struct dh_rtp_forward_config config = { .host = "127.0.0.1",
		.targets = { [DH_VIDEO] = { 9, rtcp_port, 1000, 96 } },
		.begins_again = true };
	CHECK_INT(begin(&config, &reply), 0);
	json_decref(reply);
	ssize_t size = TEMP_FAILURE_RETRY(recv(rtcp, packet, sizeof(packet), 0));
	CHECK(size >= 12 && packet[size - 7] == 203);
	CHECK(TEMP_FAILURE_RETRY(recv(rtcp, packet, sizeof(packet), 0)) > 28);
	CHECK_INT(packet[1], 200);
	room_rig_close();
	CHECK_INT(count, 0);
	close(rtcp);
}

static void *come_and_go(void *arg)
{
	json_t *reply;
	guint ids[2];

	(void)arg;
	for (int i = 0; i < 30; i++) {
		reply = NULL;
		int err = try_forward(9, 9, 9, &reply);
		CHECK(err == 0 || err == -ENOBUFS, "%d", err);
		listed();
		if (err)
			continue;
		for (size_t s = 0; s < 2; s++)
			ids[s] = (guint)json_integer_value(
				json_object_get(json_array_get(json_object_get(reply, "forwarders"), s), "stream_id"));
		json_decref(reply);
		CHECK_INT(dh_room_stop_rtp_forward(rig.room, ids[i % 2], NULL), 0);
		CHECK_INT(dh_room_stop_rtp_forward(rig.room, ids[1 - i % 2], NULL), 0);
	}
	return NULL;
}

static void test_come_and_go(void)
{
	pthread_t threads[3];

	room_rig_open(60000);
	idle();
	for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
		pthread_create(&threads[i], NULL, come_and_go, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
		pthread_join(threads[i], NULL);
	CHECK_INT(count, 0);
	CHECK_INT(listed(), 0);
	room_rig_close();
}

static const struct check_test tests[] = {
	TEST(test_media_come),
	TEST(test_a_request_stops_no_pictures),
	TEST(test_limit_and_numbers),
	TEST(test_refused_ones_are_silent),
	TEST(test_they_are_no_viewers),
	TEST(test_destroy),
	TEST(test_it_begins_again),
	TEST(test_come_and_go),
};

int main(int argc, char **argv)
{
	return find_programs(argv[0]) ? 2 : CHECK_MAIN(argc, argv, tests);
}
