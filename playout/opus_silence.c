/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "opus_silence.h"

/* Configuration 31 (CELT, full band, 20 ms), mono, one frame (RFC 6716, 3.1). */
#define TOC 0xf8

/* A CELT frame whose silence flag is set. */
static const uint8_t encoded_silence[] = { TOC, 0xff, 0xfe };
/* A TOC byte without a frame: deliberately no audio (DTX). */
static const uint8_t dtx[] = { TOC };

void dh_silence_reset(struct dh_silence *silence)
{
	silence->slot = 0;
}

size_t dh_silence_next(struct dh_silence *silence, const uint8_t **payload)
{
	const unsigned again = DH_SILENCE_TAIL - 1 + DH_SILENCE_PERIOD;
	unsigned slot = silence->slot;
	/* The last packet of the tail is the first of the periodic ones. */
	silence->slot = slot == again ? DH_SILENCE_TAIL : slot + 1;
	if (slot < DH_SILENCE_TAIL || slot == again) {
		*payload = encoded_silence;
		return sizeof encoded_silence;
	}
	if (slot == DH_SILENCE_TAIL) {
		*payload = dtx;
		return sizeof dtx;
	}
	*payload = NULL;
	return 0;
}
