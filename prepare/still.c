/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "still.h"

#include <errno.h>
#include <string.h>

#include "bytes.h"
#include "still_kind.h"

enum kind { KIND_OTHER, KIND_PNG, KIND_JPEG, KIND_GIF, KIND_WEBP, KIND_BMP, KIND_TIFF };

static enum kind kind_of(const uint8_t *bytes, size_t size)
{
	if (size >= 24 && memcmp(bytes, "\x89PNG\r\n\x1a\n", 8) == 0)
		return KIND_PNG;
	if (size >= 4 && bytes[0] == 0xff && bytes[1] == 0xd8)
		return KIND_JPEG;
	if (size >= 13 && (memcmp(bytes, "GIF87a", 6) == 0 || memcmp(bytes, "GIF89a", 6) == 0))
		return KIND_GIF;
	if (size >= 30 && memcmp(bytes, "RIFF", 4) == 0 && memcmp(bytes + 8, "WEBP", 4) == 0)
		return KIND_WEBP;
	if (size >= 38 && memcmp(bytes, "BM", 2) == 0)
		return KIND_BMP;
	if (size >= 8 && (memcmp(bytes, "II*\0", 4) == 0 || memcmp(bytes, "MM\0*", 4) == 0))
		return KIND_TIFF;
	return KIND_OTHER;
}

/* --- JPEG */

struct segment {
	int marker; /* -1: there is none */
	const uint8_t *body;
	size_t length;
	bool is_cut; /* the bytes end within it */
};

/* The segment at or after *at, which then is behind it. */
static struct segment next_segment(const uint8_t *bytes, size_t size, size_t *at)
{
	struct segment cut = { .marker = -1, .is_cut = true }, segment = { .marker = -1 };
	size_t i = *at;
	/* fill bytes, and in a scan the coded picture itself */
	while (i + 2 <= size && (bytes[i] != 0xff || bytes[i + 1] == 0 || bytes[i + 1] == 0xff))
		i++;
	if (i + 2 > size)
		return cut;
	segment.marker = bytes[i + 1];
	*at = i + 2;
	if (segment.marker == 0x01 || (segment.marker >= 0xd0 && segment.marker <= 0xd9))
		return segment;
	if (i + 4 > size)
		return cut;
	size_t length = dh_big_endian(bytes + i + 2, 2);
	segment.is_cut = length < 2 || length > size - i - 2;
	if (segment.is_cut)
		length = size - i - 2;
	*at += length;
	segment.body = bytes + i + 4;
	segment.length = length - 2;
	return segment;
}

/* SOF0 to SOF15, except three that are something else. */
static bool is_frame_header(int marker)
{
	return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
}

static int jpeg_size(const uint8_t *bytes, size_t size, uint32_t *width, uint32_t *height)
{
	size_t at = 2;
	struct segment s;
	do
		s = next_segment(bytes, size, &at);
	while (!s.is_cut && s.marker != 0xd9 && !is_frame_header(s.marker));
	if (!is_frame_header(s.marker) || s.length < 5)
		return -EBADMSG;
	*height = dh_big_endian(s.body + 1, 2);
	*width = dh_big_endian(s.body + 3, 2);
	return 0;
}

static bool jpeg_is_cut(const uint8_t *bytes, size_t size)
{
	size_t at = 2;
	struct segment s;
	do
		s = next_segment(bytes, size, &at);
	while (!s.is_cut && s.marker != 0xd9);
	return s.is_cut;
}

static const uint8_t *jpeg_exif(const uint8_t *bytes, size_t size, size_t *length)
{
	size_t at = 2;
	struct segment s;
	do {
		s = next_segment(bytes, size, &at);
		if (s.marker == 0xe1 && s.length > 6 && memcmp(s.body, "Exif\0\0", 6) == 0) {
			*length = s.length - 6;
			return s.body + 6;
		}
	} while (!s.is_cut && s.marker != 0xd9 && s.marker != 0xda);
	return NULL;
}

/* --- PNG */

/* The chunk at *at, which then is the next one's; NULL: the bytes end within it. */
static const uint8_t *next_chunk(const uint8_t *bytes, size_t size, size_t *at, size_t *length)
{
	const uint8_t *chunk = bytes + *at;
	if (size - *at < 12)
		return NULL;
	*length = dh_big_endian(chunk, 4);
	if (*length > size - *at - 12)
		return NULL;
	*at += *length + 12;
	return chunk;
}

static bool png_is_cut(const uint8_t *bytes, size_t size)
{
	size_t at = 8, length;
	for (;;) {
		const uint8_t *chunk = next_chunk(bytes, size, &at, &length);
		if (!chunk || memcmp(chunk + 4, "IEND", 4) == 0)
			return !chunk;
	}
}

static const uint8_t *png_exif(const uint8_t *bytes, size_t size, size_t *length)
{
	size_t at = 8;
	for (const uint8_t *chunk; (chunk = next_chunk(bytes, size, &at, length));)
		if (memcmp(chunk + 4, "eXIf", 4) == 0)
			return chunk + 8;
	return NULL;
}

/* --- WebP */

static int webp_size(const uint8_t *bytes, uint32_t *width, uint32_t *height)
{
	if (memcmp(bytes + 12, "VP8X", 4) == 0) {
		*width = dh_little_endian(bytes + 24, 3) + 1;
		*height = dh_little_endian(bytes + 27, 3) + 1;
	} else if (memcmp(bytes + 12, "VP8 ", 4) == 0) {
		*width = dh_little_endian(bytes + 26, 2) & 0x3fff;
		*height = dh_little_endian(bytes + 28, 2) & 0x3fff;
	} else if (memcmp(bytes + 12, "VP8L", 4) == 0) {
		uint32_t sides = dh_little_endian(bytes + 21, 4);
		*width = (sides & 0x3fff) + 1;
		*height = (sides >> 14 & 0x3fff) + 1;
	} else {
		return -EBADMSG;
	}
	return 0;
}

