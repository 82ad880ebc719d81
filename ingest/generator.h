/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A running generator: the configured command, with a text on its standard input and a
 * segment on its standard output. No shell is involved.
 *
 * It gets a minimal environment, a niceness, no new privileges and, if the gateway runs as
 * root, the worker's user with that user's group. It runs inside a dh-scope
 * (prepare/scope.c), so no process that it starts outlives it. Its standard error goes to
 * the log (generator_log.h).
 *
 * I/O thread only.
 */
#ifndef DH_GENERATOR_H
#define DH_GENERATOR_H

#include <stdbool.h>
#include <stdint.h>

#include "io.h"

/* How long a generator may take to exit after its output has ended, and its descendants
 * after the generator itself has. */
#define DH_GENERATOR_GRACE_MS 1000

/* From the configuration, which owns the strings. */
struct dh_generator_config {
	char *name;
	char **command;     /* argv, NULL-terminated; "{voice}" is replaced */
	char **voices;      /* the first is the default; may be NULL */
	char **environment; /* "NAME=value", added to a minimal environment; may be NULL */
	int64_t max_s;      /* longest time to generate one sentence */
	int64_t memory_mb;  /* data segment; 0: no limit */
};

struct dh_generator;

struct dh_generator_spec {
	const struct dh_generator_config *config; /* outlives the generator */
	const char *scope;                        /* dh-scope: a path, or a name looked up in PATH */
	const char *user;                         /* "" or NULL: the gateway's user */
	const char *who;                          /* room and segment, for the log */
	const char *text;
	const char *voice; /* NULL: "{voice}" is left as it is */
};

/* The generator has ended. `error` is NULL if it succeeded, or was killed for lingering
 * after its output had ended; otherwise a text for people. You may free the generator from
 * here. */
typedef void dh_generator_end_fn(void *arg, const char *error);

/* *output is the read end of its standard output; the caller owns it. Negative errno if it
 * cannot be started (-ENOENT: no such program). `ended` is never called from within. */
int dh_generator_start(struct dh_generator **generator, struct dh_io *io, const struct dh_generator_spec *spec,
	dh_generator_end_fn *ended, void *arg, int *output);

/* Its output is not read for now: its time does not run; or (false) it is read again. */
void dh_generator_hold(struct dh_generator *generator, bool is_held);

/* Call when its output has been read to the end. It is killed if it lingers. */
void dh_generator_output_over(struct dh_generator *generator);

/* `ended` will not be called any more. Kills a generator that is still producing output;
 * one whose output is over keeps the rest of its grace period, and its exit is logged. Does
 * not wait. *generator may be NULL. */
void dh_generator_free(struct dh_generator **generator);

#endif
