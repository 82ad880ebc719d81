/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Private to the stream reader: which records may come, and what is in them.
 * stream_reader.c collects the bytes of one record; this verifies them against the
 * format, the limits and the records before, and reports them to the sink. */
#ifndef DH_STREAM_RECORDS_H
#define DH_STREAM_RECORDS_H

#include "stream.h"
#include "vp8_header.h"

/* What was seen of one medium. */
struct dh_stream_track {
	int64_t units;
	int64_t last_ticks; /* pts of the newest unit */
	int64_t end_ticks;  /* and its end */
};

/* Zero it, then set limits, sink and arg. In the end call dh_stream_records_clear. */
struct dh_stream_records {
	/* immutable */
	struct dh_stream_limits limits;
	struct dh_stream_sink sink;
	void *arg;
	/* where in the stream we are */
	struct dh_stream_head head;
	unsigned version;
	bool has_head, has_anchor, has_picture, has_mark, has_lead, is_ended;
	struct dh_vp8_header anchor;
	struct dh_stream_track tracks[2]; /* by enum dh_media */
	int64_t newest_ticks;             /* pts over both media */
	/* of the picture that comes next: in the lower qualities, the best of them first */
	struct dh_unit *lowers[DH_QUALITIES_MAX - 1];
	int lower_count;
	/* of the sound that comes next; 0: it has none */
	size_t fade_size;
	uint8_t fade[DH_AUDIO_UNIT_MAX];
	unsigned words;
	int64_t word_ticks; /* when the newest word begins */
	size_t bytes;       /* of all records accepted */
	/* what went wrong, for people */
	char text[200];
};

void dh_stream_records_clear(struct dh_stream_records *records);

/* Whether a record that begins with these DH_WIRE_PREFIX bytes may come now. Sets
 * *size to the size of the whole record. -EBADMSG, -EFBIG. */
int dh_stream_records_prefix(struct dh_stream_records *records, const uint8_t *prefix, size_t *size);

/* Reads a whole record whose prefix was accepted. -EBADMSG, -EFBIG, -ENOMEM, or what
 * a function of the sink returned. */
int dh_stream_records_read(struct dh_stream_records *records, const uint8_t *record, size_t size);

/* Reports a line of JSON without its line feed. -EBADMSG, -EFBIG, or what the sink returned. */
int dh_stream_records_line(struct dh_stream_records *records, const char *json, size_t size);

/* Reads a head's body (stream_head.c), of whose size only the fixed part was checked, and reports it. */
int dh_stream_records_head(struct dh_stream_records *records, const uint8_t *body, size_t size);

/* Copies a text and a null byte; lengths were checked. -EBADMSG. */
int dh_stream_records_text(struct dh_stream_records *records, char *out, const uint8_t *text, size_t size);

/* Writes down what went wrong; returns `err`. */
int dh_stream_records_fail(struct dh_stream_records *records, int err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
