/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Processes that cannot be reaped, killed or not, as if they waited for a disk. */
#ifndef DH_HELD_H
#define DH_HELD_H

#include <stdbool.h>
#include <sys/types.h>

/* Whether processes can be traced here. */
bool can_hold(void);
/* Another process holds these as a debugger does: a signal stops them, and once killed they stay
 * zombies until it lets go. Returns that process; negative: it cannot. */
pid_t hold(const pid_t *held, int count, int *let_go);
/* They go on, or end if they have been killed. */
void release_held(pid_t holder, int let_go);

#endif
