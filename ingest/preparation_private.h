/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What preparation.c and preparation_encode.c share. I/O thread. */
#ifndef DH_PREPARATION_PRIVATE_H
#define DH_PREPARATION_PRIVATE_H

#include "playout/stream.h"
#include "preparation.h"

struct dh_ingest_config;

/* --- preparation.c */

/* Tells those who listen what they have not heard yet. */
void dh_preparation_pump(struct dh_preparation *preparation);
/* Nobody joins it any more. */
void dh_preparation_unshare(struct dh_preparation *preparation);
/* Nothing more comes. May free it. */
void dh_preparation_finish(struct dh_preparation *preparation);
/* The same, with a failure unless the recording has ended. */
void dh_preparation_fail(struct dh_preparation *preparation, int code, const char *text);
/* The same: a file cannot be read (`text`: why; NULL: as `err` says). */
void dh_preparation_fail_reading(struct dh_preparation *preparation, int err, const char *text);
/* An error of reading a file or a stream as the code of a failure. */
int dh_preparation_code_of(int err);
void dh_preparation_limits(const struct dh_ingest_config *config, struct dh_stream_limits *limits);

/* Its files have changed, or only their links or rights: which is seen when they are
 * hashed once more. Once. */
void dh_preparation_inspect_again(struct dh_preparation *preparation);

/* --- preparation_encode.c */

/* Opens the files and gives them to a worker. */
void dh_preparation_encode(struct dh_preparation *preparation);

#endif
