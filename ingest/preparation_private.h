/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Shared by preparation.c and preparation_encode.c. I/O thread. */
#ifndef DH_PREPARATION_PRIVATE_H
#define DH_PREPARATION_PRIVATE_H

#include "playout/stream.h"
#include "preparation.h"

struct dh_ingest_config;

/* --- preparation.c */

/* The first byte of a live source has come. */
void dh_preparation_first_byte(struct dh_preparation *preparation);
/* Tells subscribers what they have not heard yet. */
void dh_preparation_pump(struct dh_preparation *preparation);
/* Nobody can join it any more. */
void dh_preparation_unshare(struct dh_preparation *preparation);
/* Ends it. May free it. */
void dh_preparation_finish(struct dh_preparation *preparation);
/* The same, with a failure unless the recording has ended. */
void dh_preparation_fail(struct dh_preparation *preparation, int code, const char *text);
/* The same, because a file cannot be read. `text` says why; NULL: see `err`. */
void dh_preparation_fail_reading(struct dh_preparation *preparation, int err, const char *text);
/* Maps a read or stream error to an enum dh_prepare_exit. */
int dh_preparation_code_of(int err);
void dh_preparation_limits(const struct dh_preparation *preparation, struct dh_stream_limits *limits);

/* Its files have changed, or perhaps only their links or modes: hashing them again will
 * tell. At most once per preparation. */
void dh_preparation_inspect_again(struct dh_preparation *preparation);

/* Shares it under `key`, which becomes *own. If another preparation has that key, moves the
 * subscribers there, frees this one and returns false. */
bool dh_preparation_share(struct dh_preparation *preparation, char **own, const char *key);

/* --- preparation_early.c */

/* A dh_known_fn: encodes the files while they are being hashed. May free it. */
void dh_preparation_encode_early(void *preparation, const struct dh_expected_files *files);
/* The hashes are in, or cannot be had. May free it. */
void dh_preparation_hashed(struct dh_preparation *preparation, const struct dh_expected_files *files);
/* Nothing runs beside the worker any more. */
void dh_preparation_stop_hashing(struct dh_preparation *preparation);

/* --- preparation_live.c */

/* Reads what is pushed through a socket. May free it. */
void dh_preparation_read_live(struct dh_preparation *preparation);
/* Holds a live source that is far enough ahead, or goes on with it. */
void dh_preparation_check_hold(struct dh_preparation *preparation);

/* Whether more of a live source is kept than of a segment may be: then it has ended, and perhaps been freed. */
bool dh_preparation_keeps_too_much(struct dh_preparation *preparation);

/* --- preparation_encode.c */

/* Opens the files and hands them to a worker. May free it. */
void dh_preparation_encode(struct dh_preparation *preparation);
/* The worker is done: checks whether the files are still the same. */
void dh_preparation_check(struct dh_preparation *preparation);
/* Ends the job, but not the preparation. */
void dh_preparation_give_up_job(struct dh_preparation *preparation);

#endif
