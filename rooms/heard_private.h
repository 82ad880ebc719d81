/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is inside a script, for heard.c and heard_text.c. */
#ifndef DH_HEARD_PRIVATE_H
#define DH_HEARD_PRIVATE_H

#include "heard.h"

#include <stdatomic.h>
#include <stdbool.h>

#include <glib.h>

struct word {
	size_t begin, end; /* in the text, `end` behind its punctuation; equal: the text lacks it */
	size_t spelt;      /* where it is in `spelt` */
	int64_t from_ticks, to_ticks;
};

struct dh_script {
	atomic_int refs;
	bool is_text_given; /* otherwise it consists of the words */
	bool is_fixed;      /* it was made with words */
	bool is_cut;        /* the rest of the text is somebody else's */
	GString *text;
	GString *spelt; /* the words as they were given, each with its NUL */
	GArray *words;  /* struct word */
	size_t at;      /* where to look for the next word */
	size_t missed;  /* the length of the words since then that were not found */
	bool has_found; /* a word in the text */
};

/* Whether a word that is spelt so stands apart from the text before it. */
bool dh_script_needs_space(const GString *text, const char *spelt);

#endif
