/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Makes text from outside fit for a log line or an answer. Any thread. */
#ifndef DH_TEXT_H
#define DH_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Whether it contains a control character: U+0000 to U+001F, U+007F to U+009F, or the line
 * and paragraph separators U+2028 and U+2029. `text` is UTF-8. */
bool dh_text_has_controls(const char *text);

/* The last place at or before `at` where a text may be cut: between two characters as people see
 * them, and not within a family of emoji, a flag or a letter with its marks. Where there is none,
 * `at`, which is a place between two code points. */
const char *dh_text_cut(const char *text, const char *at);

/* Turns any bytes into one line of valid UTF-8 of at most `max_bytes` (at least 4). Line
 * breaks and tabs become spaces; other control characters and invalid bytes become U+FFFD.
 * A longer text is cut between two characters and ends in "…". g_free the result. */
char *dh_text_line(const char *text, size_t max_bytes);

#endif
