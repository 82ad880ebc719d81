/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Follows the structure of an input to tell whether it ends where its container
 * says: at the end of an MP4 box, a Matroska element, a RIFF chunk, an Ogg stream, an
 * FLV tag, an ADTS frame, a transport stream packet, an AIFF, CAF, AU or W64. Other containers promise
 * nothing that can be checked here. Tells also when a container is complete, if its format
 * has an end:
 *     MP4        after `mfra`, or without fragments, when all chunks of its index have come
 *     Matroska   at the stated end of the segment
 *     WAV, W64   at the stated end of `data`
 *     Ogg        after the last page of every stream that has begun
 *     FLV        after H.264's end of sequence
 * And it finds where another file of the same kind begins, as where files were joined. FLAC,
 * NUT, Y4M and AMR promise nothing but that. In MPEG-TS it is one with other streams: a demuxer
 * reads on through the others.
 * Pure; any bytes are safe.
 */
#ifndef DH_INPUT_END_H
#define DH_INPUT_END_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of 32 bits. Writers that cannot seek back leave 0, or almost the largest one. */
#define DH_SIZE_IS_UNSTATED(size) ((size) == 0 || (size) >= 0x7fff0000u)

enum dh_container_kind {
	DH_CONTAINER_UNKNOWN = 0, /* fewer bytes came than it takes to tell */
	DH_CONTAINER_OTHER,
	DH_CONTAINER_MP4,
	DH_CONTAINER_MATROSKA,
	DH_CONTAINER_WAV,
	DH_CONTAINER_AVI,
	DH_CONTAINER_OGG,
	DH_CONTAINER_FLV,
	DH_CONTAINER_ADTS,
	DH_CONTAINER_TS,
	DH_CONTAINER_AIFF,
	DH_CONTAINER_CAF,
	DH_CONTAINER_AU,
	DH_CONTAINER_NUT,
	DH_CONTAINER_FLAC,
	DH_CONTAINER_Y4M,
	DH_CONTAINER_AMR,
	DH_CONTAINER_IVF,
	DH_CONTAINER_M2TS, /* MPEG-TS with four bytes in front of each packet */
	DH_CONTAINER_W64,
};

/* No more bytes than these are held back because they may be another file's. */
#define DH_INPUT_END_HELD_MAX 4096

/* Streams of an MPEG-TS that may be played. */
#define DH_END_TS_STREAMS 8
struct dh_ts_stream {
	uint16_t pid;
	bool is_video;
	uint32_t kind; /* of codec */
};
struct dh_ts_streams {
	unsigned count;
	struct dh_ts_stream of[DH_END_TS_STREAMS];
};

/* Zero-initialise it. Read `kind`, `is_done`, `is_next`, `used` and `at`; the rest is private. */
struct dh_input_end {
	enum dh_container_kind kind;
	uint8_t header[27 + 255]; /* of the current element; an Ogg page has the longest */
	unsigned used, need;      /* bytes of the header: present, needed */
	uint64_t skip;            /* bytes of the current element still to come */
	uint64_t at;              /* bytes so far */
	uint64_t stated_end;      /* of the Matroska segment, or MP4 index; 0: unknown */
	uint64_t table_end;       /* of an MP4's table of chunks, while in it */
	uint64_t last_chunk;      /* MP4: where it begins; 0: unknown */
	unsigned entry;           /* bytes of an entry of that table; 0: not in one */
	bool is_fragmented;       /* MP4 */
	bool is_last;             /* this element is the container's last */
	int open;                 /* Ogg streams without end, MP4 fragments without media */
	const char *pattern;      /* how another file begins, while only that is looked for */
	bool has_media;           /* of a file that another may follow */
	bool is_odd, is_tail;     /* sound of an odd size; a chunk behind it */
	bool is_done;             /* the rest does not matter or cannot be followed */
	bool is_next;             /* another file begins with the last `used` bytes */
	bool is_left;             /* `is_done`, and the last `used` bytes and the rest are no part of it */
	/* MPEG-TS */
	struct dh_ts_streams streams; /* of the first table */
	uint16_t pmt_pid;             /* where it is; 0: unknown */
	bool in_tables;               /* the packets since tables_at were tables */
	uint64_t tables_at;
	unsigned in_a_row; /* packets */
	uint64_t good_at;  /* end of the last one that surely is one */
	bool is_damaged;   /* there is something between packets */
};

/* Takes the next bytes of the input, up to where it knows that another file has begun
 * (is_next). Returns how many. */
size_t dh_input_end_push(struct dh_input_end *end, const uint8_t *bytes, size_t size);

/* How many of the next bytes need not be read, for inputs with random access. */
uint64_t dh_input_end_skip(const struct dh_input_end *end);
/* Skips `count` bytes, at most dh_input_end_skip: fewer where the input ends. */
void dh_input_end_pass(struct dh_input_end *end, uint64_t count);

/* How many of the bytes that were taken last may be another file's. */
size_t dh_input_end_held(const struct dh_input_end *end);

/* Whether files of this kind can be read from front to back, without loss. */
bool dh_input_end_is_read_in_order(enum dh_container_kind kind);

/* Whether nothing more need come. More may come all the same, e.g. another container. */
bool dh_input_end_is_complete(const struct dh_input_end *end);

/* Whether an input that ends here has ended too early. */
bool dh_input_end_is_early(const struct dh_input_end *end);

/* Whether it ends here with bytes that are no part of it and no other file; *at: the first. */
bool dh_input_end_has_left(const struct dh_input_end *end, uint64_t *at);

#endif
