/* SPDX-License-Identifier: GPL-3.0-or-later */
/* NUT, FFmpeg's container for raw media (the NUT specification; libavformat/nut.h).
 * Every frame has all its fields and a sync point of its own.
 */
#include "talker_containers.h"

#define MAIN_START   UINT64_C(0x4e4d7a561f5f04ad)
#define STREAM_START UINT64_C(0x4e5311405bf2f9db)
#define INDEX_START  UINT64_C(0x4e58dd672f23e64e)
#define SYNC_START   UINT64_C(0x4e4be4adeeca4569)

#define MAX_DISTANCE  32768
#define MSB_PTS_SHIFT 14

/* Flags of a frame code. */
#define FLAG_KEY       1
#define FLAG_CODED_PTS 8
#define FLAG_STREAM_ID 16
#define FLAG_SIZE_MSB  32
#define FLAG_CHECKSUM  64

#define FRAME_CODE 0 /* all but 'N' mean the same here */

/* Seven bits a byte, big-endian; all but the last have bit 7 set. */
static void v(struct dh_bytes *bytes, uint64_t value)
{
	int groups = 1;

	while (value >> (7 * groups))
		groups++;
	while (groups-- > 0)
		dh_bytes_number(bytes, (groups ? 0x80 : 0) | (value >> (7 * groups) & 0x7f), 1);
}

static void vb(struct dh_bytes *bytes, const void *data, size_t size)
{
	v(bytes, size);
	dh_bytes_put(bytes, data, size);
}

/* CRC-32 with the generator 0x04c11db7, neither reflected nor inverted. */
static uint32_t crc(const uint8_t *data, size_t size)
{
	uint32_t sum = 0;

	while (size--) {
		sum ^= (uint32_t)*data++ << 24;
		for (int bit = 0; bit < 8; bit++)
			sum = sum << 1 ^ (sum >> 31 ? 0x04c11db7u : 0);
	}
	return sum;
}

static void packet(struct dh_bytes *bytes, uint64_t start, const struct dh_bytes *body)
{
	dh_bytes_number(bytes, start, 8);
	v(bytes, body->size + 4); /* with the checksum; below 4096, so the head has none */
	dh_bytes_put(bytes, body->data, body->size);
	dh_bytes_number(bytes, crc(body->data, body->size), 4);
	bytes->full |= body->full;
}

/* Picture, sound, words. */
static int stream_count(const struct dh_mux_format *format)
{
	return format->sample_rate ? 2 + format->has_words : 1;
}

static void main_header(struct dh_bytes *bytes, const struct dh_mux_format *format)
{
	struct dh_bytes body = { 0 };
	int streams = stream_count(format);

	v(&body, 3); /* version */
	v(&body, (uint64_t)streams);
	v(&body, MAX_DISTANCE);
	v(&body, (uint64_t)streams); /* time bases, one for each stream */
	v(&body, (uint64_t)format->fps_den);
	v(&body, (uint64_t)format->fps_num);
	if (format->sample_rate) {
		v(&body, 1);
		v(&body, (uint64_t)format->sample_rate);
	}
	if (streams > 2) {
		v(&body, 1);
		v(&body, 1000);
	}
	/* One row describes all 255 frame codes. */
	v(&body, FLAG_KEY | FLAG_CODED_PTS | FLAG_STREAM_ID | FLAG_SIZE_MSB | FLAG_CHECKSUM);
	v(&body, 6);   /* fields follow */
	v(&body, 0);   /* pts delta */
	v(&body, 1);   /* size multiplier */
	v(&body, 0);   /* stream */
	v(&body, 0);   /* size */
	v(&body, 0);   /* reserved fields */
	v(&body, 255); /* codes of this row */
	v(&body, 0);   /* elision headers */
	packet(bytes, MAIN_START, &body);
}

