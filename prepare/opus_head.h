/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What containers must know of the sound of prepared segments. */
#ifndef DH_OPUS_HEAD_H
#define DH_OPUS_HEAD_H

struct AVCodecParameters;

/* Opus, mono, 48 kHz, with nothing to be skipped. AVERROR(ENOMEM), or 0. */
int dh_opus_head_set(struct AVCodecParameters *par);

#endif
