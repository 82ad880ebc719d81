/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The command line of dh-push, and what it names besides. */
#ifndef DH_SEND_OPTIONS_H
#define DH_SEND_OPTIONS_H

#include <stdbool.h>

#include "address.h"
#include "encoder.h"
#include "fault.h"
#include "request.h"

enum dh_send_action { DH_SEND_ACTION_PUSH, DH_SEND_ACTION_HELP, DH_SEND_ACTION_VERSION };

struct dh_send_options {
	enum dh_send_action action;
	struct dh_send_address address;
	struct dh_send_request request;
	const char *file;   /* NULL: standard input */
	const char *ca;     /* NULL: the system's certificates */
	const char *avatar; /* NULL: the room's */
	char *secret;       /* owned; NULL: none */
	struct dh_send_seams seams;
	bool interrupt; /* instead of a segment */
	bool encode, as_json, is_quiet;
};

/* Fails with DH_SEND_USAGE. Other texts than `secret` point into argv. dh_send_options_clear it
 * in any case. */
int dh_send_options_parse(struct dh_send_options *options, int argc, char **argv, struct dh_send_fault *fault);
void dh_send_options_clear(struct dh_send_options *options);

/* Prints it. */
void dh_send_options_help(void);

#endif
