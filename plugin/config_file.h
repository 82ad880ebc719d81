/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading a .jcfg file. */
#ifndef DH_CONFIG_FILE_H
#define DH_CONFIG_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include <janus/config.h>

/* Which file, in which state, is at a path; all 0: none. */
struct dh_file_state {
	uint64_t device, inode, size;
	int64_t modified_ns, changed_ns;
};

struct dh_file_state dh_file_state(const char *path);
bool dh_file_state_is_same(const struct dh_file_state *a, const struct dh_file_state *b);

/* Parses the file at `path`; *parsed is the caller's (janus_config_destroy). Only a
 * regular file of at most 16 MiB that can be read is given to Janus, whose parser
 * ends the process at a read error, and waits at a pipe. -ENOENT: there is none;
 * -EINVAL: it cannot be read, which was logged. */
int dh_config_file_parse(const char *path, janus_config **parsed);

#endif
