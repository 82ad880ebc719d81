#include "stream.h"
#include "stream_wire.h"
#include "timebase.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

/* The buffer grows as bytes arrive, never on the word of a length field. */
#define BUFFER_MIN  4096u
/* What may stay allocated between records; a larger one is given back. */
#define BUFFER_KEEP (256u * 1024)

/* What was seen of one medium. */
struct track {
	int present;         /* the head promises it */
	int64_t units;
	int64_t last_ticks;  /* pts of the newest unit */
	int64_t end_ticks;   /* and its end */
};

struct dh_stream_reader {
	/* immutable */
	struct dh_stream_limits limits;
	struct dh_stream_sink sink;
	void *arg;
	/* where in the stream we are */
	struct dh_stream_head head;
	int has_head, has_anchor, has_picture, is_ended;
	struct track tracks[2];  /* by enum dh_media */
	int64_t newest_ticks;    /* pts over both media */
	size_t total;            /* bytes of the records before this one */
	/* the record that is being read, prefix and checksum included */
	uint8_t *buffer;
	size_t used, capacity;
	size_t need;             /* DH_WIRE_PREFIX until the length is known, then all of it */
	/* the first error sticks */
	int error;
	char text[200];
};

__attribute__((format(printf, 3, 4)))
static int fail(struct dh_stream_reader *reader, int error, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(reader->text, sizeof reader->text, format, args);
	va_end(args);
	return error;
}

static int bad_order(struct dh_stream_reader *reader, const char *what)
{
	return fail(reader, -EBADMSG, "order of records: %s", what);
}

static const char *media_name(enum dh_media media)
{
	return media == DH_VIDEO ? "video" : "audio";
}

/* ------------------------------------------------ what may come, how large */

/* Whether a record of this type may stand here. */
static int check_order(struct dh_stream_reader *reader, uint32_t type)
{
	int units = reader->tracks[DH_VIDEO].units > 0 || reader->tracks[DH_AUDIO].units > 0;
	/* A source that cannot be opened has a failure and no head. */
	if (type == DH_WIRE_FAILURE)
		return 0;
	if (type == DH_WIRE_HEAD)
		return reader->has_head ? bad_order(reader, "a second head") : 0;
	if (!reader->has_head)
		return fail(reader, -EBADMSG, "not a prepared segment: it does not begin with DHS1");
	if (type == DH_WIRE_ANCHOR || type == DH_WIRE_PICTURE || type == DH_WIRE_VIDEO) {
		if (!reader->head.has_video)
			return bad_order(reader, "video in a stream without video");
	}
	switch (type) {
	case DH_WIRE_ANCHOR:
		return reader->has_anchor ? bad_order(reader, "a second anchor") : 0;
	case DH_WIRE_PICTURE:
		if (!reader->has_anchor)
			return bad_order(reader, "the anchor's picture before the anchor");
		if (reader->has_picture || units)
			return bad_order(reader, "the anchor's picture comes once, before the first unit");
		return 0;
	case DH_WIRE_AUDIO:
		if (!reader->head.has_audio)
			return bad_order(reader, "audio in a stream without audio");
		/* fall through */
	case DH_WIRE_VIDEO:
		if (reader->head.has_video && !reader->has_anchor)
			return bad_order(reader, "a unit before the anchor");
		return 0;
	case DH_WIRE_NOTE:
	case DH_WIRE_END:
		return 0;
	default:
		return fail(reader, -EBADMSG, "unknown record type 0x%08" PRIx32, type);
	}
}

