/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The prepared-segment stream: dh-prepare writes it, `.dhs` files and the cache
 * hold it, and the plugin reads it from a worker's pipe. The bytes are the same.
 *
 * A stream is a sequence of records, all integers little-endian:
 *
 *     u32 type       four characters
 *     u32 length     bytes of body, at most DH_STREAM_RECORD_MAX
 *     body
 *     u32 checksum   CRC-32 (zlib's) over type, length and body
 *
 * in this order:
 *
 *     DHS1   once     head: version, size of the picture, which media it has
 *     ANCH   once     the anchor, a VP8 key frame (only with video)
 *     PICT   0 or 1   the anchor's picture as I420 (idle clips of an avatar)
 *     MARK   0 or 1   the disclosure mark that its pictures have (idle clips of an avatar):
 *                     before the first media, behind the anchor
 *     LEAD   0 or 1   only with sound, in a piece of an utterance: the first media are
 *                     the end of the piece before it, encoded once more
 *     VIDE, AUDI …    access units, at least one, in the order of their pts (never
 *                     falling over both kinds together; pictures at least 1 ms
 *                     apart); the first picture is an entry, no entry is droppable
 *     LOWR   0 to 2   before each VIDE, one less than there are qualities: its picture in the others, the
 *                     best of them first; behind them only WORD and lines may stand before the VIDE
 *     FADE   0 or 1   before each AUDI: the packet that takes its place where the sound is
 *                     cut; between the two only WORD and lines may stand
 *     WORD   any      a word and when it sounds, in the order of their beginnings; the
 *                     first one behind the anchor, before its sound or after it, at
 *                     most DH_STREAM_WORDS_MAX
 *     NOTE   any      UTF-8 text for a person, at most DH_STREAM_TEXT_MAX bytes; it may begin
 *                     with a code for programs, as in `[cut_short] a.mkv was cut short`
 *     ENDS | FAIL     once, last: the lengths and whether the source was complete,
 *                     or an error code and a text; a source that cannot be opened
 *                     is a FAIL alone
 *
 * Where a WORD may stand, a sender may also write a line of JSON instead of a record: it
 * begins with `{`, as no record does, has at most DH_STREAM_LINE_MAX bytes and no checksum,
 * and ends with a line feed. What it says is for whoever reads the stream (see `line`).
 *
 * Because units come in order, everything before the newest pts is there: a
 * stream can be played while it is being written.
 *
 * Bodies:
 *     DHS1  u16 version (4; 5 with more than one quality), u16 flags (1 video, 2 audio, 4 the lower part of the
 *           picture is its matte: matte.h, 8 there is a disclosure mark in every picture), u16 width, u16 height
 *           (0 without video), u32 rate_num, u32 rate_den (nominal frames a
 *           second; 0/1 when variable or unknown), u32 encoder text length, text,
 *           i64 stated_ticks (how long the source says that it is, more than 0;
 *           missing if it does not; in version 5 never missing, but 0), in version 5: 2 or 3 u32,
 *           the bit rates of the qualities in kbit/s (qualities.h)
 *     ANCH  the key frame's bytes: shown, of the head's size
 *     PICT  width*height*3/2 bytes, I420 without padding (odd sides not allowed)
 *     MARK  u8 corner (enum dh_mark_at), and that corner as I420 with its matte (mark.h)
 *     LEAD  i64 lead_ticks (where its own sound and pictures begin: more than 0, less
 *           than 40 ms), u32 packets (that the piece before has; the last ones, as
 *           many as lead_ticks fill or begin, are replaced by this segment's first),
 *           an Opus packet (for the place of the one at lead_ticks if the segment
 *           begins after silence: without the other piece's sound)
 *     VIDE  i64 pts_ticks, u32 duration_ticks, u32 flags (DH_UNIT_…),
 *           DH_LUMA_BYTES luma, the picture's bytes
 *     LOWR  the picture's bytes; times and flags are those of the VIDE behind it
 *     AUDI  7 bytes pts_ticks (the first 0, each 20 ms more than the last), u8 loudness
 *           (unit.h; 0: unknown), bytes
 *     FADE  an Opus packet of 20 ms, which goes on from the packet before it as the AUDI behind it
 *           does, and ends in silence
 *     WORD  i64 from_ticks, i64 to_ticks (not before from_ticks), 1 to
 *           DH_STREAM_WORD_MAX bytes of text
 *     NOTE  text
 *     ENDS  i64 video_ticks, i64 audio_ticks (lengths of picture and sound: each
 *           ends within its last unit, at most with it; 0 without units), u32 flags
 *           (1 incomplete: the source ended before its container said it would)
 *     FAIL  i32 code (enum dh_prepare_exit), text
 *
 * Version 1 is the same without the flags in ENDS, version 2 without WORD, LEAD, lines,
 * mattes and stated_ticks, version 3 without FADE, loudness (0) and marks, version 4 without LOWR and bit rates;
 * readers accept them all.
 *
 * Pictures are inter frames that leave a decoder's state as the anchor set it, but for the last frame, which
 * all of VIDE replace that are not droppable, and no droppable one does (guard.h).
 *
 * Texts are UTF-8 without control characters. No unit ends after
 * DH_STREAM_TICKS_MAX.
 */
#ifndef DH_STREAM_H
#define DH_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "qualities.h"
#include "unit.h"

#define DH_STREAM_VERSION           5
#define DH_STREAM_RECORD_MAX        (8u * 1024 * 1024) /* a 2304x2304 PICT fits */
#define DH_STREAM_TEXT_MAX          1000u
#define DH_STREAM_CODE_MAX          24u    /* of a note: a to z, digits, _ */
#define DH_STREAM_WORD_MAX          200u   /* bytes of a word */
#define DH_STREAM_WORDS_MAX         2000u  /* of a stream */
#define DH_STREAM_LINE_MAX          65536u /* bytes, with its line feed */
#define DH_STREAM_SIDE_MIN          16
#define DH_STREAM_SIDE_MAX          2304               /* even; widths and heights of a picture */
#define DH_STREAM_TICKS_MAX         (INT64_C(1) << 48) /* twelve years: sums never overflow */
#define DH_STREAM_PICTURE_TICKS_MIN 720                /* from a picture to the next: 1 ms */
#define DH_STREAM_LEAD_TICKS_MAX    28799              /* less than two packets */
#define DH_STREAM_SUFFIX            ".dhs"

/* The corner of a disclosure mark (mark.h). */
enum dh_mark_at { DH_MARK_BOTTOM_RIGHT, DH_MARK_BOTTOM_LEFT, DH_MARK_TOP_RIGHT, DH_MARK_TOP_LEFT };

struct dh_stream_head {
	bool has_video, has_audio;            /* at least one of them */
	int width, height;                    /* as coded; even, 0 without video */
	bool has_matte;                       /* the picture's lower part is its matte (matte.h) */
	bool has_mark;                        /* every picture has a disclosure mark, says who made it */
	int64_t rate_num, rate_den;           /* nominal frame rate; 0/1: variable or unknown */
	char encoder[DH_STREAM_TEXT_MAX + 1]; /* for people: libraries and settings */
	int64_t stated_ticks;                 /* how long the source says that it is; 0: it does not */
	int kbps[DH_QUALITIES_MAX];           /* by quality, if there is more than one; else 0. Only with video */
};

struct dh_stream_end {
	int64_t video_ticks, audio_ticks;
	bool is_incomplete; /* the source ended before its container said it would */
};

struct dh_stream_word {
	int64_t from_ticks, to_ticks; /* from the segment's start */
	char text[DH_STREAM_WORD_MAX + 1];
};

/* Whether `size` bytes are a text that a stream may hold: UTF-8 without control characters. */
bool dh_stream_text_is_valid(const char *text, size_t size);

/* --- reading */

/* What a reader reports. Any function may be NULL. A negative return (an errno)
 * stops the reader, which returns it from then on. Everything passed is borrowed
 * until the function returns: take a reference to a unit to keep it. The anchor's
 * times mean nothing. No function may free or feed the reader. */
struct dh_stream_sink {
	int (*head)(void *arg, const struct dh_stream_head *head);
	int (*anchor)(void *arg, struct dh_unit *anchor);
	int (*picture)(void *arg, const uint8_t *i420, size_t size);
	int (*mark)(void *arg, enum dh_mark_at at, const uint8_t *i420, size_t size);
	int (*unit)(void *arg, struct dh_unit *unit);
	int (*word)(void *arg, const struct dh_stream_word *word);
	/* A line of JSON, without its line feed and without a null byte behind it. Sets *why to a
	 * static text if it returns an error. */
	int (*line)(void *arg, const char *json, size_t size, const char **why);
	int (*note)(void *arg, const char *text);
	int (*end)(void *arg, const struct dh_stream_end *end);
	int (*failure)(void *arg, int code, const char *text);
};

/* Limits on what is accepted; 0: only the format's own. */
struct dh_stream_limits {
	int64_t duration_ticks; /* pts + duration of any unit */
	size_t bytes;           /* of the whole stream */
	int width, height;      /* largest picture */
};

struct dh_stream_reader;

/* The input is treated as hostile: every length, order, range and checksum is
 * verified, and the header of every picture; memory is bounded by one record and one picture's lower qualities.
 * `limits` may be NULL; it and `sink` are copied. -ENOMEM. */
int dh_stream_reader_alloc(struct dh_stream_reader **reader, const struct dh_stream_limits *limits,
	const struct dh_stream_sink *sink, void *arg);
void dh_stream_reader_free(struct dh_stream_reader **reader);

/* Feeds the next bytes, cut anywhere. 0; -EBADMSG: not a valid stream; -EFBIG: beyond
 * a limit; -ENOMEM; or what a sink function returned. After an error every call
 * returns the same. */
int dh_stream_reader_push(struct dh_stream_reader *reader, const void *bytes, size_t size);

/* Call it at the end of input. 0: ENDS or FAIL was the last record; -ENODATA: cut
 * short; or the earlier error. */
int dh_stream_reader_finish(struct dh_stream_reader *reader);

/* What went wrong, for people; "" if nothing did. Valid as long as the reader. */
const char *dh_stream_reader_error(const struct dh_stream_reader *reader);

/* Splits a note into its code and its sentence, which is returned and is a part of `note`.
 * The code of a note without one is "other". */
const char *dh_stream_note_split(const char *note, char code[DH_STREAM_CODE_MAX + 1]);

/* --- writing */

/* Writes all of it or returns a negative errno. */
typedef int dh_stream_write_fn(void *arg, const void *bytes, size_t size);

/* Each function writes one record with one call of `write` (sound that has a fade: two; a picture: one for
 * each quality) and returns its result;
 * -EINVAL: a reader would refuse it; -ENOMEM. The caller sees to the order of records, and to what is in pictures.
 * Texts are cut to DH_STREAM_TEXT_MAX bytes at a character; control characters and what
 * is not UTF-8 are replaced. */
struct dh_stream_writer {
	dh_stream_write_fn *write;
	void *arg;
};
int dh_stream_write_head(const struct dh_stream_writer *writer, const struct dh_stream_head *head);
int dh_stream_write_anchor(const struct dh_stream_writer *writer, const void *bytes, size_t size);
int dh_stream_write_picture(const struct dh_stream_writer *writer, const uint8_t *i420, size_t size);
int dh_stream_write_mark(const struct dh_stream_writer *writer, enum dh_mark_at at, const uint8_t *i420, size_t size);
int dh_stream_write_unit(const struct dh_stream_writer *writer, const struct dh_unit *unit);
int dh_stream_write_word(const struct dh_stream_writer *writer, const struct dh_stream_word *word);
int dh_stream_write_note(const struct dh_stream_writer *writer, const char *text);
int dh_stream_write_end(const struct dh_stream_writer *writer, const struct dh_stream_end *end);
int dh_stream_write_failure(const struct dh_stream_writer *writer, int code, const char *text);

#endif
