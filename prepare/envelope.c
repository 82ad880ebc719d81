/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "envelope.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

union space {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(int))];
};

int dh_envelope_send(int socket, const void *head, size_t head_size, const void *body, size_t body_size, int fd,
	int flags)
{
	struct iovec parts[2] = { { (void *)head, head_size }, { (void *)body, body_size } };
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = body_size > 0 ? 2 : 1 };
	union space space;
	ssize_t n;

	memset(&space, 0, sizeof space);
	if (fd >= 0) {
		message.msg_control = space.bytes;
		message.msg_controllen = sizeof space.bytes;
		struct cmsghdr *header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof fd);
		memcpy(CMSG_DATA(header), &fd, sizeof fd);
	}
	do
		n = sendmsg(socket, &message, flags | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

ssize_t dh_envelope_receive(int socket, void *head, size_t head_size, void *body, size_t body_size, int *fd, int flags)
{
	struct iovec parts[2] = { { head, head_size }, { body, body_size } };
	union space space;
	struct msghdr message = { .msg_iov = parts,
		.msg_iovlen = body_size > 0 ? 2 : 1,
		.msg_control = space.bytes,
		.msg_controllen = sizeof space.bytes };
	const struct cmsghdr *header;
	ssize_t n;

	*fd = -1;
	do
		n = recvmsg(socket, &message, flags | MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	header = CMSG_FIRSTHDR(&message);
	if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS &&
		header->cmsg_len == CMSG_LEN(sizeof *fd))
		memcpy(fd, CMSG_DATA(header), sizeof *fd);
	if (!(message.msg_flags & MSG_CTRUNC))
		return n;
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	return -EMFILE;
}

int dh_envelope_seal(int fd)
{
	int ends[2], err;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	err = dh_envelope_send(ends[1], "", 1, NULL, 0, fd, MSG_DONTWAIT);
	close(ends[1]);
	if (err == 0)
		return ends[0];
	close(ends[0]);
	return err;
}

int dh_envelope_look(int envelope)
{
	char byte;
	int fd;
	ssize_t n = dh_envelope_receive(envelope, &byte, 1, NULL, 0, &fd, MSG_PEEK | MSG_DONTWAIT);

	if (n < 0)
		return (int)n;
	return fd < 0 ? -EBADMSG : fd;
}

int dh_envelope_open(int *fd)
{
	socklen_t size = sizeof(int);
	int type, inside;

	if (getsockopt(*fd, SOL_SOCKET, SO_TYPE, &type, &size) < 0 || type != SOCK_SEQPACKET)
		return 0;
	inside = dh_envelope_look(*fd);
	if (inside < 0)
		return inside;
	close(*fd);
	*fd = inside;
	return 0;
}