static const uint8_t *webp_exif(const uint8_t *bytes, size_t size, size_t *length)
{
	for (size_t at = 12; size - at >= 8;) {
		*length = dh_little_endian(bytes + at + 4, 4);
		if (*length > size - at - 8)
			break;
		if (memcmp(bytes + at, "EXIF", 4) == 0) {
			/* some write it as JPEG's */
			size_t skip = *length > 6 && memcmp(bytes + at + 8, "Exif\0\0", 6) == 0 ? 6 : 0;
			*length -= skip;
			return bytes + at + 8 + skip;
		}
		at += 8 + *length + *length % 2;
		if (at > size)
			break;
	}
	return NULL;
}

/* --- BMP, GIF */

static void bmp_size(const uint8_t *bytes, uint32_t *width, uint32_t *height)
{
	bool is_old = dh_little_endian(bytes + 14, 4) == 12;
	*width = dh_little_endian(bytes + 18, is_old ? 2 : 4);
	*height = dh_little_endian(bytes + (is_old ? 20 : 22), is_old ? 2 : 4);
	if (!is_old && *height > INT32_MAX) /* from top to bottom */
		*height = -*height;
}

static bool bmp_is_cut(const uint8_t *bytes, size_t size)
{
	bool is_old = dh_little_endian(bytes + 14, 4) == 12;
	uint32_t width, height, bits = dh_little_endian(bytes + (is_old ? 24 : 28), 2);
	uint32_t compression = is_old ? 0 : dh_little_endian(bytes + 30, 4);
	bmp_size(bytes, &width, &height);
	uint64_t need = ((uint64_t)width * bits + 31) / 32 * 4 * height;
	if (compression == 1 || compression == 2)
		need = dh_little_endian(bytes + 34, 4);
	return need + dh_little_endian(bytes + 10, 4) > size;
}

/* Steps over blocks of data up to the empty one that ends them. */
static bool skip_blocks(const uint8_t *bytes, size_t size, size_t *at)
{
	while (*at < size && bytes[*at])
		*at += bytes[*at] + 1u;
	return (*at)++ < size;
}

static bool gif_is_cut(const uint8_t *bytes, size_t size)
{
	size_t at = 13 + (bytes[10] & 0x80 ? 3u << ((bytes[10] & 7) + 1) : 0);
	while (at < size && bytes[at] == 0x21) {
		at += 2;
		if (!skip_blocks(bytes, size, &at))
			return true;
	}
	if (at + 11 > size || bytes[at] != 0x2c)
		return at + 11 > size;
	at += 10 + (bytes[at + 9] & 0x80 ? 3u << ((bytes[at + 9] & 7) + 1) : 0) + 1;
	return !skip_blocks(bytes, size, &at);
}

/* --- all */

int dh_still_size(const uint8_t *bytes, size_t size, uint32_t *width, uint32_t *height)
{
	struct dh_tiff tiff;
	switch (kind_of(bytes, size)) {
	case KIND_PNG:
		*width = dh_big_endian(bytes + 16, 4);
		*height = dh_big_endian(bytes + 20, 4);
		return 0;
	case KIND_JPEG:
		return jpeg_size(bytes, size, width, height);
	case KIND_GIF:
		*width = dh_little_endian(bytes + 6, 2);
		*height = dh_little_endian(bytes + 8, 2);
		return 0;
	case KIND_WEBP:
		return webp_size(bytes, width, height);
	case KIND_BMP:
		bmp_size(bytes, width, height);
		return 0;
	case KIND_TIFF:
		dh_tiff_read(&tiff, bytes, size);
		*width = tiff.width;
		*height = tiff.height;
		return tiff.width && tiff.height ? 0 : -EBADMSG;
	case KIND_OTHER:
		break;
	}
	return -EBADMSG;
}

bool dh_still_is_cut(const uint8_t *bytes, size_t size)
{
	struct dh_tiff tiff;
	switch (kind_of(bytes, size)) {
	case KIND_PNG:
		return png_is_cut(bytes, size);
	case KIND_JPEG:
		return jpeg_is_cut(bytes, size);
	case KIND_GIF:
		return gif_is_cut(bytes, size);
	case KIND_WEBP:
		return dh_little_endian(bytes + 4, 4) / 2 * 2 + 8ull > size;
	case KIND_BMP:
		return bmp_is_cut(bytes, size);
	case KIND_TIFF:
		return dh_tiff_read(&tiff, bytes, size) && tiff.is_cut;
	case KIND_OTHER:
		break;
	}
	return false;
}

int dh_still_orientation(const uint8_t *bytes, size_t size)
{
	struct dh_tiff tiff;
	const uint8_t *exif = NULL;
	size_t length = size;
	switch (kind_of(bytes, size)) {
	case KIND_PNG:
		exif = png_exif(bytes, size, &length);
		break;
	case KIND_JPEG:
		exif = jpeg_exif(bytes, size, &length);
		break;
	case KIND_WEBP:
		exif = webp_exif(bytes, size, &length);
		break;
	case KIND_TIFF:
		exif = bytes;
		break;
	default:
		break;
	}
	if (!exif || !dh_tiff_read(&tiff, exif, length) || tiff.orientation < 1 || tiff.orientation > 8)
		return 1;
	return (int)tiff.orientation;
}