/* Whether a body of this type, which may stand here, can have this length. */
static int check_length(struct dh_stream_reader *reader, uint32_t type, size_t length)
{
	size_t min = 0, max = 0;
	switch (type) {
	case DH_WIRE_HEAD:
		min = DH_WIRE_HEAD_FIXED;
		max = min + DH_STREAM_TEXT_MAX;
		break;
	case DH_WIRE_ANCHOR:
		min = DH_WIRE_KEY_FRAME_MIN;
		max = DH_VIDEO_UNIT_MAX;
		break;
	case DH_WIRE_PICTURE:
		min = max = (size_t)reader->head.width * (size_t)reader->head.height * 3 / 2;
		break;
	case DH_WIRE_VIDEO:
		min = DH_WIRE_VIDEO_FIXED + 1;
		max = DH_WIRE_VIDEO_FIXED + DH_VIDEO_UNIT_MAX;
		break;
	case DH_WIRE_AUDIO:
		min = DH_WIRE_AUDIO_FIXED + 1;
		max = DH_WIRE_AUDIO_FIXED + DH_AUDIO_UNIT_MAX;
		break;
	case DH_WIRE_NOTE:
		max = DH_STREAM_TEXT_MAX;
		break;
	case DH_WIRE_END:
		min = max = DH_WIRE_END_FIXED;
		break;
	case DH_WIRE_FAILURE:
		min = DH_WIRE_FAILURE_FIXED;
		max = min + DH_STREAM_TEXT_MAX;
		break;
	}
	if (length < min || length > max)
		return fail(reader, -EBADMSG, "a record %.4s of %zu bytes, expected %zu to %zu",
			(const char *)reader->buffer, length, min, max);
	return 0;
}

static int check_prefix(struct dh_stream_reader *reader)
{
	uint32_t type = dh_wire_get32(reader->buffer);
	size_t length = dh_wire_get32(reader->buffer + 4), whole, limit = reader->limits.bytes;
	int rc = check_order(reader, type);
	if (rc == 0)
		rc = check_length(reader, type, length);
	if (rc < 0)
		return rc;
	whole = DH_WIRE_PREFIX + length + DH_WIRE_CHECKSUM;
	if (limit > 0 && (reader->total > limit || whole > limit - reader->total))
		return fail(reader, -EFBIG, "the stream is longer than %zu bytes", limit);
	reader->need = whole;
	return 0;
}

/* ------------------------------------------------------------ the records */

/* `out` has room for DH_STREAM_TEXT_MAX + 1; lengths were checked. */
static int read_text(struct dh_stream_reader *reader, char *out, const uint8_t *text, size_t size)
{
	for (size_t i = 0, step; i < size; i += step) {
		step = dh_wire_character(text + i, size - i);
		if (step == 0)
			return fail(reader, -EBADMSG, "a text that is not UTF-8 or has a control character");
	}
	memcpy(out, text, size);
	out[size] = '\0';
	return 0;
}

static int check_size(struct dh_stream_reader *reader, int width, int height)
{
	if (!reader->head.has_video) {
		if (width != 0 || height != 0)
			return fail(reader, -EBADMSG, "a picture size without video: %dx%d", width, height);
		return 0;
	}
	if (!dh_wire_side_is_valid(width) || !dh_wire_side_is_valid(height))
		return fail(reader, -EBADMSG, "picture of %dx%d: sides are even, %d to %d", width, height,
			DH_STREAM_SIDE_MIN, DH_STREAM_SIDE_MAX);
	if ((reader->limits.width > 0 && width > reader->limits.width) ||
			(reader->limits.height > 0 && height > reader->limits.height))
		return fail(reader, -EFBIG, "picture of %dx%d, at most %dx%d", width, height,
			reader->limits.width, reader->limits.height);
	return 0;
}

static int read_head(struct dh_stream_reader *reader, const uint8_t *body, size_t size)
{
	struct dh_stream_head *head = &reader->head;
	unsigned version = dh_wire_get16(body), flags = dh_wire_get16(body + 2);
	int rc;
	if (version != DH_STREAM_VERSION)
		return fail(reader, -EBADMSG, "format version %u, expected %d", version, DH_STREAM_VERSION);
	if (flags == 0 || flags & ~(DH_WIRE_FLAG_VIDEO | DH_WIRE_FLAG_AUDIO))
		return fail(reader, -EBADMSG, "head with flags %u", flags);
	head->has_video = (flags & DH_WIRE_FLAG_VIDEO) != 0;
	head->has_audio = (flags & DH_WIRE_FLAG_AUDIO) != 0;
	head->width = dh_wire_get16(body + 4);
	head->height = dh_wire_get16(body + 6);
	rc = check_size(reader, head->width, head->height);
	if (rc < 0)
		return rc;
	head->rate_num = dh_wire_get32(body + 8);
	head->rate_den = dh_wire_get32(body + 12);
	if (!dh_wire_rate_is_valid(head->rate_num, head->rate_den))
		return fail(reader, -EBADMSG, "frame rate %" PRId64 "/%" PRId64, head->rate_num, head->rate_den);
	if (dh_wire_get32(body + 16) != size - DH_WIRE_HEAD_FIXED)
		return fail(reader, -EBADMSG, "head whose text does not fill it");
	rc = read_text(reader, head->encoder, body + DH_WIRE_HEAD_FIXED, size - DH_WIRE_HEAD_FIXED);
	if (rc < 0)
		return rc;
	reader->has_head = 1;
	reader->tracks[DH_VIDEO].present = head->has_video;
	reader->tracks[DH_AUDIO].present = head->has_audio;
	return reader->sink.head ? reader->sink.head(reader->arg, head) : 0;
}

