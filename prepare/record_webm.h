/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A room's RTP as WebM: nothing is encoded again, and time 0 is timestamp 0. */
#ifndef DH_RECORD_WEBM_H
#define DH_RECORD_WEBM_H

#include <stddef.h>
#include <stdint.h>

#include "playout/unit.h"

struct dh_record_webm;

/* A new file, `name` in the folder `folder`; `title` and `comment` may be NULL. `begun_us`: when timestamp 0 was, by
 * the clock of `received_us`. A negative errno (-EEXIST: there is one already). */
int dh_record_webm_open(struct dh_record_webm **webm, int folder, const char *name, int64_t begun_us, const char *title,
	const char *comment);
/* The file begins with the first key frame, whose size it has. A picture of which a packet is
 * missing is left out, with all that follows it up to the next key frame. Where nothing comes for a while, however
 * long, the file has a gap. Packets may come up to 12 hours late, or an hour early. */
int dh_record_webm_packet(struct dh_record_webm *webm, enum dh_media media, int64_t received_us, const uint8_t *rtp,
	size_t size);
/* Completes the file: its duration, and where its key frames are. *webm may be NULL. */
int dh_record_webm_close(struct dh_record_webm **webm);

#endif
