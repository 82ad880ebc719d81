/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dh-talker's command line and error messages. */
#ifndef DH_TALKER_OPTIONS_H
#define DH_TALKER_OPTIONS_H

#include <stdint.h>

#include "talker_format.h"
#include "talker_look.h"

#define DH_SECONDS_MAX 3600

enum dh_talker_exit {
	DH_EXIT_OK = 0,
	DH_EXIT_INTERNAL = 1, /* out of memory, or a library failed */
	DH_EXIT_USAGE = 2,    /* a wrong option */
	DH_EXIT_TEXT = 3,     /* no text, too much, not UTF-8, nothing to speak in it */
	DH_EXIT_VOICE = 4,    /* no such voice */
	DH_EXIT_OUTPUT = 5,   /* the output cannot be written */
	DH_EXIT_READER = 6,   /* whoever read the output has gone; no message */
};

enum dh_make { DH_MAKE_SPEECH, DH_MAKE_SOUND, DH_MAKE_IDLE, DH_MAKE_MARKS, DH_MAKE_PORTRAIT };

struct dh_talker_options {
	enum dh_make kind;
	char **words; /* speech: of the text; none: it is on standard input */
	int word_count;
	const char *audio;    /* sound: a file, NULL: standard input */
	const char *output;   /* a file, NULL: standard output */
	const char *portrait; /* a file */
	const char *voice;
	const struct dh_look *look;
	enum dh_container container;
	int width, height;
	int fps_num, fps_den;
	int rate_wpm, pitch;
	double seconds; /* idle, marks */
	uint64_t seed;
};

/* Reads the options. Returns DH_TALKER_OPTIONS_GO, or the code to exit with:
 * --help or --voices was answered, or an error reported. All strings
 * point into argv. */
#define DH_TALKER_OPTIONS_GO (-1)
int dh_talker_options_read(struct dh_talker_options *options, int argc, char **argv);

/* Writes "dh-talker: …" to standard error; returns `code`. */
int dh_complain(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
