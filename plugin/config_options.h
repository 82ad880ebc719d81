/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Options of the configuration file as tables: their names, valid values, and where
 * they go. Every mistake is logged with category and option.
 */
#ifndef DH_CONFIG_OPTIONS_H
#define DH_CONFIG_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include <janus/config.h>

enum dh_option_type {
	DH_OPTION_TEXT,   /* char *, UTF-8; NULL where there is none */
	DH_OPTION_LIST,   /* char **, NULL-terminated; NULL where there is none */
	DH_OPTION_NUMBER, /* int64_t */
	DH_OPTION_FLAG,   /* int64_t, 0 or 1 */
	DH_OPTION_GROUPS, /* json_t *, an array of objects whose values are texts; NULL where there is none */
};

/* The last row of a table has no name. */
struct dh_option {
	const char *name;
	enum dh_option_type type;
	size_t offset;            /* in the struct that is filled */
	int64_t min, max, number; /* of numbers, with `number` the default; `max` of a text: bytes (0: any) */
	const char *text;         /* default of texts */
	bool required;
};

/* Rows of a table. The option has the name of its `field` in struct `where`. */
/* clang-format off */
#define DH_TEXT(where, field, value) { #field, DH_OPTION_TEXT, offsetof(where, field), 0, 0, 0, value, false }
#define DH_KEY(where, field, most)   { #field, DH_OPTION_TEXT, offsetof(where, field), 0, most, 0, NULL, false }
#define DH_NEEDED(where, field)      { #field, DH_OPTION_TEXT, offsetof(where, field), 0, 0, 0, NULL, true }
#define DH_LIST(where, field, need)  { #field, DH_OPTION_LIST, offsetof(where, field), 0, 0, 0, NULL, need }
#define DH_GROUPS(where, field)      { #field, DH_OPTION_GROUPS, offsetof(where, field), 0, 0, 0, NULL, false }
#define DH_FLAG(where, field, value) { #field, DH_OPTION_FLAG, offsetof(where, field), 0, 1, value, NULL, false }
#define DH_NUMBER(where, field, min, max, value) \
	{ #field, DH_OPTION_NUMBER, offsetof(where, field), min, max, value, NULL, false }
#define DH_OPTIONS_END { NULL, 0, 0, 0, 0, 0, NULL, false }
/* clang-format on */

/* Logs that `option` in `category` of `file` is wrong, and what was expected. Returns
 * -EINVAL. */
int dh_option_wrong(const char *file, const char *category, const char *option, const char *expected);

void dh_options_default(const struct dh_option *options, void *base);

/* Sets the fields of `base`, which holds the defaults, to the options given in
 * `category`. -EINVAL: at least one is wrong, unknown or missing; each was logged. */
int dh_options_read(const char *file, const janus_config_container *category, const struct dh_option *options,
	void *base);

/* Frees texts, lists and groups. */
void dh_options_clear(const struct dh_option *options, void *base);

#endif
