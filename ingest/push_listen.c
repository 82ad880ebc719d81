/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "push_listen.h"

#include <errno.h>
#include <grp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <glib.h>

#define BACKLOG 1024
/* What a sender may write ahead of us for a segment that is not read yet. The kernel doubles it. */
#define RECEIVE_BYTES (128 * 1024)
#define NO_GROUP      ((gid_t)-1)

static int fail(char **error, int err, const char *option, const char *value)
{
	*error = g_strdup_printf("%s: %s: %s", option, value, g_strerror(-err));
	return err;
}

/* --- TCP */

/* Numbers only: "HOST:PORT" or "[HOST]:PORT". NULL if it is not. */
static struct addrinfo *resolve(const char *address)
{
	const struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
		.ai_socktype = SOCK_STREAM };
	const char *colon = strrchr(address, ':');
	struct addrinfo *found = NULL;
	char *host, *end;

	if (!colon || !g_ascii_isdigit(colon[1]))
		return NULL;
	long port = strtol(colon + 1, &end, 10);
	if (port < 1 || port > 65535 || *end)
		return NULL;
	bool is_bracketed = *address == '[' && colon > address + 1 && colon[-1] == ']';
	host = is_bracketed ? g_strndup(address + 1, (gsize)(colon - address) - 2) :
			      g_strndup(address, (gsize)(colon - address));
	bool is_valid = *host && (is_bracketed || !strchr(host, ':'));
	if (is_valid && getaddrinfo(host, colon + 1, &hints, &found))
		found = NULL;
	g_free(host);
	return found;
}

static bool is_loopback(const struct addrinfo *address)
{
	if (address->ai_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)(const void *)address->ai_addr)->sin6_addr);
	const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)address->ai_addr;
	return ntohl(in->sin_addr.s_addr) >> 24 == 127;
}

bool dh_push_address_is_valid(const char *address, bool *is_public)
{
	struct addrinfo *found = resolve(address);

	if (!found)
		return false;
	*is_public = !is_loopback(found);
	freeaddrinfo(found);
	return true;
}

static int listen_on(const struct addrinfo *address)
{
	const int on = 1, bytes = RECEIVE_BYTES;
	int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), err;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes); /* accepted sockets inherit it */
	if (bind(fd, address->ai_addr, address->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	err = -errno;
	close(fd);
	return err;
}

int dh_push_listen_tcp(const char *address, char **error)
{
	struct addrinfo *found = resolve(address);
	int fd = found ? listen_on(found) : -EINVAL;

	if (found)
		freeaddrinfo(found);
	return fd < 0 ? fail(error, fd, DH_PUSH_LISTEN_OPTION, address) : fd;
}

/* --- Unix */

/* A gateway that was killed leaves its socket file behind. */
static void remove_stale(const struct sockaddr_un *address)
{
	struct stat st;
	int fd;

	if (lstat(address->sun_path, &st) < 0 || !S_ISSOCK(st.st_mode))
		return;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof *address) < 0 && errno == ECONNREFUSED)
		unlink(address->sun_path);
	if (fd >= 0)
		close(fd);
}

/* Nobody may connect between bind and this. */
static int admit(const char *path, int mode, gid_t group)
{
	if (group != NO_GROUP && chown(path, (uid_t)-1, group) < 0)
		return -errno;
	return chmod(path, (mode_t)mode) < 0 ? -errno : 0;
}

static int bind_local(int fd, const struct sockaddr_un *address, int mode, gid_t group)
{
	int err;

	if (fchmod(fd, 0) < 0) /* of the file that bind makes */
		return -errno;
	remove_stale(address);
	if (bind(fd, (const struct sockaddr *)address, sizeof *address) < 0)
		return -errno;
	err = admit(address->sun_path, mode, group);
	if (!err && listen(fd, BACKLOG) < 0)
		err = -errno;
	if (err)
		unlink(address->sun_path);
	return err;
}

int dh_push_listen_local(const char *path, int mode, const char *group, char **error)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const struct group *found = group ? getgrnam(group) : NULL;
	int fd, err;

	if (strlen(path) >= sizeof address.sun_path)
		return fail(error, -ENAMETOOLONG, DH_PUSH_SOCKET_OPTION, path);
	if (group && !found) {
		*error = g_strdup_printf("%s: %s: there is no such group", DH_PUSH_GROUP_OPTION, group);
		return -EINVAL;
	}
	memcpy(address.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	err = fd < 0 ? -errno : bind_local(fd, &address, mode, found ? found->gr_gid : NO_GROUP);
	if (err == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return fail(error, err, DH_PUSH_SOCKET_OPTION, path);
}
