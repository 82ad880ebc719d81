/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A running generator, with a text on its standard input and a segment on its standard
 * output: the configured command, or a dh-fetch that asks an HTTP service, which may be a process
 * of the gateway's (generator_process.h). No shell is involved.
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

#include "generator_command.h"
#include "io.h"

struct dh_generator;

/* What is known of its output when it has failed. */
enum dh_generator_output {
	DH_OUTPUT_UNKNOWN, /* a command's, or it was killed */
	DH_OUTPUT_NONE,    /* nothing was written, another service may be asked */
	DH_OUTPUT_MUTE,    /* the same: it said nothing at all for too long */
	DH_OUTPUT_REFUSED, /* nothing was written, another service would not either */
	DH_OUTPUT_SOME,
	DH_OUTPUT_SILENT, /* the same, and then nothing for too long */
};

/* The generator has ended. `error` is NULL if it succeeded, or was killed for lingering
 * after its output had ended; otherwise a text for people. You may free the generator from
 * here. */
typedef void dh_generator_end_fn(void *arg, const char *error, enum dh_generator_output output);

/* Negative errno if it cannot be started (-ENOENT: no such program). `ended` is never called
 * from within. */
int dh_generator_start(struct dh_generator **generator, struct dh_io *io, const struct dh_generator_spec *spec,
	dh_generator_end_fn *ended, void *arg);

/* More of a text that is open; its time (max_s) begins anew. With `is_last`, the text ends. */
void dh_generator_add_text(struct dh_generator *generator, const char *more, bool is_last);

/* Its output is not read for now: its time does not run; or (false) it is read again. */
void dh_generator_hold(struct dh_generator *generator, bool is_held);

/* Call when its output has been read to the end. It is killed if it lingers. */
void dh_generator_output_over(struct dh_generator *generator);

/* After that: whether it has not ended yet because its supervisor gets no processor. If so, `timer` is set to ask
 * again; see dh_child_is_starved() for the rest. */
bool dh_generator_is_starved(const struct dh_generator *generator, GSource *timer, int64_t *used_us, int limit_ms);

/* `ended` will not be called any more. Kills a generator that is still producing output;
 * one whose output is over keeps the rest of its grace period, and its exit is logged. Does
 * not wait. *generator may be NULL. */
void dh_generator_free(struct dh_generator **generator);

#endif
