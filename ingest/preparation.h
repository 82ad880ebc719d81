/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One preparation, from inspection to its end. I/O thread. */
#ifndef DH_PREPARATION_H
#define DH_PREPARATION_H

#include <stdbool.h>
#include <glib.h>

#include "cache_writer.h"
#include "inputs.h"
#include "live_input.h"
#include "load_task.h"
#include "open_files.h"
#include "recording.h"
#include "subscription.h"
#include "worker.h"

struct dh_ingest;

enum dh_preparation_state {
	DH_PREPARATION_NEW, /* waiting for the version, or being inspected */
	DH_PREPARATION_LOADING,
	DH_PREPARATION_LIVE,     /* a pushed stream is being read, or looked at */
	DH_PREPARATION_ENCODING, /* opening its files, waiting for a worker, or being encoded */
	DH_PREPARATION_CHECKING, /* complete; checking whether its files changed meanwhile */
	DH_PREPARATION_OVER,     /* nothing more will come */
};

struct dh_preparation {
	struct dh_ingest *ingest;
	struct dh_inputs *inputs;
	enum dh_preparation_state state;
	char *key;       /* its key in the ingest's by_key; NULL: not shared */
	char *early_key; /* likewise, of files that are not hashed yet */
	bool has_cache_key;
	bool is_inspected_again;  /* its files had changed when their turn came */
	bool is_held;             /* not read on until more is allowed */
	int64_t allowed_ticks;    /* a live source is read up to here; 0: to its end */
	bool is_kept;             /* its subscriber says that it is complete */
	bool may_end;             /* listeners may hear the end of the recording */
	GPtrArray *subscriptions; /* struct dh_subscription */
	struct dh_recording recording;
	struct dh_load_task *task;         /* that it waits for; may be NULL */
	struct dh_load_task *hashing;      /* beside the worker: hashes the files, then looks in the cache */
	struct dh_recording cached;        /* what that has found so far */
	bool is_encoded;                   /* the worker is done, and waits for `hashing` */
	struct dh_expected_files expected; /* valid once inspected */
	struct dh_open_files *files;       /* while a worker reads them */
	struct dh_live_input *live;        /* LIVE */
	struct dh_job *job;
	struct dh_stream_reader *reader;
	struct dh_cache_writer *writer;
	int64_t encoded_bytes; /* that its worker has written */
};

/* Takes ownership of `inputs`. */
struct dh_preparation *dh_preparation_new(struct dh_ingest *ingest, struct dh_inputs *inputs);
void dh_preparation_free(struct dh_preparation **preparation);
/* Leaves NEW: the version is known, or cannot be found out. */
void dh_preparation_begin(struct dh_preparation *preparation);
/* A subscriber needs it before anything that is prepared ahead of time. */
void dh_preparation_set_next(struct dh_preparation *preparation);
/* A live source: units up to this time may be read. */
void dh_preparation_allow(struct dh_preparation *preparation, int64_t ticks);
/* A live source: units before this time are not needed any more. */
void dh_preparation_release(struct dh_preparation *preparation, int64_t before_ticks);
/* The last subscriber has left. May free it. */
void dh_preparation_unwanted(struct dh_preparation *preparation);

#endif
