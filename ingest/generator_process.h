/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A process of a generator that stays: its command, which gets a listening Unix socket as its
 * descriptor 3 and serves HTTP there (docs/generators.md).
 *
 * It is started at once, so that it has loaded its model before it is needed, and it is there once
 * it has answered a first request, whatever it answers. One that does not within start_s is killed.
 * One that ends is started again: after a second, then after twice as long each time, a minute at
 * most, until it has stayed for a minute. It runs in a dh-scope, as all generators do.
 *
 * The socket has no name, so nobody but the gateway can connect to it.
 *
 * I/O thread only.
 */
#ifndef DH_GENERATOR_PROCESS_H
#define DH_GENERATOR_PROCESS_H

#include "generator_pool.h"
#include "io.h"

/* What it is asked for, through its socket. */
#define DH_PROCESS_URL "http://127.0.0.1/say"

struct dh_generator_process;

/* Everything is borrowed for as long as the process. */
struct dh_generator_process_spec {
	const struct dh_generator_config *config;
	int number;        /* from 0 */
	const char *scope; /* dh-scope: a path, or a name looked up in PATH */
	const char *user;  /* "" or NULL: the gateway's user */
	/* Whether it is there has changed. Not called from within the functions below. */
	void (*changed)(void *arg, int number, enum dh_place_state state);
	void *arg;
};

/* On its way (DH_PLACE_COMING) at first. */
struct dh_generator_process *dh_generator_process_new(struct dh_io *io, const struct dh_generator_process_spec *spec);
/* Kills it; does not wait. *process may be NULL. */
void dh_generator_process_free(struct dh_generator_process **process);

/* Its socket's file, an O_PATH descriptor: dh-fetch can connect to it. Borrowed; -1: it does not
 * run now. */
int dh_generator_process_socket(const struct dh_generator_process *process);

/* It has fallen silent: kills it, and starts it again. */
void dh_generator_process_is_stuck(struct dh_generator_process *process);

enum dh_place_state dh_generator_process_state(const struct dh_generator_process *process);
uint64_t dh_generator_process_starts(const struct dh_generator_process *process);
/* How it last ended, to be read after "process 1 "; NULL: it never did. Borrowed. */
const char *dh_generator_process_error(const struct dh_generator_process *process);

#endif
