/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A generator as the configuration describes it, which owns the strings. Immutable. */
#ifndef DH_GENERATOR_CONFIG_H
#define DH_GENERATOR_CONFIG_H

#include <stdint.h>

#define DH_GENERATOR_URLS_MAX 64

struct dh_generator_config {
	char *name;
	char **command;     /* argv, NULL-terminated; "{voice}" is replaced; NULL: an HTTP service */
	int64_t processes;  /* of the command, which stay and serve HTTP; 0: it is started for each segment */
	int64_t start_s;    /* such a process must answer within */
	char **urls;        /* of services that can stand in for each other; NULL: a command */
	char **voices;      /* the first is the default; may be NULL */
	char **environment; /* "NAME=value", added to a minimal environment; may be NULL */
	int64_t max_s;      /* longest time to generate one sentence */
	int64_t memory_mb;  /* data segment; 0: no limit */
	char **at_once;     /* numbers: segments at a time, of each url, or one for all; 0: no limit; may be NULL */
	int64_t cache;      /* what it says is kept like files */
	char *retry;        /* "tail": another of its services says the rest; "": none does */
	char *fallback;     /* the generator that says what this one could not; NULL: none */
	const struct dh_generator_config *fallback_config; /* that one */
	/* of its segments, for rooms; NULL and -1: the room's */
	char *underrun;
	int64_t preroll_ms;
	int64_t connect_s; /* a service must be connected within */
	int64_t silence_s; /* longest time without a byte from a service */
};

#endif
