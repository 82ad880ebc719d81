/* A generator at work: the configured command with a text on its standard input
 * and a segment on its standard output. No shell is involved.
 *
 * It gets an environment of its own, a niceness, no new privileges, and, where
 * the gateway is root, the worker's user; it is ended with its whole process
 * group. nice(1), prlimit(1) and setpriv(1) arrange that.
 *
 * Everything here belongs to the I/O thread.
 */
#ifndef DH_GENERATOR_H
#define DH_GENERATOR_H

#include <stdint.h>

#include "io.h"

/* As the configuration has it; texts are the owner's. */
struct dh_generator_config {
	char *name;
	char **command;          /* argv, NULL-terminated; "{voice}" is replaced */
	char **voices;           /* NULL: none; the first is the default */
	char **environment;      /* "NAME=value", added to a minimal one; NULL: none */
	int64_t max_s;           /* what a sentence may take to be made */
	int64_t memory_mb;       /* of data; 0: no limit */
};

struct dh_generator;

struct dh_generator_spec {
	const struct dh_generator_config *config; /* outlives it */
	const char *user;  /* "" or NULL: the gateway's */
	const char *text;
	const char *voice; /* NULL: none, "{voice}" stays */
};

/* It ended: `error` is NULL when it said that all went well, else a text for a
 * person. The generator may be freed from here. */
typedef void dh_generator_end_fn(void *arg, const char *error);

/* *output is what it writes, the caller's. Negative errno: why there is none
 * (-ENOENT: no such program). */
int dh_generator_start(struct dh_generator **generator, struct dh_io *io,
	const struct dh_generator_spec *spec, dh_generator_end_fn *ended, void *arg, int *output);

/* Kills it where it still runs; `ended` is not called. NULL inside is fine. */
void dh_generator_free(struct dh_generator **generator);

#endif
