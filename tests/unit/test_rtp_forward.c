/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One RTP forward and its target, on this machine: what a socket is given can be read at once from the other. */
#include "tests/support/check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <srtp2/srtp.h>

#include "playout/timebase.h"
#include "rooms/rtp_forward.h"

#define KEY "MTIzNDU2Nzg5MGFiY2RlZmdoaWprbG1ub3BxcnN0" /* 30 bytes */

static atomic_int count;
static bool has_network = true;

int __real_connect(int fd, const struct sockaddr *to, socklen_t size);
int __wrap_connect(int fd, const struct sockaddr *to, socklen_t size);

int __wrap_connect(int fd, const struct sockaddr *to, socklen_t size)
{
	errno = ENETUNREACH;
	return has_network ? __real_connect(fd, to, size) : -1;
}

/* The other end: sockets for RTP and RTCP of each medium. */
static struct target {
	int rtp[2], rtcp[2], rtp_port[2], rtcp_port[2];
} target;

static int open_port(int *port)
{
	struct sockaddr_in own = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(own);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	CHECK_INT(bind(fd, (const struct sockaddr *)&own, sizeof(own)), 0);
	CHECK_INT(getsockname(fd, (struct sockaddr *)&own, &size), 0);
	*port = ntohs(own.sin_port);
	return fd;
}

static void open_target(void)
{
	for (int media = 0; media < 2; media++) {
		target.rtp[media] = open_port(&target.rtp_port[media]);
		target.rtcp[media] = open_port(&target.rtcp_port[media]);
	}
}

/* Opens it, too. */
static struct dh_rtp_forward_config to_target(void)
{
	struct dh_rtp_forward_config config = { .host = "127.0.0.1", .keyframe_ms = 2000 };

	open_target();
	for (int media = 0; media < 2; media++)
		config.targets[media] = (struct dh_rtp_target){ target.rtp_port[media], target.rtcp_port[media],
			1000 + (uint32_t)media, media == DH_VIDEO ? 96 : 111 };
	return config;
}

static struct dh_rtp_forward *forward_to(const struct dh_rtp_forward_config *config)
{
	struct dh_rtp_forward *forward = NULL;

	atomic_fetch_add(&count, 1);
	CHECK_INT(dh_rtp_forward_alloc(&forward, config, &count), 0);
	for (int media = 0; media < 2; media++)
		forward->streams[media].id = 1 + (guint)media;
	dh_rtp_forward_begin(forward);
	return forward;
}

static void finish(struct dh_rtp_forward **forward)
{
	dh_rtp_forward_free(forward);
	CHECK_INT(count, 0);
	for (int media = 0; media < 2; media++) {
		close(target.rtp[media]);
		close(target.rtcp[media]);
	}
}

static ssize_t read_packet(int fd, uint8_t packet[1500])
{
	return recv(fd, packet, 1500, MSG_DONTWAIT);
}

/* A packet of RTP: the beginning of a picture, `frame` its first byte; or, of sound, that byte. */
static size_t make_packet(uint8_t packet[64], enum dh_media media, uint16_t sequence, uint8_t frame)
{
	static const uint8_t descriptor[] = { 0x90, 0xe0, 0x80, 1, 1, 0 };
	size_t size = 12;

	memset(packet, 0, 64);
	packet[0] = 0x80;
	packet[1] = media == DH_VIDEO ? 96 : 111;
	packet[2] = (uint8_t)(sequence >> 8);
	packet[3] = (uint8_t)sequence;
	packet[10] = 1000 >> 8;
	packet[11] = (uint8_t)(1000 + media);
	if (media == DH_VIDEO) {
		memcpy(packet + size, descriptor, sizeof(descriptor));
		size += sizeof(descriptor);
	}
	packet[size] = frame;
	return size + 20;
}

static void send_one(struct dh_rtp_forward *forward, enum dh_media media, uint16_t sequence, uint8_t frame)
{
	uint8_t packet[64];

	dh_rtp_forward_send(forward, media, packet, make_packet(packet, media, sequence, frame));
}

static void test_packets_come_as_they_are(void)
{
	uint8_t came[1500], packet[64];

	struct dh_rtp_forward_config config = to_target();
	struct dh_rtp_forward *forward = forward_to(&config);
	for (int media = 0; media < 2; media++) {
		size_t size = make_packet(packet, (enum dh_media)media, 7, 0x10);
		dh_rtp_forward_send(forward, (enum dh_media)media, packet, size);
		CHECK_INT(read_packet(target.rtp[media], came), size);
		CHECK(!memcmp(came, packet, size));
		CHECK_INT(read_packet(target.rtp[!media], came), -1);
		CHECK_INT(forward->streams[media].counts.packets, 1);
		CHECK_INT(forward->streams[media].counts.octets, size - 12);
	}
	finish(&forward);
}

