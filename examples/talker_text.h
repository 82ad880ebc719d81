/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The text as it comes: from the command line, or from standard input while somebody still
 * writes it. It is handed on in whole sentences, all that are there at a time, so that the
 * first is spoken before the last is written.
 */
#ifndef DH_TALKER_TEXT_H
#define DH_TALKER_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#define DH_TEXT_MAX 10000 /* bytes, all pieces together */

struct dh_text {
	int fd; /* -1: nothing more comes */
	char bytes[DH_TEXT_MAX + 2];
	size_t length; /* bytes that are there */
	size_t taken;  /* bytes handed on */
	char after;    /* what stood behind the piece that was handed on */
};

/* From `fd`, */
void dh_text_read_from(struct dh_text *text, int fd);
/* or the words of a command line. 0, or an exit code that was reported. */
int dh_text_set(struct dh_text *text, int count, char **words);

/* Whether dh_text_next returns at once. */
bool dh_text_is_ready(struct dh_text *text);

/* Waits for the next sentences. *piece is UTF-8, valid until the next call; NULL: the text has
 * ended. 0, or an exit code that was reported: too long, not UTF-8, or (at its end) nothing
 * but spaces. */
int dh_text_next(struct dh_text *text, const char **piece);

#endif
