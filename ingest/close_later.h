/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Closing a media file may wait for its file system, as reading it may. */
#ifndef DH_CLOSE_LATER_H
#define DH_CLOSE_LATER_H

#include "limits.h"
#include "loader.h"

/* Closes `fd` in a lane of its device, and then gives its descriptor back to `limits`, unless
 * that is NULL. Pipes, sockets and anonymous files are closed at once, and so is everything
 * if `loader` is NULL or takes no more tasks. Any thread. */
void dh_close_later(struct dh_loader *loader, struct dh_limits *limits, int fd);

#endif
