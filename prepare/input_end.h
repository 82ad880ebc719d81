/* Watches the bytes of an input pass by to tell whether they end where the
 * container says: at the end of an MP4 box, a Matroska element, a RIFF chunk, an
 * Ogg stream, an FLV tag, an ADTS frame, a transport packet. Other containers
 * state nothing that could be checked here. Pure; any bytes are safe.
 */
#ifndef DH_INPUT_END_H
#define DH_INPUT_END_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum dh_container_kind {
	DH_CONTAINER_UNKNOWN = 0, /* too few bytes so far */
	DH_CONTAINER_OTHER,
	DH_CONTAINER_MP4, DH_CONTAINER_MATROSKA, DH_CONTAINER_WAV, DH_CONTAINER_AVI, DH_CONTAINER_OGG,
	DH_CONTAINER_FLV, DH_CONTAINER_ADTS, DH_CONTAINER_TS,
};

/* Zeroed, it stands at the beginning of the input. Fields are private. */
struct dh_input_end {
	enum dh_container_kind kind;
	uint8_t header[27 + 255]; /* of the present element; an Ogg page has the longest */
	unsigned used, need;      /* bytes of it there are, and are needed to go on */
	uint64_t skip;            /* bytes of the present element still to come */
	uint64_t at;              /* bytes that have passed */
	uint64_t stated_end;      /* of the Matroska segment; 0: unknown */
	int open;                 /* Ogg streams that have not ended, MP4 fragments without their media */
	bool is_done;             /* what follows cannot be judged */
};

/* The next bytes of the input. */
void dh_input_end_push(struct dh_input_end *end, const uint8_t *bytes, size_t size);

/* For inputs with random access: how many bytes to leave out before the next push,
 * because only their number matters. The input may end within them; then push what
 * there is with dh_input_end_pass. */
uint64_t dh_input_end_skip(const struct dh_input_end *end);
/* `count` bytes, at most dh_input_end_skip, pass without being looked at. */
void dh_input_end_pass(struct dh_input_end *end, uint64_t count);

/* Whether the container has stated more than has passed so far. */
bool dh_input_end_is_early(const struct dh_input_end *end);

#endif
