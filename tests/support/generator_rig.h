/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One generator, a shell script under the real dh-scope, and what becomes of it. */
#ifndef DH_TEST_GENERATOR_RIG_H
#define DH_TEST_GENERATOR_RIG_H

#include "ingest/generator.h"
#include "tests/support/check.h"

#include <stdatomic.h>
#include <unistd.h>

extern struct dh_io *io;
/* Change them before `start`. */
extern struct dh_generator_config config;
extern char *command[];

extern struct generator_run {
	struct dh_generator *generator;
	const char *user, *voice;
	bool is_text_open;
	int err, output;
	GSource *source;
	bool is_over_told; /* call dh_generator_output_over at the end of the output */
	/* I/O thread only */
	char written[1000];
	size_t length;
	bool is_at_end;
	int ends;
	enum dh_generator_output what;
	char error[500];
} run;

/* Until open_io: the grace period is as long as a test likes. The program wraps dh_io_timer_set. */
extern atomic_bool is_patient;

/* Waits until it holds; a test that waits for ever is killed. */
#define AWAIT(condition) \
	do { \
		while (!(condition)) \
			usleep(2000); \
	} while (0)

void open_io(void);
void close_io(void);
/* Starts it with that script. */
void start(const char *script);
/* For dh_io_call: starts `command`; frees it. */
void start_it(void *arg);
void free_it(void *arg);
/* How it is now. */
struct generator_run look(void);
/* How many of the processes that it has started there are. One that becomes another program has no
 * environment for a moment, and is not found. */
int count_marked(void);
/* How many of them are stopped. */
int count_stopped(void);

/* A program's main(). */
int run_generator_tests(int argc, char **argv, const struct check_test *tests, size_t count);

#endif