/* The bit of a key frame that says that it is shown, and no other. */
static void test_hidden_key_frames(void)
{
	static const struct {
		uint8_t frame, descriptor, expected;
	} rows[] = { { 0x10, 0x90, 0x00 }, { 0x50, 0x90, 0x40 }, { 0x11, 0x90, 0x11 }, { 0x10, 0x80, 0x10 } };
	uint8_t came[1500], packet[64];

	struct dh_rtp_forward_config config = to_target();
	config.hides_keyframes = true;
	struct dh_rtp_forward *forward = forward_to(&config);
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		size_t size = make_packet(packet, DH_VIDEO, 7, rows[i].frame);
		packet[12] = rows[i].descriptor;
		dh_rtp_forward_send(forward, DH_VIDEO, packet, size);
		CHECK_INT(packet[18], rows[i].frame);
		CHECK_INT(read_packet(target.rtp[DH_VIDEO], came), size);
		CHECK_INT(came[18], rows[i].expected);
	}
	send_one(forward, DH_AUDIO, 7, 0x10);
	CHECK(read_packet(target.rtp[DH_AUDIO], came) > 12);
	CHECK_INT(came[12], 0x10);
	finish(&forward);
}

static void open_video(void)
{
	struct sockaddr_in own = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons((uint16_t)target.rtp_port[DH_VIDEO]) };

	target.rtp[DH_VIDEO] = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	CHECK_INT(bind(target.rtp[DH_VIDEO], (const struct sockaddr *)&own, sizeof(own)), 0);
}

/* Nobody listens, then somebody does: every packet of the time since has come. */
static void test_a_target_that_comes_back(void)
{
	uint8_t came[1500];

	struct dh_rtp_forward_config config = to_target();
	struct dh_rtp_forward *forward = forward_to(&config);
	close(target.rtp[DH_VIDEO]);
	for (uint16_t i = 0; i < 50; i++)
		send_one(forward, DH_VIDEO, i, 0x11);
	CHECK(forward->streams[DH_VIDEO].counts.refused > 20);
	CHECK_INT(forward->streams[DH_VIDEO].counts.dropped, 0);
	CHECK(!forward->lost_picture);
	open_video();
	for (uint16_t i = 50; i < 60; i++) {
		send_one(forward, DH_VIDEO, i, 0x11);
		CHECK(read_packet(target.rtp[DH_VIDEO], came) > 12);
		CHECK_INT(came[3], i);
	}
	finish(&forward);
}