/* Hands on a unit and drops it; NULL: there was no memory for it. */
static int lend(struct dh_stream_reader *reader, struct dh_unit *unit, int (*take)(void *, struct dh_unit *))
{
	int rc = 0;
	if (!unit)
		return fail(reader, -ENOMEM, "out of memory");
	if (take)
		rc = take(reader->arg, unit);
	dh_unit_unref(&unit);
	return rc;
}

static int read_anchor(struct dh_stream_reader *reader, const uint8_t *body, size_t size)
{
	int width, height;
	if (!dh_wire_is_key_frame(body, size))
		return fail(reader, -EBADMSG, "the anchor is not a shown VP8 key frame");
	width = dh_wire_get16(body + 6) & 0x3fff;
	height = dh_wire_get16(body + 8) & 0x3fff;
	if (width != reader->head.width || height != reader->head.height)
		return fail(reader, -EBADMSG, "the anchor has %dx%d, the head %dx%d", width, height,
			reader->head.width, reader->head.height);
	reader->has_anchor = 1;
	return lend(reader, dh_unit_new(DH_VIDEO, 0, DH_SLOT_TICKS, body, size), reader->sink.anchor);
}

static int read_picture(struct dh_stream_reader *reader, const uint8_t *body, size_t size)
{
	reader->has_picture = 1;
	return reader->sink.picture ? reader->sink.picture(reader->arg, body, size) : 0;
}

/* Verifies a unit's time against those before it, and remembers it. */
static int step_time(struct dh_stream_reader *reader, enum dh_media media, int64_t pts_ticks,
	int64_t duration_ticks)
{
	struct track *track = &reader->tracks[media];
	int64_t limit = reader->limits.duration_ticks;
	if (pts_ticks < 0 || duration_ticks <= 0)
		return fail(reader, -EBADMSG, "%s unit at %" PRId64 " lasting %" PRId64 " ticks",
			media_name(media), pts_ticks, duration_ticks);
	if (limit <= 0 || limit > DH_STREAM_TICKS_MAX)
		limit = DH_STREAM_TICKS_MAX;
	if (pts_ticks > limit - duration_ticks)
		return fail(reader, -EFBIG, "longer than %" PRId64 " ms", dh_ms_from_ticks(limit));
	if (pts_ticks < reader->newest_ticks || (track->units > 0 && pts_ticks == track->last_ticks))
		return fail(reader, -EBADMSG, "%s unit at %" PRId64 " after one at %" PRId64 " ticks",
			media_name(media), pts_ticks, reader->newest_ticks);
	reader->newest_ticks = pts_ticks;
	track->last_ticks = pts_ticks;
	track->end_ticks = pts_ticks + duration_ticks;
	track->units++;
	return 0;
}

static int read_video(struct dh_stream_reader *reader, const uint8_t *body, size_t size)
{
	int64_t pts_ticks = dh_wire_get64(body), duration_ticks = dh_wire_get32(body + 8);
	uint32_t flags = dh_wire_get32(body + 12);
	struct dh_unit *unit;
	int rc;
	if (!dh_wire_flags_are_valid(flags))
		return fail(reader, -EBADMSG, "picture with flags 0x%" PRIx32, flags);
	if (reader->tracks[DH_VIDEO].units == 0 && !(flags & DH_UNIT_ENTRY))
		return fail(reader, -EBADMSG, "the first picture is not an entry");
	rc = step_time(reader, DH_VIDEO, pts_ticks, duration_ticks);
	if (rc < 0)
		return rc;
	unit = dh_unit_new(DH_VIDEO, pts_ticks, duration_ticks, body + DH_WIRE_VIDEO_FIXED,
		size - DH_WIRE_VIDEO_FIXED);
	if (unit) {
		unit->flags = flags;
		memcpy(unit->luma, body + 16, DH_LUMA_BYTES);
	}
	return lend(reader, unit, reader->sink.unit);
}

