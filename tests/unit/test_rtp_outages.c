/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A forward with SRTP whose network or target is not there for a while, with a network of the test's own: whoever
 * listens afterwards can decrypt what comes, those who were there before and newcomers. */
#include "tests/support/check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include <srtp2/srtp.h>

#include "playout/timebase.h"
#include "rooms/rtp_forward.h"

#define KEY        "MTIzNDU2Nzg5MGFiY2RlZmdoaWprbG1ub3BxcnN0" /* 30 bytes */
#define TURN_TICKS (2 * DH_SLOT_TICKS)
#define BACK_TURNS 75 /* three seconds */

static atomic_int count;
static struct dh_rtp_forward *forward;
static int64_t now_ticks;

/* One that got the packets of a medium from some moment on. */
static struct receiver {
	srtp_t session; /* NULL: nobody */
	int packets, understood;
} known, newcomer;

static struct network {
	bool is_there;     /* a socket can be connected */
	int err;           /* of sending; 0: none */
	bool has_moved;    /* that error is of sockets that were connected before */
	bool refuses;      /* nobody listens, and that is said of every packet */
	bool refuses_next; /* the packet is tried once more, and lost */
	bool refuses_sound;
	int reports, back;
} network;

/* --- receivers */

static void receiver_open(struct receiver *receiver)
{
	static uint8_t key[] = "1234567890abcdefghijklmnopqrst";
	srtp_policy_t policy;

	memset(&policy, 0, sizeof(policy));
	srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtp);
	srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtcp);
	policy.key = key;
	policy.ssrc.type = ssrc_any_inbound;
	receiver->packets = receiver->understood = 0;
	CHECK_INT(srtp_create(&receiver->session, &policy), srtp_err_status_ok);
}

static void receiver_close(struct receiver *receiver)
{
	if (receiver->session)
		srtp_dealloc(receiver->session);
	receiver->session = NULL;
}

static void receive(struct receiver *receiver, const void *data, size_t size)
{
	_Alignas(uint64_t) uint8_t packet[1500];
	int length = (int)size;

	if (!receiver->session)
		return;
	memcpy(packet, data, size);
	receiver->packets++;
	receiver->understood += srtp_unprotect(receiver->session, packet, &length) == srtp_err_status_ok;
}

/* --- the network */

int __wrap_connect(int fd, const struct sockaddr *to, socklen_t size);
ssize_t __wrap_send(int fd, const void *data, size_t size, int flags);
ssize_t __wrap_sendto(int fd, const void *data, size_t size, int flags, const struct sockaddr *to, socklen_t to_size);

int __wrap_connect(int fd, const struct sockaddr *to, socklen_t size)
{
	(void)fd;
	(void)to;
	(void)size;
	if (network.has_moved)
		network.err = 0;
	errno = network.is_there ? network.err : ENETUNREACH;
	return errno ? -1 : 0;
}

ssize_t __wrap_send(int fd, const void *data, size_t size, int flags)
{
	bool is_video = fd == forward->streams[DH_VIDEO].socket;

	(void)flags;
	errno = !network.is_there ? EDESTADDRREQ : network.err;
	if (errno)
		return -1;
	if (is_video ? network.refuses : network.refuses_sound) {
		network.refuses_next = !network.refuses_next;
		errno = ECONNREFUSED;
		return network.refuses_next ? -1 : (ssize_t)size;
	}
	if (is_video) {
		receive(&known, data, size);
		receive(&newcomer, data, size);
	}
	return (ssize_t)size;
}

ssize_t __wrap_sendto(int fd, const void *data, size_t size, int flags, const struct sockaddr *to, socklen_t to_size)
{
	(void)data;
	(void)flags;
	(void)to;
	(void)to_size;
	network.reports += fd == forward->streams[DH_VIDEO].rtcp_socket;
	return (ssize_t)size;
}

/* --- the forward */

static void send_one(enum dh_media media, uint16_t sequence)
{
	uint8_t packet[40] = { 0x80, media == DH_VIDEO ? 96 : 111, (uint8_t)(sequence >> 8), (uint8_t)sequence };

	dh_rtp_forward_send(forward, media, packet, sizeof(packet));
}

static void turn(void)
{
	network.back += dh_rtp_forward_is_back(forward, now_ticks);
	dh_rtp_forward_report(forward, now_ticks, now_ticks);
	now_ticks += TURN_TICKS;
}

/* So many pictures of one packet. */
static void turns(int number, uint16_t *sequence)
{
	for (int i = 0; i < number; i++) {
		send_one(DH_VIDEO, (*sequence)++);
		turn();
	}
}

static void open_forward(bool is_permanent)
{
	struct dh_rtp_forward_config config = { .host = "127.0.0.1",
		.targets = { [DH_AUDIO] = { 9, 9, 0, 111 }, [DH_VIDEO] = { 9, 9, 0, 96 } },
		.srtp_suite = 80,
		.srtp_crypto = KEY,
		.record = is_permanent ? json_object() : NULL };

	network = (struct network){ .is_there = !is_permanent };
	now_ticks = 0;
	atomic_store(&count, 1);
	CHECK_INT(dh_rtp_forward_alloc(&forward, &config, &count), 0);
	json_decref(config.record);
	dh_rtp_forward_begin(forward);
	receiver_open(&known);
}

static void close_forward(void)
{
	receiver_close(&known);
	receiver_close(&newcomer);
	dh_rtp_forward_free(&forward);
	CHECK_INT(count, 0);
}

