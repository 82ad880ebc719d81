/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/udp_port.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "tests/support/check.h"

int udp_port_open(int *port)
{
	struct sockaddr_in own = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const struct timeval patience = { .tv_sec = 60 };
	socklen_t size = sizeof(own);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	CHECK_INT(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
	CHECK_INT(bind(fd, (const struct sockaddr *)&own, sizeof(own)), 0);
	CHECK_INT(getsockname(fd, (struct sockaddr *)&own, &size), 0);
	*port = ntohs(own.sin_port);
	return fd;
}