/* What a socket does not take is dropped, and neither waited for nor sent later. */
static void test_a_full_socket(void)
{
	uint8_t bytes[512] = { 0 };
	int pair[2];

	struct dh_rtp_forward_config config = to_target();
	struct dh_rtp_forward *forward = forward_to(&config);
	CHECK_INT(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
	while (send(pair[0], bytes, sizeof(bytes), 0) > 0)
		;
	CHECK(dup2(pair[0], forward->streams[DH_VIDEO].socket) >= 0);
	for (uint16_t i = 0; i < 5; i++)
		send_one(forward, DH_VIDEO, i, 0x11);
	send_one(forward, DH_AUDIO, 1, 0);
	CHECK_INT(forward->streams[DH_VIDEO].counts.dropped, 5);
	CHECK_INT(forward->streams[DH_VIDEO].counts.packets, 0);
	CHECK_INT(forward->streams[DH_AUDIO].counts.packets, 1);
	CHECK(forward->lost_picture);
	close(pair[0]);
	close(pair[1]);
	finish(&forward);
}

static uint32_t read_32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* Both media say the same moment, in their own clocks; every two seconds. */
static void test_reports(void)
{
	const int64_t hour = 3600 * DH_TICKS_PER_SECOND;
	uint8_t came[2][1500];

	struct dh_rtp_forward_config config = to_target();
	struct dh_rtp_forward *forward = forward_to(&config);
	send_one(forward, DH_AUDIO, 1, 0);
	for (int64_t now = 0; now < 6; now++) { /* seconds */
		dh_rtp_forward_report(forward, now * DH_TICKS_PER_SECOND, hour + now * DH_TICKS_PER_SECOND);
		for (int media = 0; media < 2; media++) {
			ssize_t size = read_packet(target.rtcp[media], came[media]);
			CHECK(now % 2 ? size < 0 : size > 28, "%d s: %d", (int)now, (int)size);
		}
		if (now % 2)
			continue;
		CHECK(!memcmp(came[0] + 8, came[1] + 8, 8));
		CHECK_INT((uint32_t)(read_32(came[DH_AUDIO] + 16) - forward->seed.first_timestamp[DH_AUDIO]),
			(uint32_t)((3600 + now) * 48000));
		CHECK_INT((uint32_t)(read_32(came[DH_VIDEO] + 16) - forward->seed.first_timestamp[DH_VIDEO]),
			(uint32_t)((3600 + now) * 90000));
		CHECK_INT(read_32(came[DH_AUDIO] + 20), 1);
		CHECK_INT(read_32(came[DH_AUDIO] + 24), 20);
		CHECK_STR((const char *)came[0] + 38, forward->cname);
		CHECK_STR((const char *)came[1] + 38, forward->cname);
	}
	dh_rtp_forward_stop(forward, DH_VIDEO);
	ssize_t size = read_packet(target.rtcp[DH_VIDEO], came[0]);
	CHECK(size > 8 && came[0][size - 7] == 203);
	send_one(forward, DH_VIDEO, 1, 0);
	CHECK_INT(read_packet(target.rtp[DH_VIDEO], came[0]), -1);
	send_one(forward, DH_AUDIO, 2, 0);
	CHECK(read_packet(target.rtp[DH_AUDIO], came[0]) > 0);
	finish(&forward);
}

static void send_rtcp_from(int fd, const struct dh_rtp_forward *forward, const uint8_t *bytes, size_t size)
{
	const struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons((uint16_t)forward->streams[DH_VIDEO].local_rtcp_port) };

	CHECK_INT(sendto(fd, bytes, size, 0, (const struct sockaddr *)&to, sizeof(to)), size);
}

static void test_requests_for_key_frames(void)
{
	static const uint8_t pli[] = { 0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 3, 0xe9 }, junk[] = { 0x81, 206, 0, 9 };
	struct sockaddr_in stranger = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1) };
	int64_t now = 0;

	struct dh_rtp_forward_config config = to_target();
	struct dh_rtp_forward *forward = forward_to(&config);
	CHECK(!dh_rtp_forward_listen(forward, now));
	send_rtcp_from(target.rtcp[DH_VIDEO], forward, pli, sizeof(pli));
	CHECK(!dh_rtp_forward_listen(forward, now)); /* it has just looked */
	CHECK(dh_rtp_forward_listen(forward, now += DH_TICKS_PER_SECOND));
	CHECK(!dh_rtp_forward_listen(forward, now += DH_TICKS_PER_SECOND));
	send_rtcp_from(target.rtcp[DH_AUDIO], forward, pli, sizeof(pli)); /* from another port of the host */
	CHECK(dh_rtp_forward_listen(forward, now += DH_TICKS_PER_SECOND));
	for (int i = 0; i < 100; i++)
		send_rtcp_from(target.rtcp[DH_VIDEO], forward, junk, i % 5);
	CHECK(!dh_rtp_forward_listen(forward, now += DH_TICKS_PER_SECOND));
	int other = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	CHECK_INT(bind(other, (const struct sockaddr *)&stranger, sizeof(stranger)), 0);
	for (int i = 0; i < 200; i++) /* behind all that is left of the junk */
		dh_rtp_forward_listen(forward, now += DH_TICKS_PER_SECOND);
	send_rtcp_from(other, forward, pli, sizeof(pli));
	CHECK(!dh_rtp_forward_listen(forward, now += DH_TICKS_PER_SECOND));
	CHECK_INT(forward->streams[DH_VIDEO].counts.requests, 2);
	close(other);
	finish(&forward);
}

static srtp_t open_receiver(int suite, uint8_t *key)
{
	srtp_policy_t policy;
	srtp_t session = NULL;

	memset(&policy, 0, sizeof(policy));
	if (suite == 32)
		srtp_crypto_policy_set_aes_cm_128_hmac_sha1_32(&policy.rtp);
	else
		srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtp);
	srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtcp);
	policy.key = key;
	policy.ssrc.type = ssrc_any_inbound;
	CHECK_INT(srtp_create(&session, &policy), srtp_err_status_ok);
	return session;
}

