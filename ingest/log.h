/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Log lines of the parts that know nothing of Janus.
 *
 * The plugin sets a function that hands them to the gateway's log; without one
 * they go to standard error (tests). A line never holds a secret,
 * and whatever it quotes, no control character (text.h).
 */
#ifndef DH_LOG_H
#define DH_LOG_H

#include <glib.h>

#define DH_LOG_LINE_MAX 2000 /* bytes; a longer line is cut */

enum dh_log_level { DH_LOG_ERROR, DH_LOG_WARNING, DH_LOG_INFO, DH_LOG_DEBUG };

/* `text` is one line of UTF-8 without its end. Called from any thread. */
typedef void dh_log_fn(enum dh_log_level level, const char *text);

/* Once, before there are threads; NULL: standard error again. */
void dh_log_set(dh_log_fn *log);

void dh_log(enum dh_log_level level, const char *format, ...) G_GNUC_PRINTF(2, 3);

#endif
