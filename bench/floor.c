/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What one packet to one viewer costs at least: srtp_protect and sendto, with a session and a destination for each
 * viewer.
 *
 *     floor VIEWERS PACKETS SIZE ADDRESS      prints nanoseconds of processor time per packet
 *
 * Sending includes that the kernel delivers the packet to a socket on this machine, as in the measurements beside it.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <srtp2/srtp.h>

#define HEADER      12
#define PACKET_MAX  1400
#define TRAILER     16 /* what SRTP adds, and more */
#define VIEWERS_MAX 1000

struct viewer {
	srtp_t session;
	int socket, receiver;
	struct sockaddr_in to;
};

static int open_viewer(struct viewer *viewer, const char *address)
{
	static unsigned char key[30] = { 1, 2, 3 };
	srtp_policy_t policy = { .ssrc = { .type = ssrc_any_outbound }, .key = key, .window_size = 1024 };
	socklen_t size = sizeof viewer->to;

	srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtp);
	srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtcp);
	viewer->socket = socket(AF_INET, SOCK_DGRAM, 0);
	viewer->receiver = socket(AF_INET, SOCK_DGRAM, 0);
	viewer->to.sin_family = AF_INET;
	return srtp_create(&viewer->session, &policy) || inet_pton(AF_INET, address, &viewer->to.sin_addr) != 1 ||
		bind(viewer->receiver, (const struct sockaddr *)&viewer->to, size) ||
		getsockname(viewer->receiver, (struct sockaddr *)&viewer->to, &size);
}

static int send_one(struct viewer *viewer, unsigned sequence, int size)
{
	_Alignas(8) unsigned char packet[PACKET_MAX + TRAILER] = { 0x80, 96, (unsigned char)(sequence >> 8),
		(unsigned char)sequence, [11] = 1 };

	if (srtp_protect(viewer->session, packet, &size))
		return -1;
	return sendto(viewer->socket, packet, (size_t)size, 0, (const struct sockaddr *)&viewer->to,
		       sizeof viewer->to) < 0;
}

static double used_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void drain(struct viewer *viewers, int count)
{
	char rubbish[2048];

	for (int i = 0; i < count; i++)
		while (recv(viewers[i].receiver, rubbish, sizeof rubbish, MSG_DONTWAIT) >= 0)
			;
}

int main(int argc, char **argv)
{
	static struct viewer viewers[VIEWERS_MAX];
	int count = argc == 5 ? atoi(argv[1]) : 0, packets = argc == 5 ? atoi(argv[2]) : 0;
	int size = argc == 5 ? atoi(argv[3]) : 0;
	double used = 0;

	if (count < 1 || count > VIEWERS_MAX || packets < 1 || size <= HEADER || size > PACKET_MAX) {
		fputs("usage: floor VIEWERS PACKETS SIZE ADDRESS\n", stderr);
		return 2;
	}
	srtp_init();
	for (int i = 0; i < count; i++) {
		if (open_viewer(&viewers[i], argv[4])) {
			fputs("floor: a viewer could not be opened\n", stderr);
			return 1;
		}
	}
	for (int n = 0; n < packets; n++) {
		double begun = used_ns();
		for (int i = 0; i < count; i++) {
			if (send_one(&viewers[i], (unsigned)n, size)) {
				perror("floor");
				return 1;
			}
		}
		used += used_ns() - begun;
		drain(viewers, count);
	}
	printf("%.0f\n", used / packets / count);
	return 0;
}
