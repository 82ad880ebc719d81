/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a generator is started with: a dh-scope around its command, or around a dh-fetch that asks
 * a service or a process which stays. */
#ifndef DH_GENERATOR_COMMAND_H
#define DH_GENERATOR_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "child.h"
#include "generator_config.h"

/* How long a generator may take to exit after its output has ended, and its descendants
 * after the generator itself has. */
#define DH_GENERATOR_GRACE_MS 1000

/* Which segment it makes, and what the room shows. Each text may be NULL. */
struct dh_generator_scene {
	const char *room, *segment;
	const char *metadata; /* JSON in ASCII */
	const char *clip;     /* the avatar's idle clip */
	int64_t position_ms;  /* in it, when the segment will probably begin; -1: unknown */
	/* what will be shown by then: DH_LUMA_BYTES (playout/unit.h); NULL: unknown */
	const uint8_t *thumbnail;
};

/* Everything is borrowed, `config` until the generator is freed. */
struct dh_generator_spec {
	const struct dh_generator_config *config;
	const char *url;   /* of the configuration's, or of a process; NULL: its command */
	int socket;        /* the file of the process's Unix socket (O_PATH); -1: none */
	bool is_process;   /* the command stays, and gets a listening socket */
	const char *scope; /* dh-scope: a path, or a name looked up in PATH */
	const char *fetch; /* dh-fetch, if there is a url: the same */
	const char *user;  /* "" or NULL: the gateway's user */
	const char *who;   /* room and segment, for the log */
	const char *text;
	int audio;         /* a file that it gets instead of the text; -1: none */
	bool is_text_open; /* dh_generator_add_text will add to it */
	const char *voice; /* NULL: "{voice}" is left as it is */
	struct dh_generator_scene scene;
	int output; /* becomes its standard output: the write end of a pipe */
};

/* Starts it. `fds` as in dh_child_spec: DH_CHILD_FDS of them. */
int dh_generator_spawn(struct dh_child **child, struct dh_io *io, const struct dh_generator_spec *spec, const int *fds,
	dh_child_exit_fn *exited, void *arg);

/* How it ended, to be read after "the generator": "ended with code 3". `status` as from
 * dh_child_exit_fn; `words`: the last line of its standard error, or NULL. g_free the result. */
char *dh_generator_explain(int status, const char *words);

/* Arguments and environment, NULL-terminated. g_strfreev them. `mark`: by which dh-scope finds what is
 * left of it (prepare/job.h). */
char **dh_generator_arguments(const struct dh_generator_spec *spec);
char **dh_generator_environment(const struct dh_generator_spec *spec, const char *mark);

#endif
