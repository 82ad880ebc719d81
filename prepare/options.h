/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The command line of dh-prepare. */
#ifndef DH_PREPARE_OPTIONS_H
#define DH_PREPARE_OPTIONS_H

#include <stdbool.h>

#include "check_idle.h"
#include "confine.h"
#include "task.h"

enum dh_action {
	DH_ACTION_PREPARE,
	DH_ACTION_INFO,
	DH_ACTION_EXPORT,
	DH_ACTION_CHECK_IDLE,
	DH_ACTION_FORK_SERVER,
	DH_ACTION_HELP,
	DH_ACTION_VERSION
};

struct dh_options {
	enum dh_action action;
	struct dh_task task;                   /* without descriptors and anchor */
	const char *files[DH_TASK_INPUTS + 1]; /* as given; "-": standard input */
	struct dh_raw raws[DH_TASK_INPUTS + 1];
	int files_count;
	const char *output; /* -o, or the file to export to */
	const char *avatar, *portrait, *info;
	const char *background;  /* a file, or NULL */
	const char *mark;        /* a file, or NULL */
	enum dh_mark_at mark_at; /* its corner */
	bool has_mark_at;
	struct dh_mouth_place mouth; /* for the check */
	bool as_json, is_quiet;
	struct dh_confine confine;
};

/* Fails with DH_PREPARE_USAGE. All strings point into argv. */
int dh_options_parse(struct dh_options *options, int argc, char **argv, struct dh_fault *fault);

void dh_options_help(void);

#endif
