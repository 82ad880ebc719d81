/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dh-prepare, between the media and the connection. */
#ifndef DH_SEND_ENCODER_H
#define DH_SEND_ENCODER_H

#include <stdbool.h>
#include <glib.h>
#include <jansson.h>

#include "fault.h"

struct dh_send_encoder;

/* Pipes from and to the dh-prepare that encodes the piece before and behind this one of an utterance,
 * inherited; -1: none. */
struct dh_send_seams {
	int lead, tail;
};

/* Starts it. `info`: the gateway's answer (how the room's avatar is encoded). The avatar is the file
 * `avatar`, or if that is NULL the bytes `anchor`. It reads from `input`, a descriptor that the caller
 * keeps; what it says on standard error is the caller's own. Takes the ends of `seams`, even if it fails.
 * Fails with DH_SEND_ENCODER. */
int dh_send_encoder_alloc(struct dh_send_encoder **encoder, const json_t *info, const char *avatar, GBytes *anchor,
	int input, struct dh_send_seams *seams, struct dh_send_fault *fault);
/* Ends it if it still runs. */
void dh_send_encoder_free(struct dh_send_encoder **encoder);

/* What it makes is read from here; the encoder keeps it. */
int dh_send_encoder_fd(const struct dh_send_encoder *encoder);

/* After its output has ended: waits for its own end. Fails with DH_SEND_ENCODER if it was not a good
 * one; where SIGINT, SIGTERM or SIGHUP has ended it, with DH_SEND_SIGNAL and its number. */
int dh_send_encoder_finish(struct dh_send_encoder *encoder, struct dh_send_fault *fault);

#endif
