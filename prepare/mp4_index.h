/* Watches the top level of an MP4 or MOV pass by, to tell whether its index
 * (`moov`) comes before the media. Pure.
 */
#ifndef DH_MP4_INDEX_H
#define DH_MP4_INDEX_H

#include <stddef.h>
#include <stdint.h>

struct dh_mp4_index {
	/* read by the owner */
	int is_mp4;      /* begins as one does */
	int has_index;   /* `moov` was seen */
	int media_first; /* `mdat` came before it */
	int64_t index_end; /* where the index ends, from the beginning */
	/* private */
	uint8_t header[16];
	unsigned used;
	uint64_t skip;   /* bytes of the present box still to come */
	uint64_t at;     /* where the present box begins */
	int done, count;
};

/* The next bytes of the input; zeroed, it stands at the beginning. */
void dh_mp4_index_push(struct dh_mp4_index *boxes, const uint8_t *bytes, size_t size);

/* For inputs that can be read at any place: bytes up to the next box header,
 * which may be left out. 0 when no more is needed. */
uint64_t dh_mp4_index_skip(struct dh_mp4_index *boxes);

#endif
