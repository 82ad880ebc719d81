/* Options of the configuration file as tables: what they are called, what they
 * may be, where they go. Everything that is wrong is logged with category and
 * option.
 */
#ifndef DH_OPTIONS_H
#define DH_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include <janus/config.h>

enum dh_option_type {
	DH_OPTION_TEXT,   /* char *, UTF-8; NULL where there is none */
	DH_OPTION_LIST,   /* char **, NULL-terminated; NULL where there is none */
	DH_OPTION_NUMBER, /* int64_t */
	DH_OPTION_FLAG,   /* int64_t, 0 or 1 */
};

/* The last one of a table has no name. */
struct dh_option {
	const char *name;
	enum dh_option_type type;
	size_t offset;              /* in the struct that is filled */
	int64_t min, max, number;   /* of numbers; `number` is the default; of a text its most bytes (0: any) */
	const char *text;           /* default of texts */
	gboolean required;
};

/* Logs that `option` in `category` is wrong, and what was expected; -EINVAL. */
int dh_option_wrong(const char *category, const char *option, const char *expected);

void dh_options_default(const struct dh_option *options, void *base);

/* Fills `base`, which has its defaults, from `category`: everything that is
 * given, and nothing that is not an option. -EINVAL: at least one is wrong. */
int dh_options_read(const janus_config_container *category, const struct dh_option *options, void *base);

/* Frees texts and lists. */
void dh_options_free(const struct dh_option *options, void *base);

#endif
