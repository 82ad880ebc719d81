/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A generator at work: the configured command with a text on its standard input
 * and a segment on its standard output. No shell is involved.
 *
 * It gets an environment of its own, a niceness, no new privileges, and, where
 * the gateway is root, the worker's user and that user's group. It runs in a
 * dh-scope (prepare/scope.c): no process that it begins outlives it. What it
 * says on standard error is logged (generator_log.h).
 *
 * Everything here belongs to the I/O thread.
 */
#ifndef DH_GENERATOR_H
#define DH_GENERATOR_H

#include <stdint.h>

#include "io.h"

/* What a generator has to end when its output has ended, and what it began when
 * it has ended itself. */
#define DH_GENERATOR_GRACE_MS 1000

/* As the configuration has it; texts are the owner's. */
struct dh_generator_config {
	char *name;
	char **command;     /* argv, NULL-terminated; "{voice}" is replaced */
	char **voices;      /* NULL: none; the first is the default */
	char **environment; /* "NAME=value", added to a minimal one; NULL: none */
	int64_t max_s;      /* what a sentence may take to be made */
	int64_t memory_mb;  /* of data; 0: no limit */
};

struct dh_generator;

struct dh_generator_spec {
	const struct dh_generator_config *config; /* outlives it */
	const char *scope;                        /* dh-scope: a path, or a name looked up in PATH */
	const char *user;                         /* "" or NULL: the gateway's */
	const char *who;                          /* for the log, which room and segment it speaks for */
	const char *text;
	const char *voice; /* NULL: none, "{voice}" stays */
};

/* It ended: `error` is NULL when it said that all went well, or was ended because
 * it lingered, else a text for a person. The generator may be freed from here. */
typedef void dh_generator_end_fn(void *arg, const char *error);

/* *output is what it writes, the caller's. Negative errno: why there is none
 * (-ENOENT: no such program). */
int dh_generator_start(struct dh_generator **generator, struct dh_io *io, const struct dh_generator_spec *spec,
	dh_generator_end_fn *ended, void *arg, int *output);

/* Its output has been read to its end. It is ended when it lingers. */
void dh_generator_output_over(struct dh_generator *generator);

/* `ended` is not called any more. Ends it where it still runs; one whose output
 * is over keeps what is left of its grace, and how it ends is logged. Waits for
 * nothing. *generator may be NULL. */
void dh_generator_free(struct dh_generator **generator);

#endif
