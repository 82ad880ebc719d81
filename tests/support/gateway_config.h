/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Janus's configuration files, for a plugin tested without Janus: the functions of
 * <janus/config.h>. They behave as Janus's own (names are compared without regard to
 * case, adding replaces, saving appends the extension), for .jcfg files with groups,
 * lists, texts, numbers and booleans. */
#ifndef DH_GATEWAY_CONFIG_H
#define DH_GATEWAY_CONFIG_H

#include <janus/config.h>

/* The next janus_config_parse of this thread returns this and reads nothing, whatever its
 * path. The caller of that owns it. */
void gateway_config_preset(janus_config *config);

/* --- gateway_jcfg.c */

/* Reads `text` into `config`. 0, or the number of the line (from 1) that is wrong. */
int gateway_jcfg_read(const char *text, janus_config *config);

/* What libconfig would write; leaves out settings that it cannot represent. */
char *gateway_jcfg_write(const janus_config *config);

#endif
