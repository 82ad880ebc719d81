/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a generator says on its standard error, in the gateway's log: each line
 * with a name before it, so many a second and so many in all. What is left out
 * is counted, and the count logged.
 *
 * Everything here belongs to the I/O thread.
 */
#ifndef DH_GENERATOR_LOG_H
#define DH_GENERATOR_LOG_H

#include "io.h"

/* Lines a second, lines in all, and bytes of a line: more is left out. */
#define DH_GENERATOR_LINES_PER_S 10
#define DH_GENERATOR_LINES       100
#define DH_GENERATOR_LINE_BYTES  400

struct dh_generator_log;

/* `who` begins each line; copied. *fd is the end to write to, the caller's. Negative errno. */
int dh_generator_log_alloc(struct dh_generator_log **log, struct dh_io *io, const char *who, int *fd);

/* Logs what is still in the pipe. *log may be NULL. */
void dh_generator_log_free(struct dh_generator_log **log);

#endif