static void test_srtp(void)
{
	static uint8_t key[] = "1234567890abcdefghijklmnopqrst";
	static const int suites[] = { 32, 80 };
	_Alignas(uint64_t) uint8_t came[1500];
	uint8_t packet[64];

	for (int i = 0; i < 2; i++) {
		struct dh_rtp_forward_config config = to_target();
		config.srtp_suite = suites[i];
		config.srtp_crypto = KEY;
		struct dh_rtp_forward *forward = forward_to(&config);
		srtp_t receiver = open_receiver(suites[i], key);
		for (int media = 0; media < 2; media++) {
			size_t size = make_packet(packet, (enum dh_media)media, 7, 0x11);
			dh_rtp_forward_send(forward, (enum dh_media)media, packet, size);
			int length = (int)read_packet(target.rtp[media], came);
			CHECK_INT(length, (int)size + suites[i] / 8);
			CHECK(memcmp(came + 12, packet + 12, size - 12) != 0);
			CHECK_INT(srtp_unprotect(receiver, came, &length), srtp_err_status_ok);
			CHECK(length == (int)size && !memcmp(came, packet, size));
		}
		dh_rtp_forward_report(forward, 0, 0);
		int length = (int)read_packet(target.rtcp[DH_VIDEO], came);
		CHECK_INT(srtp_unprotect_rtcp(receiver, came, &length), srtp_err_status_ok);
		CHECK_STR((const char *)came + 38, forward->cname);
		srtp_dealloc(receiver);
		finish(&forward);
	}
}

/* So many turns of 40 ms, with a picture each: how often it is back, and how many reports come. */
static int turns(struct dh_rtp_forward *forward, int number, int64_t *now_ticks, uint16_t *sequence, int *reports)
{
	uint8_t came[1500];
	int back = 0;

	*reports = 0;
	for (int i = 0; i < number; i++, *now_ticks += 2 * DH_SLOT_TICKS) {
		send_one(forward, DH_VIDEO, (*sequence)++, 0x11);
		back += dh_rtp_forward_is_back(forward, *now_ticks);
		dh_rtp_forward_report(forward, *now_ticks, *now_ticks);
		while (read_packet(target.rtcp[DH_VIDEO], came) > 0)
			(*reports)++;
	}
	return back;
}

/* Whoever comes back can ask within a fifth of a second, and is known to be back two seconds later, once. */
static void test_away_and_back(void)
{
	uint16_t sequence = 65000;
	int64_t now = 0;
	int reports;

	struct dh_rtp_forward_config config = to_target();
	struct dh_rtp_forward *forward = forward_to(&config);
	for (int i = 0; i < 3; i++) {
		CHECK_INT(turns(forward, 250, &now, &sequence, &reports), 0);
		CHECK_INT(reports, 5);
		close(target.rtp[DH_VIDEO]);
		CHECK_INT(turns(forward, 250, &now, &sequence, &reports), 0);
		CHECK(reports >= 49 && reports <= 51, "%d", reports);
		open_video();
		CHECK_INT(turns(forward, 48, &now, &sequence, &reports), 0);
		CHECK_INT(turns(forward, 3, &now, &sequence, &reports), 1);
		CHECK(reports >= 1);
		turns(forward, 50 - (int)(now / (2 * DH_SLOT_TICKS)) % 50, &now, &sequence, &reports);
	}
	CHECK_INT(forward->streams[DH_VIDEO].target.ssrc, 1001); /* it is plain */
	finish(&forward);
}

/* Whether somebody who has just come can decrypt the next picture. */
static bool is_clear(struct dh_rtp_forward *forward, uint16_t *sequence)
{
	static uint8_t key[] = "1234567890abcdefghijklmnopqrst";
	_Alignas(uint64_t) uint8_t came[1500];
	srtp_t receiver = open_receiver(80, key);
	int length;

	while (read_packet(target.rtp[DH_VIDEO], came) > 0)
		;
	send_one(forward, DH_VIDEO, (*sequence)++, 0x11);
	length = (int)read_packet(target.rtp[DH_VIDEO], came);
	bool is_clear = srtp_unprotect(receiver, came, &length) == srtp_err_status_ok;
	CHECK(!is_clear || read_32(came + 8) == forward->streams[DH_VIDEO].target.ssrc);
	srtp_dealloc(receiver);
	return is_clear;
}

