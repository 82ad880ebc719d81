/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a dh-scope leaves behind that was itself killed.
 *
 * Its descendants are then nobody's, but they have inherited DH_SCOPE_MARK=MARKER in their
 * environment, unless they have removed it. It is looked for in /proc/PID/environ: reading that
 * may wait for the process, so this runs as a program of its own.
 */
#ifndef DH_SCOPE_SWEEP_H
#define DH_SCOPE_SWEEP_H

#include <stdbool.h>

/* Kills all processes with that marker, until none is left. False: after 5 s there still are
 * some. */
bool dh_scope_sweep(const char *marker);

#endif