static void stream_header(struct dh_bytes *bytes, const struct dh_mux_format *format, int stream)
{
	static const char *const tags[] = { "I420", "PSD\x10", "UTF8" };
	struct dh_bytes body = { 0 };

	v(&body, (uint64_t)stream);
	v(&body, (uint64_t)stream); /* class: 0 video, 1 audio, 2 subtitles */
	vb(&body, tags[stream], 4);
	v(&body, (uint64_t)stream); /* time base */
	v(&body, MSB_PTS_SHIFT);
	v(&body, 4096); /* largest step of pts that needs no checksum */
	v(&body, 0);    /* decode delay */
	v(&body, 0);    /* flags */
	v(&body, 0);    /* codec's own data */
	if (stream == 1) {
		v(&body, (uint64_t)format->sample_rate);
		v(&body, 1);
		v(&body, 1); /* channels */
	} else if (!stream) {
		v(&body, (uint64_t)format->width);
		v(&body, (uint64_t)format->height);
		v(&body, 1); /* square pixels */
		v(&body, 1);
		v(&body, 1); /* colours: BT.601, limited range */
	}
	packet(bytes, STREAM_START, &body);
}

void dh_nut_header(struct dh_bytes *bytes, const struct dh_mux_format *format)
{
	static const char magic[] = "nut/multimedia container";

	dh_bytes_put(bytes, magic, sizeof(magic));
	main_header(bytes, format);
	for (int stream = 0; stream < stream_count(format); stream++)
		stream_header(bytes, format, stream);
}

/* Where a demuxer can start. */
static void sync_point(struct dh_bytes *bytes, const struct dh_mux_format *format, int stream, int64_t pts)
{
	struct dh_bytes sync = { 0 };
	uint64_t bases = (uint64_t)stream_count(format);

	v(&sync, (uint64_t)pts * bases + (uint64_t)stream); /* time, and its base */
	v(&sync, 0);                                        /* distance to an earlier point: nobody seeks in a pipe */
	packet(bytes, SYNC_START, &sync);
}

static void frame_header(struct dh_bytes *bytes, const struct dh_mux_format *format, int stream, int64_t pts,
	size_t size)
{
	size_t start;

	sync_point(bytes, format, stream, pts);
	start = bytes->size;
	dh_bytes_number(bytes, FRAME_CODE, 1);
	v(bytes, (uint64_t)stream);
	v(bytes, (uint64_t)pts + (1 << MSB_PTS_SHIFT)); /* in full, not as a delta */
	v(bytes, size);
	dh_bytes_number(bytes, crc(bytes->data + start, bytes->size - start), 4);
}

void dh_nut_frame(struct dh_bytes *before_picture, struct dh_bytes *before_sound, const struct dh_mux_format *format,
	const struct dh_mux_frame *frame)
{
	frame_header(before_picture, format, 0, frame->number, frame->picture_size);
	if (frame->sound_size)
		frame_header(before_sound, format, 1, frame->first_sample, frame->sound_size);
}

void dh_nut_word(struct dh_bytes *bytes, const struct dh_mux_format *format, int64_t ms, const char *text)
{
	frame_header(bytes, format, 2, ms, strlen(text));
	dh_bytes_put(bytes, text, strlen(text));
}

/* An index with one entry, for the sake of the length: without an index FFmpeg
 * searches the end of a file for it. */
void dh_nut_end(struct dh_bytes *bytes, const struct dh_mux_format *format, int64_t frames)
{
	struct dh_bytes body = { 0 }, header = { 0 };
	uint64_t streams = (uint64_t)stream_count(format);

	dh_nut_header(&header, format);
	v(&body, (uint64_t)(frames - 1) * streams); /* the last picture's time, in the first base */
	v(&body, 1);                                /* one sync point, */
	v(&body, header.size / 16);                 /* behind the header */
	for (uint64_t stream = 0; stream < streams; stream++)
		v(&body, 1 << 2 | 1); /* a run of one without key frame */
	/* The distance back to the start of the index: start code, size, `body` so
	 * far, this number, checksum. */
	dh_bytes_number(&body, 8 + 1 + body.size + 8 + 4, 8);
	packet(bytes, INDEX_START, &body);
}
