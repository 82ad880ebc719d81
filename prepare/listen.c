/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dh-listen: makes PCM for a speech recogniser of the RTP that forward_microphones sends; docs/listen.md. A process of
 * its own, because what it decodes comes from strangers.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "listen_clients.h"
#include "listen_ear.h"

#define EARS_MAX       256
#define FORGET_TICKS   (30 * DH_TICKS_PER_SECOND) /* without a packet */
#define POLL_MS        100
#define PACKETS_A_TURN 64
#define LINE_MAX_BYTES 200

static const char hello[] = "{\"event\":\"hello\",\"version\":1,\"rate\":16000,\"channels\":1,\"format\":\"s16le\"}\n";

static const char help[] = "Usage: dh-listen --socket PATH [options]\n"
			   "Makes PCM for a speech recogniser of the sound of viewers, which a room forwards\n"
			   "with the request forward_microphones. Silence is left out; the voices of several viewers\n"
			   "come side by side.\n\n"
			   "  --socket PATH     the Unix socket on which recognisers connect\n"
			   "  --rtp PORT        where viewers' sound comes (default 5004)\n"
			   "  --reference PORT  where the room's own sound comes (default 5006)\n"
			   "  --address IP      the address of both (default 127.0.0.1)\n"
			   "  --viewers N       at a time, 1 to 256 (default 32)\n"
			   "  --clients N       recognisers, 1 to 16 (default 4)\n"
			   "  --all             silence is not left out\n"
			   "  -h, --help\n\n"
			   "Exit codes: 0 ended by a signal, 1 a socket cannot be made, 2 wrong option.\n";

struct listen {
	struct dh_recognisers *clients;
	struct dh_reference *reference;
	struct dh_ear *ears[EARS_MAX];
	int viewers;
	bool all;
	int rtp, reference_socket;
};

static volatile sig_atomic_t is_over;

static void on_signal(int number)
{
	(void)number;
	is_over = 1;
}

static int64_t now_ticks(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return dh_ticks_from_ns(now.tv_sec * INT64_C(1000000000) + now.tv_nsec);
}

/* Unix time of a moment of the monotonic clock, in milliseconds. */
static long long unix_ms(int64_t at_ticks)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000 - dh_ms_from_ticks(now_ticks() - at_ticks);
}

/* --- what is sent to recognisers */

static void say(struct listen *l, const char *event, uint32_t viewer, int64_t at_ticks)
{
	char line[LINE_MAX_BYTES];
	int size = snprintf(line, sizeof(line), "{\"event\":\"%s\",\"viewer\":%u,\"at_ms\":%lld}\n", event, viewer,
		unix_ms(at_ticks));

	dh_recognisers_send(l->clients, line, (size_t)size);
}

static void on_begin(void *arg, uint32_t viewer, int64_t at_ticks)
{
	say(arg, "speech", viewer, at_ticks);
}

static void on_end(void *arg, uint32_t viewer, int64_t at_ticks)
{
	say(arg, "silence", viewer, at_ticks);
}

static uint8_t *put_samples(uint8_t *at, const int16_t *samples)
{
	for (int i = 0; i < DH_EAR_FRAME; i++) {
		*at++ = (uint8_t)samples[i];
		*at++ = (uint8_t)((uint16_t)samples[i] >> 8);
	}
	return at;
}

static void on_frame(void *arg, uint32_t viewer, int64_t at_ticks, const int16_t *samples, const int16_t *reference)
{
	struct listen *l = arg;
	uint8_t message[LINE_MAX_BYTES + 4 * DH_EAR_FRAME];
	int size = snprintf((char *)message, LINE_MAX_BYTES,
		"{\"event\":\"sound\",\"viewer\":%u,\"at_ms\":%lld,\"bytes\":%d,\"reference_bytes\":%d}\n", viewer,
		unix_ms(at_ticks), 2 * DH_EAR_FRAME, 2 * DH_EAR_FRAME);

	if (!dh_recognisers_any(l->clients))
		return;
	put_samples(put_samples(message + size, samples), reference);
	dh_recognisers_send(l->clients, message, (size_t)size + 4 * DH_EAR_FRAME);
}

/* --- what comes */

static struct dh_ear *ear_of(struct listen *l, uint32_t viewer)
{
	static const struct dh_ear_sink sink = { on_begin, on_frame, on_end };
	int place = -1;

	for (int i = 0; i < l->viewers; i++) {
		if (l->ears[i] && dh_ear_viewer(l->ears[i]) == viewer)
			return l->ears[i];
		if (!l->ears[i] && place < 0)
			place = i;
	}
	if (place < 0)
		return NULL;
	l->ears[place] = dh_ear_new(viewer, l->reference, l->all, &sink, l);
	return l->ears[place];
}

static void take_sound(struct listen *l, const uint8_t *rtp, size_t size)
{
	uint32_t viewer = (uint32_t)rtp[8] << 24 | (uint32_t)rtp[9] << 16 | (uint32_t)rtp[10] << 8 | rtp[11];
	struct dh_ear *ear = ear_of(l, viewer);

	if (ear)
		dh_ear_push(ear, rtp, size, now_ticks());
}

static void receive(struct listen *l, int socket)
{
	uint8_t packet[2048];

	for (int i = 0; i < PACKETS_A_TURN; i++) {
		ssize_t size = recv(socket, packet, sizeof(packet), MSG_DONTWAIT);
		if (size < 0)
			return;
		if (size < 12)
			continue;
		if (socket == l->reference_socket)
			dh_reference_push(l->reference, packet, (size_t)size, now_ticks());
		else
			take_sound(l, packet, (size_t)size);
	}
}

