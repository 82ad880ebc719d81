/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading a .jcfg file. */
#ifndef DH_CONFIG_FILE_H
#define DH_CONFIG_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include <janus/config.h>

/* Identifies the file at a path, and its state. */
struct dh_file_state {
	int error; /* errno: why nothing else is known (ENOENT: there is none); 0: it is */
	uint64_t device, inode, size;
	int64_t modified_ns, changed_ns;
};

struct dh_file_state dh_file_state(const char *path);
bool dh_file_state_is_same(const struct dh_file_state *a, const struct dh_file_state *b);

/* Parses the file at `path`; *parsed is the caller's (janus_config_destroy). Only
 * passes a readable regular file of at most 16 MiB to Janus, whose parser ends the
 * process on a read error and blocks on a pipe. -ENOENT: there is none; -EIO: it cannot
 * be read; -EINVAL: it is no configuration. The latter two were logged. */
int dh_config_file_parse(const char *path, janus_config **parsed);

/* Whether it would not be -EIO now. Logs nothing. */
bool dh_config_file_is_readable(const char *path);

#endif
