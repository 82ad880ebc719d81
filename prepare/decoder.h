/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Decodes prepared video: an anchor, then units from an entry on. */
#ifndef DH_DECODER_H
#define DH_DECODER_H

#include <stddef.h>
#include <stdint.h>

#include "fault.h"

struct dh_decoder;

int dh_decoder_alloc(struct dh_decoder **decoder, int width, int height, struct dh_fault *fault);
void dh_decoder_free(struct dh_decoder **decoder);

/* Decodes one frame. `i420`: where its picture goes; NULL: it is not needed. Fails with
 * DH_PREPARE_FORMAT if it is no VP8, or has another size. */
int dh_decoder_push(struct dh_decoder *decoder, const void *bytes, size_t size, uint8_t *i420, struct dh_fault *fault);

#endif