static int read_audio(struct dh_stream_reader *reader, const uint8_t *body, size_t size)
{
	const struct track *track = &reader->tracks[DH_AUDIO];
	int64_t pts_ticks = dh_wire_get64(body);
	int rc;
	if (pts_ticks % DH_SLOT_TICKS != 0 || (track->units > 0 && pts_ticks != track->end_ticks))
		return fail(reader, -EBADMSG, "audio unit at %" PRId64 " ticks, not on the next 20 ms", pts_ticks);
	rc = step_time(reader, DH_AUDIO, pts_ticks, DH_SLOT_TICKS);
	if (rc < 0)
		return rc;
	return lend(reader, dh_unit_new(DH_AUDIO, pts_ticks, DH_SLOT_TICKS, body + DH_WIRE_AUDIO_FIXED,
			size - DH_WIRE_AUDIO_FIXED), reader->sink.unit);
}

/* A length ends within the last unit; without units it is 0. */
static int check_end(struct dh_stream_reader *reader, enum dh_media media, int64_t length_ticks)
{
	const struct track *track = &reader->tracks[media];
	int64_t least_ticks = track->units > 0 ? track->last_ticks + 1 : 0;
	if (length_ticks < least_ticks || length_ticks > track->end_ticks)
		return fail(reader, -EBADMSG, "%s of %" PRId64 " ticks, its units say %" PRId64 " to %" PRId64,
			media_name(media), length_ticks, least_ticks, track->end_ticks);
	return 0;
}

static int read_end(struct dh_stream_reader *reader, const uint8_t *body)
{
	struct dh_stream_end end = { dh_wire_get64(body), dh_wire_get64(body + 8) };
	int rc;
	if (reader->tracks[DH_VIDEO].units == 0 && reader->tracks[DH_AUDIO].units == 0)
		return fail(reader, -EBADMSG, "a stream without picture and sound");
	rc = check_end(reader, DH_VIDEO, end.video_ticks);
	if (rc == 0)
		rc = check_end(reader, DH_AUDIO, end.audio_ticks);
	if (rc < 0)
		return rc;
	reader->is_ended = 1;
	return reader->sink.end ? reader->sink.end(reader->arg, &end) : 0;
}

static int read_note(struct dh_stream_reader *reader, const uint8_t *body, size_t size)
{
	char text[DH_STREAM_TEXT_MAX + 1];
	int rc = read_text(reader, text, body, size);
	if (rc < 0)
		return rc;
	return reader->sink.note ? reader->sink.note(reader->arg, text) : 0;
}

static int read_failure(struct dh_stream_reader *reader, const uint8_t *body, size_t size)
{
	char text[DH_STREAM_TEXT_MAX + 1];
	int rc = read_text(reader, text, body + DH_WIRE_FAILURE_FIXED, size - DH_WIRE_FAILURE_FIXED);
	if (rc < 0)
		return rc;
	reader->is_ended = 1;
	return reader->sink.failure ?
		reader->sink.failure(reader->arg, (int32_t)dh_wire_get32(body), text) : 0;
}

static int read_record(struct dh_stream_reader *reader)
{
	const uint8_t *body = reader->buffer + DH_WIRE_PREFIX;
	size_t size = reader->need - DH_WIRE_PREFIX - DH_WIRE_CHECKSUM;
	uint32_t checksum = (uint32_t)crc32(0, reader->buffer, (uInt)(DH_WIRE_PREFIX + size));
	if (checksum != dh_wire_get32(body + size))
		return fail(reader, -EBADMSG, "wrong checksum in a record %.4s", (const char *)reader->buffer);
	switch (dh_wire_get32(reader->buffer)) {
	case DH_WIRE_HEAD:
		return read_head(reader, body, size);
	case DH_WIRE_ANCHOR:
		return read_anchor(reader, body, size);
	case DH_WIRE_PICTURE:
		return read_picture(reader, body, size);
	case DH_WIRE_VIDEO:
		return read_video(reader, body, size);
	case DH_WIRE_AUDIO:
		return read_audio(reader, body, size);
	case DH_WIRE_NOTE:
		return read_note(reader, body, size);
	case DH_WIRE_END:
		return read_end(reader, body);
	default: /* check_order let nothing else pass */
		return read_failure(reader, body, size);
	}
}

