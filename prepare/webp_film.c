/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "webp_film.h"

#include <stdlib.h>
#include <string.h>

#include <libavcodec/avcodec.h>
#include <libavutil/error.h>

#include "bytes.h"
#include "conversion.h"
#include "job.h"

#define FILE_HEADER  12
#define CHUNK_HEADER 8
#define PART_HEADER  16
#define VP8X_BYTES   18 /* with its header */
/* Decoders round sides up. */
#define SIDE_SLACK 64
/* What browsers make of pictures without a length. */
#define SHORTEST_MS 10
#define USUAL_MS    100

struct part {
	int x, y, width, height, ms;
	bool is_cleared_after, is_blended;
	const uint8_t *data; /* chunks */
	size_t size;
};

struct dh_webp_film {
	uint8_t *bytes;
	size_t size, at;
	AVFrame *canvas; /* RGBA */
	struct dh_conversion to_rgba;
	struct part last; /* the one that is shown */
	int64_t ms;
};

bool dh_webp_film_is_one(const uint8_t *bytes, size_t size)
{
	return size >= 30 && memcmp(bytes, "RIFF", 4) == 0 && memcmp(bytes + 8, "WEBPVP8X", 8) == 0 &&
		(bytes[20] & 0x02) != 0;
}

struct dh_webp_film *dh_webp_film_new(const uint8_t *bytes, size_t size)
{
	struct dh_webp_film *film = calloc(1, sizeof *film);
	int width = (int)dh_little_endian(bytes + 24, 3) + 1, height = (int)dh_little_endian(bytes + 27, 3) + 1;
	if (!film)
		return NULL;
	film->bytes = malloc(size);
	film->canvas = dh_conversion_frame(width, height, AV_PIX_FMT_RGBA);
	if (!film->bytes || !film->canvas) {
		dh_webp_film_free(&film);
		return NULL;
	}
	memcpy(film->bytes, bytes, size);
	film->size = size;
	film->at = FILE_HEADER;
	for (int y = 0; y < height; y++)
		memset(film->canvas->data[0] + (ptrdiff_t)y * film->canvas->linesize[0], 0, (size_t)width * 4);
	return film;
}

void dh_webp_film_free(struct dh_webp_film **film)
{
	struct dh_webp_film *old = *film;
	*film = NULL;
	if (!old)
		return;
	dh_conversion_close(&old->to_rgba);
	av_frame_free(&old->canvas);
	free(old->bytes);
	free(old);
}

/* --- taking apart */

static bool read_part(const struct dh_webp_film *film, struct part *part, const uint8_t *body, size_t size)
{
	if (size < PART_HEADER + CHUNK_HEADER)
		return false;
	part->x = (int)dh_little_endian(body, 3) * 2;
	part->y = (int)dh_little_endian(body + 3, 3) * 2;
	part->width = (int)dh_little_endian(body + 6, 3) + 1;
	part->height = (int)dh_little_endian(body + 9, 3) + 1;
	part->ms = (int)dh_little_endian(body + 12, 3);
	if (part->ms <= SHORTEST_MS)
		part->ms = USUAL_MS;
	part->is_cleared_after = body[15] & 1;
	part->is_blended = !(body[15] & 2);
	part->data = body + PART_HEADER;
	part->size = size - PART_HEADER;
	return part->x + part->width <= film->canvas->width && part->y + part->height <= film->canvas->height;
}

/* 0, AVERROR_EOF, or AVERROR_INVALIDDATA if the next one cannot be used. */
static int next_part(struct dh_webp_film *film, struct part *part)
{
	while (film->size - film->at >= CHUNK_HEADER) {
		const uint8_t *chunk = film->bytes + film->at;
		size_t length = dh_little_endian(chunk + 4, 4), left = film->size - film->at - CHUNK_HEADER;
		if (length > left)
			break;
		film->at += CHUNK_HEADER + (length + length % 2 < left ? length + length % 2 : left);
		if (memcmp(chunk, "ANMF", 4) == 0)
			return read_part(film, part, chunk + CHUNK_HEADER, length) ? 0 : AVERROR_INVALIDDATA;
	}
	film->at = film->size;
	return AVERROR_EOF;
}

