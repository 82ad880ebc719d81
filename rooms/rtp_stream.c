/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rtp_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <netinet/in.h>

#include "udp_address.h"

static int open_socket(int family)
{
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	return fd < 0 ? -errno : fd;
}

/* When a machine starts, Janus may be up before the network is; and that may go and come. */
static bool may_come(int err)
{
	return err == -ENETUNREACH || err == -EHOSTUNREACH || err == -ENETDOWN || err == -EADDRNOTAVAIL;
}

int dh_rtp_stream_connect(struct dh_rtp_stream *stream, const char *host)
{
	struct sockaddr_storage to;
	socklen_t size;

	if (!dh_udp_address(&to, &size, host, stream->target.port))
		return -EINVAL;
	if (connect(stream->socket, (const struct sockaddr *)&to, size) < 0)
		return -errno;
	stream->is_connected = true;
	return 0;
}

static int open_rtp(struct dh_rtp_stream *stream, const char *host, bool is_permanent)
{
	stream->socket = open_socket(strchr(host, ':') ? AF_INET6 : AF_INET);
	if (stream->socket < 0)
		return stream->socket;
	int err = dh_rtp_stream_connect(stream, host);
	return is_permanent && may_come(err) ? 0 : err;
}

void dh_rtp_stream_find_way(struct dh_rtp_stream *stream, const char *host)
{
	struct dh_rtp_stream other = { .target = stream->target };
	int err = open_rtp(&other, host, false);

	if (!err && dup3(other.socket, stream->socket, O_CLOEXEC) >= 0)
		stream->has_lost_way = false;
	if (other.socket >= 0)
		close(other.socket);
}

/* Not connected: who answers may do so from another port. */
static int open_rtcp(struct dh_rtp_stream *stream, const char *host)
{
	struct sockaddr_storage own;
	socklen_t size = sizeof(own);

	memset(&own, 0, sizeof(own));
	dh_udp_address(&stream->rtcp_to, &stream->rtcp_to_size, host, stream->target.rtcp_port);
	stream->rtcp_socket = open_socket(stream->rtcp_to.ss_family);
	if (stream->rtcp_socket < 0)
		return stream->rtcp_socket;
	own.ss_family = stream->rtcp_to.ss_family;
	if (bind(stream->rtcp_socket, (const struct sockaddr *)&own, stream->rtcp_to_size) < 0 ||
		getsockname(stream->rtcp_socket, (struct sockaddr *)&own, &size) < 0)
		return -errno;
	stream->local_rtcp_port = ntohs(own.ss_family == AF_INET6 ? ((const struct sockaddr_in6 *)&own)->sin6_port :
								    ((const struct sockaddr_in *)&own)->sin_port);
	return 0;
}

int dh_rtp_stream_open(struct dh_rtp_stream *stream, const char *host, bool is_permanent)
{
	int err = stream->target.port ? open_rtp(stream, host, is_permanent) : 0;

	return !err && stream->target.port && stream->target.rtcp_port ? open_rtcp(stream, host) : err;
}

void dh_rtp_stream_close(struct dh_rtp_stream *stream)
{
	if (stream->socket >= 0)
		close(stream->socket);
	if (stream->rtcp_socket >= 0)
		close(stream->rtcp_socket);
	stream->socket = stream->rtcp_socket = -1;
}

bool dh_rtp_stream_has_way(struct dh_rtp_stream *stream)
{
	stream->counts.unreachable += !stream->is_connected;
	return stream->is_connected;
}

/* A socket that is connected tells of a refusal instead of sending the next packet, which then is sent all the same:
 * somebody may listen by now. */
bool dh_rtp_stream_send(struct dh_rtp_stream *stream, const uint8_t *packet, size_t size)
{
	ssize_t sent = send(stream->socket, packet, size, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (sent < 0 && errno == ECONNREFUSED) {
		stream->counts.refused++;
		sent = send(stream->socket, packet, size, MSG_DONTWAIT | MSG_NOSIGNAL);
	}
	stream->has_lost_way = sent < 0 && may_come(-errno);
	stream->counts.unreachable += stream->has_lost_way;
	return sent >= 0;
}
