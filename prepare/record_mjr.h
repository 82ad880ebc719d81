/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A recording of one medium as Janus's own recorder makes it (record.c of Janus), for janus-pp-rec. */
#ifndef DH_RECORD_MJR_H
#define DH_RECORD_MJR_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "playout/unit.h"

struct dh_record_mjr {
	FILE *file;
	int64_t begun_us;
};

/* A new file, `name` in the folder `folder`; a negative errno (-EEXIST: there is one already). `begun_us`: Unix
 * time. */
int dh_record_mjr_open(struct dh_record_mjr *mjr, int folder, const char *name, enum dh_media media, int64_t begun_us);
int dh_record_mjr_packet(struct dh_record_mjr *mjr, int64_t received_us, const uint8_t *rtp, size_t size);
/* Does nothing if it is not open. */
int dh_record_mjr_close(struct dh_record_mjr *mjr);

/* The same for any file: write-only, not there before. */
int dh_record_create(FILE **file, int folder, const char *name);

#endif