static void look_after(struct listen *l)
{
	int64_t now = now_ticks();

	for (int i = 0; i < l->viewers; i++) {
		if (!l->ears[i])
			continue;
		dh_ear_poll(l->ears[i], now);
		if (now - dh_ear_last_ticks(l->ears[i]) > FORGET_TICKS)
			dh_ear_free(&l->ears[i]);
	}
}

static void run(struct listen *l)
{
	struct pollfd polls[2 + DH_LISTEN_CLIENTS_MAX + 1];

	while (!is_over) {
		polls[0] = (struct pollfd){ .fd = l->reference_socket, .events = POLLIN };
		polls[1] = (struct pollfd){ .fd = l->rtp, .events = POLLIN };
		int count = 2 + dh_recognisers_poll(l->clients, polls + 2);
		poll(polls, (nfds_t)count, POLL_MS);
		receive(l, l->reference_socket);
		receive(l, l->rtp);
		look_after(l);
		dh_recognisers_serve(l->clients, hello);
	}
}

/* --- start */

static int open_udp(const char *address, int port)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };
	bool is_v4 = inet_pton(AF_INET, address, &v4.sin_addr) == 1;
	const struct sockaddr *to = is_v4 ? (const struct sockaddr *)&v4 : (const struct sockaddr *)&v6;

	if (!is_v4 && inet_pton(AF_INET6, address, &v6.sin6_addr) != 1) {
		errno = EINVAL;
		return -1;
	}
	int fd = socket(to->sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && bind(fd, to, is_v4 ? sizeof(v4) : sizeof(v6)) < 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static int wrong(const char *name, const char *expected)
{
	fprintf(stderr, "dh-listen: --%s: %s is expected\n", name, expected);
	return 2;
}

static int number(const char *text, int min, int max)
{
	char *end = NULL;
	long value = strtol(text, &end, 10);

	return *text && !*end && value >= min && value <= max ? (int)value : -1;
}

struct options {
	const char *socket, *address;
	int rtp, reference, viewers, clients;
	bool all;
};

/* Negative: go on. Otherwise the exit code. */
static int read_options(int argc, char **argv, struct options *o)
{
	static const struct option names[] = { { "socket", required_argument, NULL, 's' },
		{ "rtp", required_argument, NULL, 'r' }, { "reference", required_argument, NULL, 'e' },
		{ "address", required_argument, NULL, 'a' }, { "viewers", required_argument, NULL, 'v' },
		{ "clients", required_argument, NULL, 'c' }, { "all", no_argument, NULL, 'l' },
		{ "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 } };
	int option;

	while ((option = getopt_long(argc, argv, "h", names, NULL)) != -1) {
		switch (option) {
		case 's':
			o->socket = optarg;
			break;
		case 'r':
			o->rtp = number(optarg, 1, 65535);
			break;
		case 'e':
			o->reference = number(optarg, 1, 65535);
			break;
		case 'a':
			o->address = optarg;
			break;
		case 'v':
			o->viewers = number(optarg, 1, EARS_MAX);
			break;
		case 'c':
			o->clients = number(optarg, 1, DH_LISTEN_CLIENTS_MAX);
			break;
		case 'l':
			o->all = true;
			break;
		case 'h':
			fputs(help, stdout);
			return 0;
		default:
			return 2;
		}
	}
	if (!o->socket || optind < argc)
		return wrong("socket", "a path, and nothing behind the options,");
	if (o->rtp < 0 || o->reference < 0)
		return wrong(o->rtp < 0 ? "rtp" : "reference", "a port from 1 to 65535");
	return o->viewers < 0 ? wrong("viewers", "1 to 256") : o->clients < 0 ? wrong("clients", "1 to 16") : -1;
}

/* What is ignored stays so, as in the background of a script. */
static void handle(int number)
{
	struct sigaction before;

	if (sigaction(number, NULL, &before) == 0 && before.sa_handler != SIG_IGN)
		sigaction(number, &(struct sigaction){ .sa_handler = on_signal }, NULL);
}

int main(int argc, char **argv)
{
	struct options o = { NULL, "127.0.0.1", 5004, 5006, 32, 4, false };
	static struct listen l;
	int code = read_options(argc, argv, &o);

	if (code >= 0)
		return code;
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	signal(SIGPIPE, SIG_IGN);
	handle(SIGTERM);
	handle(SIGINT);
	l.viewers = o.viewers;
	l.all = o.all;
	l.reference = dh_reference_new();
	l.rtp = open_udp(o.address, o.rtp);
	l.reference_socket = l.rtp < 0 ? -1 : open_udp(o.address, o.reference);
	if (!l.reference || l.rtp < 0 || l.reference_socket < 0) {
		fprintf(stderr, "dh-listen: %s, port %d: %s\n", o.address, l.rtp < 0 ? o.rtp : o.reference,
			strerror(errno));
		return 1;
	}
	int err = dh_recognisers_alloc(&l.clients, o.socket, o.clients);
	if (err) {
		fprintf(stderr, "dh-listen: %s: %s\n", o.socket, strerror(-err));
		return 1;
	}
	run(&l);
	for (int i = 0; i < EARS_MAX; i++)
		dh_ear_free(&l.ears[i]);
	dh_recognisers_free(&l.clients);
	dh_reference_free(&l.reference);
	return 0;
}
