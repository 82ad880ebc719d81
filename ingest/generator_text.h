/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A generator's standard input: a whole text, or one that is still being written.
 *
 * I/O thread only.
 */
#ifndef DH_GENERATOR_TEXT_H
#define DH_GENERATOR_TEXT_H

#include <stdbool.h>

#include "io.h"

struct dh_generator_text;

/* *fd is what the generator reads; the caller owns it. With `is_open`, more text may be
 * added; then it is a socket, otherwise an anonymous file with a known size. Negative errno. */
int dh_generator_text_alloc(struct dh_generator_text **text, struct dh_io *io, const char *first, bool is_open,
	int *fd);
void dh_generator_text_free(struct dh_generator_text **text); /* *text may be NULL */

/* Never waits: what the generator has not read yet is kept. With `is_last`, its standard
 * input ends after `more`. Does nothing if it has ended. */
void dh_generator_text_add(struct dh_generator_text *text, const char *more, bool is_last);

#endif
