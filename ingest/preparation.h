/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One preparation, from inspection to end. I/O thread. */
#ifndef DH_PREPARATION_H
#define DH_PREPARATION_H

#include <stdbool.h>
#include <glib.h>

#include "cache_writer.h"
#include "inputs.h"
#include "load_task.h"
#include "open_files.h"
#include "recording.h"
#include "subscription.h"
#include "worker.h"

struct dh_ingest;

enum dh_preparation_state {
	DH_PREPARATION_NEW, /* waits for the version, is being inspected */
	DH_PREPARATION_LOADING,
	DH_PREPARATION_ENCODING, /* opens its files, waits for a worker, or has one */
	DH_PREPARATION_CHECKING, /* all is there; whether its files were changed meanwhile */
	DH_PREPARATION_OVER,     /* nothing more comes */
};

struct dh_preparation {
	struct dh_ingest *ingest;
	struct dh_inputs *inputs;
	enum dh_preparation_state state;
	char *key; /* in the ingest's table under it; NULL: not shared */
	bool has_cache_key;
	bool is_inspected_again;  /* its files had changed when it was their turn */
	bool may_end;             /* the end of the recording may be told */
	GPtrArray *subscriptions; /* struct dh_subscription */
	struct dh_recording recording;
	struct dh_load_task *task;         /* that it waits for; NULL: for none */
	struct dh_expected_files expected; /* once inspected */
	struct dh_open_files *files;       /* while a worker reads them */
	struct dh_job *job;
	struct dh_stream_reader *reader;
	struct dh_cache_writer *writer;
};

/* Takes over `inputs`. */
struct dh_preparation *dh_preparation_new(struct dh_ingest *ingest, struct dh_inputs *inputs);
void dh_preparation_free(struct dh_preparation **preparation);
/* Goes on from NEW, the version being known or not to be had. */
void dh_preparation_begin(struct dh_preparation *preparation);
/* One of those who listen wants it before what is prepared ahead. */
void dh_preparation_set_next(struct dh_preparation *preparation);
/* The last subscriber has left; may free it. */
void dh_preparation_unwanted(struct dh_preparation *preparation);

#endif
