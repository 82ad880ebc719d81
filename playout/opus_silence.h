/* Opus as RTP payloads (RFC 7587), and the silence between speech.
 *
 * A payload is an Opus packet as it is, so a unit's bytes need no packetiser:
 * one packet of 20 ms, one RTP packet. Its RTP timestamp counts 48 kHz whatever
 * the packet's own bandwidth.
 *
 * The marker bit (RFC 7587, 4.1; RFC 3551, 4.1) marks the first packet of a
 * talkspurt: set it on the first packet of speech that follows slots in which
 * nothing was sent, and on a viewer's very first packet of speech. It is 0 on
 * every other packet, those of silence among them. Timestamps go on through
 * slots that are not sent, sequence numbers do not.
 */
#ifndef DH_OPUS_SILENCE_H
#define DH_OPUS_SILENCE_H

#include <stddef.h>
#include <stdint.h>

/* Packets of encoded silence that follow every end of speech, cut or natural:
 * without them a decoder would draw out the vowel that was cut. */
#define DH_SILENCE_TAIL   5
/* Afterwards one packet of encoded silence in so many slots of 20 ms (400 ms). */
#define DH_SILENCE_PERIOD 20

/* Where in the silence we are. Asked once for each slot of 20 ms in which there
 * is no speech. Private inside; runs for ever. */
struct dh_silence {
	unsigned slot; /* below DH_SILENCE_TAIL + DH_SILENCE_PERIOD */
};

/* Speech has just ended, or nothing was ever sent. */
void dh_silence_reset(struct dh_silence *silence);

/* What to send in this slot: its size with *payload set to constant bytes, or 0
 * for nothing (then *payload is NULL).
 *
 * First DH_SILENCE_TAIL packets of encoded silence; from then on DTX as libopus
 * does it: one packet that is a lone TOC byte after each packet of encoded
 * silence, which tells the receiver that the pause is meant, nothing in the
 * slots after it, and encoded silence again every DH_SILENCE_PERIOD slots. */
size_t dh_silence_next(struct dh_silence *silence, const uint8_t **payload);

#endif
