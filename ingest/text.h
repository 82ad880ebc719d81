/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Texts from outside, made fit for a log line or an answer. Any thread. */
#ifndef DH_TEXT_H
#define DH_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Whether there is a control character: U+0000 to U+001F, U+007F to U+009F,
 * and the line and paragraph separators U+2028 and U+2029. `text` is UTF-8. */
bool dh_text_has_controls(const char *text);

/* `text`, any bytes, as one line of valid UTF-8 of at most `max_bytes` (at least
 * 4): white space that is a control character becomes a space, every other
 * control character and every wrong byte U+FFFD. A longer text is cut between
 * two characters and ends in "…". For the caller (g_free it). */
char *dh_text_line(const char *text, size_t max_bytes);

#endif
