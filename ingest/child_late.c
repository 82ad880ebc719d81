/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "child_late.h"

#include <poll.h>

bool dh_child_is_starved(const struct dh_child *child, GSource *timer, int64_t *used_us, int limit_ms)
{
	int64_t before_us = *used_us, again_ms = MAX(limit_ms / 2, 1);
	bool is_runnable = dh_child_is_runnable(child, used_us);

	if (!is_runnable || (before_us >= 0 && *used_us - before_us > again_ms * 1000 / 4))
		return false;
	dh_io_timer_set(timer, again_ms);
	return true;
}

bool dh_child_has_news(int fd)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

	return poll(&poll_fd, 1, 0) > 0;
}
