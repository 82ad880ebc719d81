/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Closing a media file may wait for its file system, as reading it may. */
#ifndef DH_CLOSE_LATER_H
#define DH_CLOSE_LATER_H

#include "limits.h"
#include "loader.h"

/* Closes an envelope through the loader's openers, without waiting; anything else, such as
 * a pipe or an anonymous file, at once. Then gives the descriptor back to `limits`, unless
 * that is NULL. `loader` may be NULL if `fd` is no envelope. Any thread. */
void dh_close_later(struct dh_loader *loader, struct dh_limits *limits, int fd);

#endif
