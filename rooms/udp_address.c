/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "udp_address.h"

#include <arpa/inet.h>
#include <string.h>

bool dh_udp_address(struct sockaddr_storage *to, socklen_t *size, const char *host, int port)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)to;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)to;

	memset(to, 0, sizeof(*to));
	if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons((uint16_t)port);
		*size = sizeof(*v4);
		return true;
	}
	if (inet_pton(AF_INET6, host, &v6->sin6_addr) != 1)
		return false;
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons((uint16_t)port);
	*size = sizeof(*v6);
	return true;
}
