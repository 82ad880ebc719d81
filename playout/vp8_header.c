/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vp8_header.h"

#include <errno.h>
#include <string.h>

/* RFC 6386, section 7: the boolean entropy decoder. Like decoders it reads zeros past
 * the end; `overrun` counts them. */
struct bools {
	const uint8_t *at, *end;
	uint32_t value;
	uint32_t range;
	int bits;    /* shifts until the next byte is needed */
	int overrun; /* bytes read past the end */
};

static uint8_t bools_byte(struct bools *b)
{
	if (b->at < b->end)
		return *b->at++;
	b->overrun++;
	return 0;
}

static void bools_begin(struct bools *b, const uint8_t *bytes, size_t size)
{
	b->at = bytes;
	b->end = bytes + size;
	b->overrun = 0;
	b->value = (uint32_t)bools_byte(b) << 8;
	b->value |= bools_byte(b);
	b->range = 255;
	b->bits = 0;
}

/* One bit of probability 1/2: frame headers have no others up to where we read. */
static bool flag(struct bools *b)
{
	uint32_t split = 1 + (((b->range - 1) * 128) >> 8);
	bool bit = b->value >= split << 8;
	if (bit) {
		b->range -= split;
		b->value -= split << 8;
	} else {
		b->range = split;
	}
	while (b->range < 128) {
		b->value <<= 1;
		b->range <<= 1;
		if (++b->bits == 8) {
			b->bits = 0;
			b->value |= bools_byte(b);
		}
	}
	return bit;
}

static int literal(struct bools *b, int bits)
{
	int v = 0;
	while (bits--)
		v = v << 1 | flag(b);
	return v;
}

static int signed_literal(struct bools *b, int bits)
{
	int v = literal(b, bits);
	return flag(b) ? -v : v;
}

static void skip_optional(struct bools *b, int count, int bits, bool has_sign)
{
	for (int i = 0; i < count; i++)
		if (flag(b))
			literal(b, bits + has_sign);
}

static void parse_segmentation(struct bools *b)
{
	bool has_map = flag(b);
	if (flag(b)) {
		flag(b); /* absolute values or deltas */
		skip_optional(b, 4, 7, true);
		skip_optional(b, 4, 6, true);
	}
	if (has_map)
		skip_optional(b, 3, 8, false);
}

static unsigned parse_deltas(struct bools *b, int *delta)
{
	unsigned set = 0;
	for (int i = 0; i < 4; i++)
		if (flag(b)) {
			delta[i] = signed_literal(b, 6);
			set |= 1u << i;
		}
	return set;
}

static void parse_references(struct bools *b, struct dh_vp8_header *h)
{
	h->refresh_golden = flag(b);
	h->refresh_alternate = flag(b);
	if (!h->refresh_golden)
		h->copy_to_golden = literal(b, 2);
	if (!h->refresh_alternate)
		h->copy_to_alternate = literal(b, 2);
	h->sign_bias_golden = flag(b);
	h->sign_bias_alternate = flag(b);
	h->refresh_entropy = flag(b);
	h->refresh_last = flag(b);
}

static void parse_first_partition(struct bools *b, struct dh_vp8_header *h)
{
	if (h->is_key)
		literal(b, 2); /* colour space, clamping */
	h->has_segmentation = flag(b);
	if (h->has_segmentation)
		parse_segmentation(b);
	h->filter_type = flag(b);
	h->filter_level = literal(b, 6);
	h->sharpness = literal(b, 3);
	h->has_deltas = flag(b);
	if (h->has_deltas && (h->has_delta_update = flag(b))) {
		h->ref_set = parse_deltas(b, h->ref_delta);
		h->mode_set = parse_deltas(b, h->mode_delta);
	}
	literal(b, 2); /* token partitions */
	h->quantizer = literal(b, 7);
	skip_optional(b, 5, 4, true);
	if (h->is_key) {
		h->refresh_entropy = flag(b);
		h->refresh_golden = h->refresh_alternate = h->refresh_last = true;
	} else {
		parse_references(b, h);
	}
}

int dh_vp8_header_parse(struct dh_vp8_header *header, const uint8_t *bytes, size_t size)
{
	memset(header, 0, sizeof *header);
	if (size < 3)
		return -EBADMSG;
	uint32_t tag = bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16;
	size_t first = tag >> 5, head = 3;
	header->is_key = !(tag & 1);
	header->version = tag >> 1 & 7;
	header->is_shown = tag >> 4 & 1;
	if (header->version > 3)
		return -EBADMSG;
	if (header->is_key) {
		if (size < 10 || memcmp(bytes + 3, "\x9d\x01\x2a", 3) != 0)
			return -EBADMSG;
		header->width = (bytes[6] | bytes[7] << 8) & 0x3fff;
		header->height = (bytes[8] | bytes[9] << 8) & 0x3fff;
		head = 10;
	}
	if (first == 0 || first > size - head)
		return -EBADMSG;
	struct bools b;
	bools_begin(&b, bytes + head, first);
	parse_first_partition(&b, header);
	/* the decoder reads two bytes ahead */
	return b.overrun > 2 ? -EBADMSG : 0;
}
