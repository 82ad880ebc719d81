/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where the sound of a room's viewers is forwarded, and beside it what the room itself sends: as RTP over UDP.
 *
 * Any thread. Sending never waits; what the socket does not take is dropped and counted.
 */
#ifndef DH_FORWARDS_H
#define DH_FORWARDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>
#include <jansson.h>

#define DH_FORWARDS_MAX 8 /* of a room */

struct dh_forwards;

struct dh_forwards *dh_forwards_new(void);
void dh_forwards_free(struct dh_forwards **forwards);

/* `host` is a numeric address, IPv4 or IPv6; `port` and (0: none) `reference_port` from 1 to 65535; `viewer` 0: the
 * sound of all viewers. *id: its number, from 1 on, which no other has had. -EINVAL: no such address; -ENOBUFS:
 * there are too many; or the error of making a socket. */
int dh_forwards_add(struct dh_forwards *forwards, const char *host, int port, int reference_port, guint viewer,
	guint *id);
/* A number for something else that is forwarded from the room; none of these has it. */
guint dh_forwards_make_id(struct dh_forwards *forwards);
/* -ENOENT: there is none of that number. */
int dh_forwards_remove(struct dh_forwards *forwards, guint id);
/* [{"stream_id":…,"of":"microphones","host":…,"port":…,…}]. A new reference. */
json_t *dh_forwards_json(struct dh_forwards *forwards);

/* A packet of Opus that a viewer sent: with its sequence number, timestamp and marker, payload type 111,
 * and the viewer's number as SSRC. */
void dh_forwards_sound(struct dh_forwards *forwards, guint viewer, const uint8_t *rtp, const uint8_t *payload,
	size_t size);
/* 20 ms that the room sends, with its media time (48 kHz) as timestamp, and SSRC 0. */
void dh_forwards_reference(struct dh_forwards *forwards, uint32_t timestamp, const uint8_t *payload, size_t size);

#endif