/* A file of this one picture. */
static AVPacket *file_of(const struct part *part)
{
	bool has_alpha = memcmp(part->data, "ALPH", 4) == 0;
	size_t extra = has_alpha ? VP8X_BYTES : 0, size = FILE_HEADER + extra + part->size;
	AVPacket *packet = av_packet_alloc();
	if (!packet || av_new_packet(packet, (int)size) < 0) {
		av_packet_free(&packet);
		return NULL;
	}
	uint8_t *p = packet->data;
	memset(p, 0, FILE_HEADER + extra);
	memcpy(p, "RIFF", 4);
	dh_put_little_endian(p + 4, (uint32_t)(size - 8), 4);
	memcpy(p + 8, "WEBP", 4);
	if (has_alpha) {
		memcpy(p + 12, "VP8X", 4);
		p[16] = 10;
		p[20] = 0x10;
		dh_put_little_endian(p + 24, (uint32_t)part->width - 1, 3);
		dh_put_little_endian(p + 27, (uint32_t)part->height - 1, 3);
	}
	memcpy(p + FILE_HEADER + extra, part->data, part->size);
	return packet;
}

static int decode(const struct part *part, AVFrame *av)
{
	const AVCodec *decoder = avcodec_find_decoder_by_name("webp");
	AVCodecContext *codec = decoder ? avcodec_alloc_context3(decoder) : NULL;
	AVPacket *packet = file_of(part);
	int err = codec && packet ? 0 : AVERROR(ENOMEM);
	if (!err) {
		codec->thread_count = 1;
		codec->max_pixels = (int64_t)(part->width + SIDE_SLACK) * (part->height + SIDE_SLACK);
		err = avcodec_open2(codec, decoder, NULL);
	}
	if (err >= 0)
		err = avcodec_send_packet(codec, packet);
	if (err >= 0)
		err = avcodec_receive_frame(codec, av);
	if (err >= 0 && (av->width != part->width || av->height != part->height))
		err = AVERROR_INVALIDDATA;
	avcodec_free_context(&codec);
	av_packet_free(&packet);
	return err == AVERROR(ENOMEM) || err >= 0 ? err : AVERROR_INVALIDDATA;
}

/* --- putting together */

static uint8_t *pixel(AVFrame *canvas, const struct part *part, int y)
{
	return canvas->data[0] + (ptrdiff_t)(part->y + y) * canvas->linesize[0] + (ptrdiff_t)part->x * 4;
}

static void blend(uint8_t *to, const uint8_t *over)
{
	unsigned below = to[3] * (255u - over[3]), sum = over[3] * 255u + below;
	for (int i = 0; i < 3 && sum > 0; i++)
		to[i] = (uint8_t)((over[i] * 255u * over[3] + to[i] * below + sum / 2) / sum);
	to[3] = (uint8_t)((sum + 127) / 255);
}

static void lay(struct dh_webp_film *film, const struct part *part, const AVFrame *rgba)
{
	for (int y = 0; y < part->height; y++) {
		uint8_t *to = pixel(film->canvas, part, y);
		const uint8_t *over = rgba->data[0] + (ptrdiff_t)y * rgba->linesize[0];
		if (!part->is_blended)
			memcpy(to, over, (size_t)part->width * 4);
		for (int x = 0; x < part->width && part->is_blended; x++)
			blend(to + (ptrdiff_t)x * 4, over + (ptrdiff_t)x * 4);
	}
}

static void clear_last(struct dh_webp_film *film)
{
	for (int y = 0; y < film->last.height && film->last.is_cleared_after; y++)
		memset(pixel(film->canvas, &film->last, y), 0, (size_t)film->last.width * 4);
	film->last = (struct part){ 0 };
}

static int show(struct dh_webp_film *film, AVFrame *av, int ms)
{
	av_frame_unref(av);
	av->width = film->canvas->width;
	av->height = film->canvas->height;
	av->format = AV_PIX_FMT_RGBA;
	if (av_frame_get_buffer(av, 0) < 0 || av_frame_copy(av, film->canvas) < 0)
		return AVERROR(ENOMEM);
	av->pts = av->best_effort_timestamp = film->ms;
#if LIBAVUTIL_VERSION_INT >= AV_VERSION_INT(57, 30, 100)
	av->duration = ms;
#else
	av->pkt_duration = ms;
#endif
	film->ms += ms;
	return 0;
}

int dh_webp_film_next(struct dh_webp_film *film, AVFrame *av)
{
	struct part part;
	int err = next_part(film, &part);
	if (err < 0)
		return err;
	err = decode(&part, av);
	if (err < 0)
		return err;
	if (dh_conversion_run(&film->to_rgba, av, part.width, part.height, AV_PIX_FMT_RGBA))
		return AVERROR(ENOMEM);
	clear_last(film);
	lay(film, &part, film->to_rgba.out);
	film->last = part;
	return show(film, av, part.ms);
}
