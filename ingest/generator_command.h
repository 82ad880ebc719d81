/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a generator is started with: a dh-scope around its command, or around a dh-fetch. */
#ifndef DH_GENERATOR_COMMAND_H
#define DH_GENERATOR_COMMAND_H

struct dh_generator_spec;

/* Arguments and environment, NULL-terminated. g_strfreev them. */
char **dh_generator_arguments(const struct dh_generator_spec *spec);
char **dh_generator_environment(const struct dh_generator_spec *spec);

#endif