/* ------------------------------------------------------------- the buffer */

static int reserve(struct dh_stream_reader *reader, size_t size)
{
	size_t capacity = reader->capacity * 2;
	uint8_t *buffer;
	if (size <= reader->capacity)
		return 0;
	if (capacity > reader->need)
		capacity = reader->need;
	if (capacity < BUFFER_MIN)
		capacity = BUFFER_MIN;
	if (capacity < size)
		capacity = size;
	buffer = realloc(reader->buffer, capacity);
	if (!buffer)
		return fail(reader, -ENOMEM, "out of memory");
	reader->buffer = buffer;
	reader->capacity = capacity;
	return 0;
}

static void release(struct dh_stream_reader *reader)
{
	free(reader->buffer);
	reader->buffer = NULL;
	reader->capacity = 0;
}

/* A record is complete: takes it in and makes room for the next. */
static int finish_record(struct dh_stream_reader *reader)
{
	int rc = read_record(reader);
	reader->total += reader->need;
	reader->used = 0;
	reader->need = DH_WIRE_PREFIX;
	if (reader->capacity > BUFFER_KEEP || reader->is_ended)
		release(reader);
	return rc < 0 ? rc : 0;
}

/* Takes what the current record still lacks, at most `size` bytes; `taken` is
 * how many that were. */
static int take_bytes(struct dh_stream_reader *reader, const uint8_t *bytes, size_t size, size_t *taken)
{
	size_t step = reader->need - reader->used;
	int rc;
	if (step > size)
		step = size;
	rc = reserve(reader, reader->used + step);
	if (rc < 0)
		return rc;
	memcpy(reader->buffer + reader->used, bytes, step);
	reader->used += step;
	*taken = step;
	if (reader->used < reader->need)
		return 0;
	return reader->need == DH_WIRE_PREFIX ? check_prefix(reader) : finish_record(reader);
}

int dh_stream_reader_push(struct dh_stream_reader *reader, const void *bytes, size_t size)
{
	const uint8_t *p = bytes;
	while (reader->error == 0 && size > 0) {
		size_t taken = 0;
		if (reader->is_ended)
			reader->error = fail(reader, -EBADMSG, "bytes after the end");
		else
			reader->error = take_bytes(reader, p, size, &taken);
		p += taken;
		size -= taken;
	}
	if (reader->error < 0)
		release(reader);
	return reader->error;
}

int dh_stream_reader_finish(struct dh_stream_reader *reader)
{
	if (reader->error < 0 || reader->is_ended)
		return reader->error;
	reader->error = reader->total == 0 && reader->used == 0 ?
		fail(reader, -ENODATA, "an empty stream") :
		fail(reader, -ENODATA, "cut short after %zu bytes", reader->total + reader->used);
	release(reader);
	return reader->error;
}

const char *dh_stream_reader_error(const struct dh_stream_reader *reader)
{
	return reader->text;
}

int dh_stream_reader_alloc(struct dh_stream_reader **reader, const struct dh_stream_limits *limits,
	const struct dh_stream_sink *sink, void *arg)
{
	struct dh_stream_reader *r = calloc(1, sizeof *r);
	if (!r)
		return -ENOMEM;
	if (limits)
		r->limits = *limits;
	r->sink = *sink;
	r->arg = arg;
	r->need = DH_WIRE_PREFIX;
	*reader = r;
	return 0;
}

void dh_stream_reader_free(struct dh_stream_reader **reader)
{
	struct dh_stream_reader *r = *reader;
	*reader = NULL;
	if (!r)
		return;
	free(r->buffer);
	free(r);
}
