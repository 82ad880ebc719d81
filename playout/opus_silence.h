/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Opus as RTP payloads (RFC 7587), and the silence between speech.
 *
 * An Opus packet is an RTP payload unchanged, so a unit needs no packetiser: 20 ms of
 * audio are one RTP packet. Its RTP timestamp counts 48 kHz whatever the packet's own
 * bandwidth.
 *
 * The marker bit (RFC 7587, 4.1; RFC 3551, 4.1) marks the first packet of a
 * talkspurt: the first packet of speech after slots in which nothing was sent, and
 * a viewer's very first packet of speech. It is 0 on all others, silence included.
 * Timestamps count slots that are not sent; sequence numbers do not.
 */
#ifndef DH_OPUS_SILENCE_H
#define DH_OPUS_SILENCE_H

#include <stddef.h>
#include <stdint.h>

/* Packets of encoded silence that follow every end of speech, cut or natural.
 * Without them a decoder would draw out the vowel that was cut. */
#define DH_SILENCE_TAIL 5
/* Slots of 20 ms from one packet of encoded silence to the next (400 ms). */
#define DH_SILENCE_PERIOD 20

/* The position in the silence. Private. */
struct dh_silence {
	unsigned slot; /* below DH_SILENCE_TAIL + DH_SILENCE_PERIOD */
};

/* Call it when speech ends. A zeroed struct is already reset. */
void dh_silence_reset(struct dh_silence *silence);

/* What to send in the next slot without speech. Sets *payload to static bytes and
 * returns their number; 0 and NULL: nothing.
 *
 * First come DH_SILENCE_TAIL packets of encoded silence, then DTX as libopus does
 * it: after each packet of encoded silence one packet with nothing but a TOC byte,
 * which tells the receiver that the pause is intended, then nothing, and encoded
 * silence again every DH_SILENCE_PERIOD slots. */
size_t dh_silence_next(struct dh_silence *silence, const uint8_t **payload);

#endif
