/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "close_later.h"

#include <sys/socket.h>
#include <unistd.h>

static bool is_envelope(int fd)
{
	socklen_t size = sizeof(int);
	int type;

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_SEQPACKET;
}

void dh_close_later(struct dh_loader *loader, struct dh_limits *limits, int fd)
{
	if (loader && is_envelope(fd))
		dh_openers_close(dh_loader_openers(loader), fd);
	else
		close(fd);
	if (limits)
		dh_limits_add(limits, DH_LIMIT_DESCRIPTORS, -1);
}
