/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Copies a generator's standard error to the gateway's log, each line prefixed with a name,
 * rate-limited and limited in total. What is dropped is counted, and the count is logged.
 *
 * I/O thread only.
 */
#ifndef DH_GENERATOR_LOG_H
#define DH_GENERATOR_LOG_H

#include "io.h"

/* Lines per second, lines in total (of one that stays: in ten minutes), and bytes per line; the
 * rest is dropped. */
#define DH_GENERATOR_LINES_PER_S 10
#define DH_GENERATOR_LINES       100
#define DH_GENERATOR_LINES_US    INT64_C(600000000)
#define DH_GENERATOR_LINE_BYTES  400

struct dh_generator_log;

/* `who` is the prefix of each line; copied. `stays`: so does the generator. *fd is the write end;
 * the caller owns it. Negative errno. */
int dh_generator_log_alloc(struct dh_generator_log **log, struct dh_io *io, const char *who, bool stays, int *fd);

/* Logs what is left in the pipe. *log may be NULL. */
void dh_generator_log_free(struct dh_generator_log **log);

/* The same; returns the last line that was not empty (g_free it), not yet made safe; NULL if
 * there was none. */
char *dh_generator_log_end(struct dh_generator_log **log);

#endif
