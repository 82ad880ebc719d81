/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Logging for the parts that know nothing of Janus.
 *
 * The plugin sets a function that passes lines to the gateway's log; without one they go to
 * standard error (tests). Never log a secret. Control characters in a line are replaced
 * (text.h).
 */
#ifndef DH_LOG_H
#define DH_LOG_H

#include <glib.h>

#define DH_LOG_LINE_MAX 2000 /* bytes; a longer line is cut */

enum dh_log_level { DH_LOG_ERROR, DH_LOG_WARNING, DH_LOG_INFO, DH_LOG_DEBUG };

/* `text` is one line of UTF-8, without the newline. Called from any thread. */
typedef void dh_log_fn(enum dh_log_level level, const char *text);

/* Call once, before there are threads. NULL: back to standard error. */
void dh_log_set(dh_log_fn *log);

void dh_log(enum dh_log_level level, const char *format, ...) G_GNUC_PRINTF(2, 3);

#endif
