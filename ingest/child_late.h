/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether a child that has said nothing for too long is to blame for it. I/O thread only. */
#ifndef DH_CHILD_LATE_H
#define DH_CHILD_LATE_H

#include "child.h"

/* One that is late because it gets no processor, on a machine that is too busy, will come: if it
 * were killed, the next one would be as late. It is looked at again after a while, by `timer`, and
 * is starved if it has had less than a quarter of a processor since. *used_us: -1 at first. */
bool dh_child_is_starved(const struct dh_child *child, GSource *timer, int64_t *used_us, int limit_ms);

/* Whether there is something to read. When this whole process was stopped, what a child wrote
 * meanwhile is found at the same time as its silence. */
bool dh_child_has_news(int fd);

#endif
