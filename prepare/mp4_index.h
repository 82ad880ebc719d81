/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Follows the top level of an MP4 or MOV to tell whether its index (`moov`) comes
 * before the media (`mdat`). Pure; any bytes are safe.
 */
#ifndef DH_MP4_INDEX_H
#define DH_MP4_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dh_mp4_index {
	/* read by the owner */
	bool is_mp4;       /* starts like one */
	bool has_index;    /* `moov`, or a picture's `meta`, has come */
	bool media_first;  /* `mdat` came before it */
	int64_t index_end; /* offset of the end of the index */
	/* private */
	uint8_t header[16];
	unsigned used;
	uint64_t skip; /* bytes of the current box still to come */
	uint64_t at;   /* offset of the current box */
	bool is_done;
	int count;
};

/* Takes the next bytes of the input. Start with a zeroed struct. */
void dh_mp4_index_push(struct dh_mp4_index *index, const uint8_t *bytes, size_t size);

/* How many of the next bytes need not be read, for inputs with random access: up to
 * the next box header. 0 when no more is needed. */
uint64_t dh_mp4_index_skip(struct dh_mp4_index *index);

#endif
