/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Children of which nobody hears any more. */
#ifndef DH_CHILD_UNWATCHED_H
#define DH_CHILD_UNWATCHED_H

#include <sys/types.h>

#include "io.h"

/* Reaps a killed child that has no pidfd once it has ended, in the I/O thread, which does not wait for it. Any
 * thread. */
void dh_child_reap_later(struct dh_io *io, pid_t pid);

#endif
