/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Segment streams from a short script, correct or not; their checksums always are. */
#ifndef DH_STREAM_SCRIPT_H
#define DH_STREAM_SCRIPT_H

#include "tests/support/stream_fixture.h"

/* Appends the records that a script names, a word for each:
 *     H3          head; 1 video, 2 audio, 3 both
 *     L100,5+3    the end of another sound: 100 ticks of its 5 packets, and a packet of 3 bytes
 *     h3 e100,0   head and end of version 1
 *     G3 I3       head of version 2, of version 4
 *     J3          head of version 5, with two qualities
 *     Q           a picture in a lower quality
 *     D           a fade
 *     W0+100      a word at 0 lasting 100 ticks
 *     {}          a line of JSON
 *     K P N X     anchor, its picture, a note, a record of unknown type
 *     V0+100:1    picture at 0 lasting 100 ticks, flags 1
 *     A14400      sound at 14400
 *     E100,0:1    end: lengths of picture and sound, flags (may be missing: 0)
 *     F           failure */
void script_write(struct bytes *out, const char *script);

/* --- single records */

/* `size` bytes, the lowest first. */
void script_put(uint8_t *out, uint64_t value, int size);
/* `flags`: 1 video, 2 audio. */
void script_put_head(struct bytes *out, unsigned version, unsigned flags);
void script_put_audio(struct bytes *out, long long pts_ticks);
void script_put_word(struct bytes *out, long long from_ticks, long long length_ticks);

#endif