/* Once sequence numbers have begun again, a newcomer decrypts nothing, until it is known to be one. */
static void test_srtp_for_those_who_come_back(void)
{
	uint16_t sequence = 65460;
	int64_t now = 0;
	int reports;

	struct dh_rtp_forward_config config = to_target();
	config.srtp_suite = 80;
	config.srtp_crypto = KEY;
	struct dh_rtp_forward *forward = forward_to(&config);
	CHECK(is_clear(forward, &sequence));
	close(target.rtp[DH_VIDEO]);
	turns(forward, 5, &now, &sequence, &reports);
	open_video();
	CHECK_INT(turns(forward, 60, &now, &sequence, &reports), 1);
	CHECK_INT(forward->streams[DH_VIDEO].target.ssrc, 1001);
	CHECK(is_clear(forward, &sequence));
	turns(forward, 20, &now, &sequence, &reports);
	CHECK(!is_clear(forward, &sequence));
	close(target.rtp[DH_VIDEO]);
	turns(forward, 5, &now, &sequence, &reports);
	open_video();
	CHECK_INT(turns(forward, 60, &now, &sequence, &reports), 1);
	CHECK(forward->streams[DH_VIDEO].target.ssrc != 1001);
	CHECK_INT(forward->streams[DH_AUDIO].target.ssrc, 1000);
	CHECK(is_clear(forward, &sequence));
	finish(&forward);
}

/* A machine whose network comes late: a permanent forward waits for it, another one is refused. */
static void test_no_network_yet(void)
{
	struct dh_rtp_forward_config config = to_target();
	struct dh_rtp_forward *forward = NULL;

	has_network = false;
	atomic_store(&count, 1);
	CHECK_INT(dh_rtp_forward_alloc(&forward, &config, &count), -ENETUNREACH);
	config.record = json_object();
	forward = forward_to(&config);
	json_decref(config.record);
	send_one(forward, DH_VIDEO, 1, 0x11);
	CHECK_INT(forward->streams[DH_VIDEO].counts.dropped, 1);
	CHECK(forward->lost_picture);
	has_network = true;
	dh_rtp_forward_report(forward, 0, 0);
	send_one(forward, DH_VIDEO, 2, 0x11);
	CHECK_INT(forward->streams[DH_VIDEO].counts.packets, 1);
	finish(&forward);
}

static void test_refusals(void)
{
	static const struct {
		const char *host, *crypto;
		int suite, err;
	} rows[] = { { "localhost", NULL, 0, -EINVAL }, { "", NULL, 0, -EINVAL },
		{ "127.0.0.1", "c2hvcnQ=", 80, -EKEYREJECTED }, { "127.0.0.1", "%%%", 32, -EKEYREJECTED },
		{ "127.0.0.1", KEY, 31, -EINVAL } };
	struct dh_rtp_forward *forward = NULL;

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		const struct dh_rtp_forward_config config = { .host = rows[i].host,
			.targets = { [DH_VIDEO] = { 5004, 5005, 0, 96 } },
			.srtp_suite = rows[i].suite,
			.srtp_crypto = rows[i].crypto };
		atomic_store(&count, 1);
		CHECK_INT(dh_rtp_forward_alloc(&forward, &config, &count), rows[i].err);
		CHECK(!forward);
		CHECK_INT(count, 0);
	}
}

/* In the lower half: where the first packets are lost, none of them is the one with which sequence numbers begin again,
 * which a receiver of SRTP would not count. */
static void test_first_sequence_numbers(void)
{
	for (int i = 0; i < 64; i++) {
		struct dh_rtp_forward_config config = to_target();
		struct dh_rtp_forward *forward = forward_to(&config);
		for (int media = 0; media < 2; media++)
			CHECK(forward->seed.first_sequence[media] < 0x8000, "%d", forward->seed.first_sequence[media]);
		finish(&forward);
	}
}

static const struct check_test tests[] = {
	TEST(test_first_sequence_numbers),
	TEST(test_packets_come_as_they_are),
	TEST(test_hidden_key_frames),
	TEST(test_a_target_that_comes_back),
	TEST(test_a_full_socket),
	TEST(test_reports),
	TEST(test_requests_for_key_frames),
	TEST(test_srtp),
	TEST(test_away_and_back),
	TEST(test_srtp_for_those_who_come_back),
	TEST(test_no_network_yet),
	TEST(test_refusals),
};

int main(int argc, char **argv)
{
	return CHECK_MAIN(argc, argv, tests);
}
