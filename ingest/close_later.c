/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "close_later.h"

#include <fcntl.h>
#include <glib.h>
#include <limits.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

struct closing {
	int fd;
	struct dh_limits *limits; /* a reference, or NULL */
};

static bool step(void *arg)
{
	struct closing *closing = arg;

	close(closing->fd);
	if (closing->limits)
		dh_limits_add(closing->limits, DH_LIMIT_DESCRIPTORS, -1);
	return false;
}

static void late(void *arg)
{
	(void)arg;
}

/* If no step has run, the loader has ended: the descriptor stays open. */
static void release(void *arg)
{
	struct closing *closing = arg;

	dh_limits_unref(&closing->limits);
	g_free(closing);
}

static bool is_quick(int fd)
{
	socklen_t size = sizeof(int);
	int type;

	return fcntl(fd, F_GETPIPE_SZ) >= 0 || fcntl(fd, F_GET_SEALS) >= 0 ||
		getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0;
}

/* Without asking the device, unlike fstat. */
static uint64_t device_of(int fd)
{
	struct statx st;

	if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, 0, &st) < 0)
		return 0;
	return makedev(st.stx_dev_major, st.stx_dev_minor);
}

void dh_close_later(struct dh_loader *loader, struct dh_limits *limits, int fd)
{
	static const struct dh_loader_task task = { .step = step, .late = late, .release = release };
	struct closing *closing = g_new0(struct closing, 1);

	closing->fd = fd;
	closing->limits = limits ? dh_limits_ref(limits) : NULL;
	/* No time limit: what waits here is closed once the device answers again. */
	if (loader && !is_quick(fd) &&
		dh_loader_post(loader, DH_LANE_CLOSE, device_of(fd), INT_MAX, &task, closing) == 0)
		return;
	step(closing);
	release(closing);
}
