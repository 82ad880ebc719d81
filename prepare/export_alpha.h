/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Codes pictures that have their mattes below them (playout/matte.h) as players know transparent video:
 * VP8 of the picture's height, its alpha in a Matroska BlockAdditional. Coded twice, so finely. For
 * export.c only.
 */
#ifndef DH_EXPORT_ALPHA_H
#define DH_EXPORT_ALPHA_H

#include <libavcodec/avcodec.h>

#include "fault.h"
#include "playout/stream.h"

struct dh_export_alpha;

/* `head` has a matte. Fails with DH_PREPARE_INTERNAL if this FFmpeg cannot code such pictures. */
int dh_export_alpha_alloc(struct dh_export_alpha **alpha, const struct dh_stream_head *head, struct dh_fault *fault);
void dh_export_alpha_free(struct dh_export_alpha **alpha); /* *alpha may be NULL */

/* Takes the anchor first, then each picture. *packet: with its side data, or, from the anchor, none;
 * times are the caller's to set, and the packet is his to unref. */
int dh_export_alpha_push(struct dh_export_alpha *alpha, const struct dh_unit *unit, bool is_anchor, AVPacket *packet,
	struct dh_fault *fault);

#endif
