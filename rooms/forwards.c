/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "forwards.h"

#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host.h"
#include "udp_address.h"

#define HEADER      12u
#define PAYLOAD_MAX 1500u

struct forward {
	guint id;     /* 0: none */
	guint viewer; /* 0: all */
	char host[INET6_ADDRSTRLEN];
	int port, reference_port;
	int socket;
	struct sockaddr_storage to, reference_to;
	socklen_t size;
	uint16_t sequence; /* of the reference */
	uint64_t packets, bytes, dropped;
};

struct dh_forwards {
	atomic_int count; /* so that nothing is locked where there are none */
	pthread_mutex_t lock;
	guint last;
	struct forward all[DH_FORWARDS_MAX];
};

/* Priority inheritance: a room's thread must not wait for an ordinary one that is preempted. */
struct dh_forwards *dh_forwards_new(void)
{
	struct dh_forwards *forwards = g_new0(struct dh_forwards, 1);
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
	pthread_mutex_init(&forwards->lock, &attr);
	pthread_mutexattr_destroy(&attr);
	return forwards;
}

void dh_forwards_free(struct dh_forwards **forwards)
{
	struct dh_forwards *old = *forwards;

	*forwards = NULL;
	if (!old)
		return;
	for (int i = 0; i < DH_FORWARDS_MAX; i++) {
		if (old->all[i].id)
			close(old->all[i].socket);
	}
	pthread_mutex_destroy(&old->lock);
	g_free(old);
}

/* --- changes */

static struct forward *find(struct dh_forwards *forwards, guint id)
{
	for (int i = 0; i < DH_FORWARDS_MAX; i++) {
		if (forwards->all[i].id == id)
			return &forwards->all[i];
	}
	return NULL;
}

int dh_forwards_add(struct dh_forwards *forwards, const char *host, int port, int reference_port, guint viewer,
	guint *id)
{
	struct forward new = { .viewer = viewer, .port = port, .reference_port = reference_port };

	g_strlcpy(new.host, host, sizeof(new.host));
	if (!dh_udp_address(&new.to, &new.size, host, port) ||
		!dh_udp_address(&new.reference_to, &new.size, host, reference_port))
		return -EINVAL;
	new.socket = socket(new.to.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (new.socket < 0)
		return -errno;
	pthread_mutex_lock(&forwards->lock);
	struct forward *place = find(forwards, 0);
	if (place) {
		*id = new.id = ++forwards->last;
		*place = new;
		atomic_fetch_add(&forwards->count, 1);
	}
	pthread_mutex_unlock(&forwards->lock);
	if (!place)
		close(new.socket);
	return place ? 0 : -ENOBUFS;
}

guint dh_forwards_make_id(struct dh_forwards *forwards)
{
	pthread_mutex_lock(&forwards->lock);
	guint id = ++forwards->last;
	pthread_mutex_unlock(&forwards->lock);
	return id;
}

int dh_forwards_remove(struct dh_forwards *forwards, guint id)
{
	int socket = -1;

	pthread_mutex_lock(&forwards->lock);
	struct forward *place = id ? find(forwards, id) : NULL;
	if (place) {
		socket = place->socket;
		memset(place, 0, sizeof(*place));
		atomic_fetch_sub(&forwards->count, 1);
	}
	pthread_mutex_unlock(&forwards->lock);
	if (socket >= 0)
		close(socket);
	return socket >= 0 ? 0 : -ENOENT;
}

static json_t *forward_json(const struct forward *forward)
{
	json_t *json = json_pack("{s:I, s:s, s:s, s:i, s:I, s:I, s:I}", "stream_id", (json_int_t)forward->id, "of",
		"microphones", "host", forward->host, "port", forward->port, "packets", (json_int_t)forward->packets,
		"bytes", (json_int_t)forward->bytes, "dropped", (json_int_t)forward->dropped);

	if (forward->viewer)
		json_object_set_new(json, "viewer", json_integer((json_int_t)forward->viewer));
	if (forward->reference_port)
		json_object_set_new(json, "reference_port", json_integer(forward->reference_port));
	return json;
}

json_t *dh_forwards_json(struct dh_forwards *forwards)
{
	struct forward copy[DH_FORWARDS_MAX];
	json_t *list = json_array();

	pthread_mutex_lock(&forwards->lock);
	memcpy(copy, forwards->all, sizeof(copy));
	pthread_mutex_unlock(&forwards->lock);
	for (int i = 0; i < DH_FORWARDS_MAX; i++) {
		if (copy[i].id)
			json_array_append_new(list, forward_json(&copy[i]));
	}
	return list;
}

/* --- packets */

static void put32(uint8_t *at, uint32_t value)
{
	const uint32_t big = htonl(value);

	memcpy(at, &big, sizeof(big));
}

/* The lock is held. */
static void send_packet(struct forward *forward, const struct sockaddr_storage *to, const uint8_t *packet, size_t size)
{
	if (sendto(forward->socket, packet, size, MSG_DONTWAIT | MSG_NOSIGNAL, (const struct sockaddr *)to,
		    forward->size) < 0) {
		forward->dropped++;
	} else {
		forward->packets++;
		forward->bytes += size;
	}
}

void dh_forwards_sound(struct dh_forwards *forwards, guint viewer, const uint8_t *rtp, const uint8_t *payload,
	size_t size)
{
	uint8_t packet[HEADER + PAYLOAD_MAX];

	if (!atomic_load_explicit(&forwards->count, memory_order_relaxed) || size > PAYLOAD_MAX)
		return;
	memcpy(packet, rtp, HEADER);
	packet[0] = 0x80;
	packet[1] = (uint8_t)((rtp[1] & 0x80) | DH_PAYLOAD_TYPE_OPUS);
	put32(packet + 8, viewer);
	memcpy(packet + HEADER, payload, size);
	pthread_mutex_lock(&forwards->lock);
	for (int i = 0; i < DH_FORWARDS_MAX; i++) {
		struct forward *forward = &forwards->all[i];
		if (forward->id && (!forward->viewer || forward->viewer == viewer))
			send_packet(forward, &forward->to, packet, HEADER + size);
	}
	pthread_mutex_unlock(&forwards->lock);
}

void dh_forwards_reference(struct dh_forwards *forwards, uint32_t timestamp, const uint8_t *payload, size_t size)
{
	uint8_t packet[HEADER + PAYLOAD_MAX] = { 0x80, DH_PAYLOAD_TYPE_OPUS };

	if (!atomic_load_explicit(&forwards->count, memory_order_relaxed) || size > PAYLOAD_MAX)
		return;
	put32(packet + 4, timestamp);
	memcpy(packet + HEADER, payload, size);
	pthread_mutex_lock(&forwards->lock);
	for (int i = 0; i < DH_FORWARDS_MAX; i++) {
		struct forward *forward = &forwards->all[i];
		if (!forward->id || !forward->reference_port)
			continue;
		packet[2] = (uint8_t)(forward->sequence >> 8);
		packet[3] = (uint8_t)forward->sequence++;
		send_packet(forward, &forward->reference_to, packet, HEADER + size);
	}
	pthread_mutex_unlock(&forwards->lock);
}
