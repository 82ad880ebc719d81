/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Janus's configuration files, for plugins tested without Janus: the
 * functions of <janus/config.h>, which behave as the gateway's own do (names are
 * compared without regard to case, adding replaces, saving appends the
 * extension), for .jcfg files of groups, lists, texts, numbers and booleans.
 */
#ifndef DH_GATEWAY_CONFIG_H
#define DH_GATEWAY_CONFIG_H

#include <janus/config.h>

/* The next janus_config_parse returns this and reads nothing, whatever its path
 * is; it becomes the caller's. One thread's. */
void gateway_config_preset(janus_config *config);

/* --- gateway_jcfg.c */

/* Reads `text` into `config`; 0, or the line (from 1) that is wrong. */
int gateway_jcfg_read(const char *text, janus_config *config);

/* What libconfig would write; settings that it cannot hold are left out. */
char *gateway_jcfg_write(const janus_config *config);

#endif