static uint32_t video_ssrc(void)
{
	return forward->streams[DH_VIDEO].target.ssrc;
}

/* --- tests */

/* A permanent one begins before the network is there; meanwhile its sequence numbers begin again, or not. */
static void test_a_network_that_comes_late(void)
{
	static const int rows[] = { 10, 1000, 33000, 140000 };

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		uint16_t sequence = 65500;
		open_forward(true);
		uint32_t ssrc = video_ssrc();
		turns(rows[i], &sequence);
		CHECK_INT(forward->streams[DH_VIDEO].counts.dropped, rows[i]);
		CHECK(forward->lost_picture);
		network.is_there = true;
		now_ticks += 2 * DH_TICKS_PER_SECOND;
		dh_rtp_forward_report(forward, now_ticks, now_ticks);
		turns(2 * BACK_TURNS, &sequence);
		CHECK_INT(known.packets, 2 * BACK_TURNS);
		CHECK_INT(known.understood, known.packets);
		CHECK_INT(forward->streams[DH_VIDEO].counts.packets, known.packets);
		CHECK_INT(network.back, 1);
		CHECK(video_ssrc() == ssrc);
		close_forward();
	}
}

static const struct outage {
	const char *name;
	int err; /* ECONNREFUSED: nobody listens */
	bool is_away;
} outages[] = {
	{ "no network", ENETUNREACH, true },
	{ "no host", EHOSTUNREACH, true },
	{ "nobody", ECONNREFUSED, true },
	{ "a full socket", EAGAIN, false },
	{ "a firewall", EPERM, false },
};

static void begin_outage(const struct outage *outage)
{
	network.refuses = outage->err == ECONNREFUSED;
	network.err = network.refuses ? 0 : outage->err;
	network.reports = network.back = 0;
}

/* It lasts for so many packets, whether sequence numbers begin again or not. */
static void run_outage(const struct outage *outage, int packets, uint16_t sequence)
{
	open_forward(false);
	turns(100, &sequence);
	CHECK_INT(known.understood, 100);
	uint32_t ssrc = video_ssrc();
	begin_outage(outage);
	turns(packets, &sequence);
	if (outage->is_away) /* five a second, otherwise one in two seconds, and one more for each new SSRC */
		CHECK(network.reports >= packets / 5 - 1, "%d", network.reports);
	else
		CHECK(network.reports <= packets / 50 + 10, "%d", network.reports);
	network.err = 0;
	network.refuses = false;
	receiver_open(&newcomer);
	turns(BACK_TURNS, &sequence);
	CHECK_INT(network.back, outage->is_away ? 1 : 0);
	CHECK(known.understood == 100 + BACK_TURNS || outage->err == ECONNREFUSED, "%d of %d", known.understood,
		known.packets);
	known.packets = known.understood = newcomer.packets = newcomer.understood = 0;
	turns(100, &sequence);
	CHECK_INT(known.packets, 100);
	CHECK_INT(known.understood, 100);
	CHECK(!outage->is_away || newcomer.understood == 100, "a newcomer: %d", newcomer.understood);
	if (packets <= 100)
		CHECK(video_ssrc() == ssrc);
	if (packets >= 33000) /* not everybody's library would go on */
		CHECK(video_ssrc() != ssrc);
	close_forward();
}

static void test_an_outage(const void *arg)
{
	static const struct {
		int packets;
		uint16_t sequence;
	} rows[] = { { 100, 20000 }, { 31000, 1000 }, { 33000, 1000 }, { 66000, 1000 } };

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		run_outage(arg, rows[i].packets, rows[i].sequence);
}

/* Sequence numbers begin again before anything has left. */
static void test_an_outage_from_the_beginning(const void *arg)
{
	const struct outage *outage = arg;
	uint16_t sequence = 65500;

	open_forward(false);
	begin_outage(outage);
	turns(200, &sequence);
	network.err = 0;
	network.refuses = false;
	turns(BACK_TURNS, &sequence);
	known.packets = known.understood = 0;
	turns(100, &sequence);
	CHECK_INT(known.understood, 100);
	CHECK_INT(network.back, outage->is_away ? 1 : 0);
	close_forward();
}

/* Where nobody takes the sound, who takes the picture is left alone. */
static void test_one_medium_has_no_target(void)
{
	uint16_t sequence = 0;

	open_forward(false);
	uint32_t ssrc = video_ssrc();
	network.refuses_sound = true;
	for (int i = 0; i < 70000; i++) {
		send_one(DH_AUDIO, sequence);
		turns(1, &sequence);
	}
	CHECK_INT(known.understood, 70000);
	CHECK(video_ssrc() == ssrc);
	CHECK_INT(network.back, 0);
	close_forward();
}

/* The machine gets another address. */
static void test_another_address(void)
{
	uint16_t sequence = 0;

	open_forward(false);
	turns(100, &sequence);
	network.err = ENETUNREACH;
	network.has_moved = true;
	turns(2 * BACK_TURNS, &sequence);
	CHECK_INT(network.back, 1);
	known.packets = known.understood = 0;
	turns(100, &sequence);
	CHECK_INT(known.packets, 100);
	CHECK_INT(known.understood, 100);
	close_forward();
}

static const struct check_test tests[] = {
	TEST(test_a_network_that_comes_late),
	TABLE(test_an_outage, outages),
	TABLE(test_an_outage_from_the_beginning, outages),
	TEST(test_another_address),
	TEST(test_one_medium_has_no_target),
};

int main(int argc, char **argv)
{
	return CHECK_MAIN(argc, argv, tests);
}
