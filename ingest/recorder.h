/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One dh-record process (prepare/record.c), which writes what a room sends into files. Giving it something never waits:
 * what it does not take at once is dropped. If it still has something to write when the I/O thread ends, it completes
 * its files without the gateway.
 */
#ifndef DH_RECORDER_H
#define DH_RECORDER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "io.h"
#include "playout/unit.h"

struct dh_recorder;

struct dh_recorder_config {
	const char *program; /* dh-record; without a slash it is looked up in PATH */
	const char *folder, *name;
	bool webm, mjr;
	const char *title, *comment; /* NULL: none */
};

/* Starts it. One reference is the caller's, another the process's as long as it runs. *count has been raised for it,
 * and falls when the process has ended, or could not be started. Not from the I/O thread. -ENOENT: no such program; or
 * the error of starting it. */
int dh_recorder_alloc(struct dh_recorder **recorder, struct dh_io *io, const struct dh_recorder_config *config,
	atomic_int *count);
/* *recorder may be NULL. Any thread. */
void dh_recorder_unref(struct dh_recorder **recorder);

/* An RTP packet, of which timestamp 0 is the beginning, or a line of JSON for the file beside the media. An error: it
 * was dropped, because it was not taken (-EAGAIN), or because the process has ended (-EPIPE), which
 * dh_recorder_has_ended will tell. One thread at a time. */
int dh_recorder_packet(struct dh_recorder *recorder, enum dh_media media, const uint8_t *rtp, size_t size);
int dh_recorder_line(struct dh_recorder *recorder, const char *text);

/* There is no more to come: it completes its files and ends. May be called again. */
void dh_recorder_end(struct dh_recorder *recorder);

/* Whether its process has ended; *error, if so: what went wrong, which the log says, too; NULL: nothing. As long as the
 * recorder. Any thread. */
bool dh_recorder_has_ended(struct dh_recorder *recorder, const char **error);

#endif
