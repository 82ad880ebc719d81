/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "input_end_private.h"

/* Size and type; a size of 1 is followed by the true one. */
#define BOX_HEADER 8
#define LARGE_SIZE 8

/* A box of the index follows behind so many bytes of it; fewer at its end than a header has are of no use. */
static void next_in_index(struct dh_input_end *end, uint64_t skip)
{
	uint64_t left = end->stated_end - end->at;
	dh_end_next(end, left - skip < BOX_HEADER ? left : skip, BOX_HEADER);
}

static void take_chunk(struct dh_input_end *end)
{
	uint64_t at = dh_end_big_endian(end->header, end->entry);
	if (at > end->last_chunk)
		end->last_chunk = at;
	if (end->table_end - end->at >= end->entry) {
		dh_end_next(end, 0, end->entry);
		return;
	}
	end->entry = 0;
	next_in_index(end, end->table_end - end->at);
}

/* A box of the index. Wrong sizes: nothing in the index is of use. */
static void take_index_box(struct dh_input_end *end, uint64_t size)
{
	const uint8_t *type = end->header + 4;
	uint64_t left = end->stated_end - end->at;
	unsigned entry = dh_end_is_any_of(type, "stco ") ? 4 : dh_end_is_any_of(type, "co64 ") ? 8 : 0;
	if (size < end->used || size - end->used > left) {
		end->is_fragmented = true;
		next_in_index(end, left);
	} else if (dh_end_is_any_of(type, "trak mdia minf stbl ")) {
		next_in_index(end, 0);
	} else if (entry && size - end->used >= 8 + entry) {
		end->entry = entry;
		end->table_end = end->at + size - end->used;
		dh_end_next(end, 8, end->entry); /* behind version, flags and count */
	} else {
		end->is_fragmented |= dh_end_is_any_of(type, "mvex ");
		next_in_index(end, size - end->used);
	}
}

void dh_end_take_box(struct dh_input_end *end)
{
	const uint8_t *type = end->header + 4;
	uint64_t size = dh_end_big_endian(end->header, 4);
	bool is_file_type = memcmp(type, "ftyp", 4) == 0;
	bool is_in_index = end->at - end->used < end->stated_end;
	if (end->entry) {
		take_chunk(end);
		return;
	}
	if (size == 1 && end->used == BOX_HEADER && !(is_in_index && end->stated_end - end->at < LARGE_SIZE)) {
		end->need = BOX_HEADER + LARGE_SIZE;
		return;
	}
	if (size == 1 && end->used > BOX_HEADER)
		size = dh_end_big_endian(end->header + 8, 8);
	if (is_in_index) {
		take_index_box(end, size);
		return;
	}
	if (end->has_media && is_file_type) {
		end->is_next = true;
		return;
	}
	/* size 0: to the end of the file */
	end->is_done = size < end->used ||
		!dh_end_is_any_of(type,
			"ftyp moov mdat moof free skip wide pnot styp sidx ssix mfra emsg prft uuid meta udta pdin ");
	end->is_left = end->is_done && end->has_media && !dh_end_is_type(type);
	if (memcmp(type, "moof", 4) == 0)
		end->open = 1;
	else if (memcmp(type, "mdat", 4) == 0)
		end->open = 0;
	end->has_media |= memcmp(type, "mdat", 4) == 0;
	end->is_last = dh_end_is_any_of(type, "mfra ") || (end->is_last && !dh_end_is_any_of(type, "moof mdat moov "));
	if (dh_end_is_any_of(type, "moov ") && !end->is_done && size - end->used <= UINT64_MAX - end->at) {
		end->stated_end = end->at + size - end->used;
		end->is_fragmented = false;
		end->last_chunk = 0;
		next_in_index(end, 0);
		return;
	}
	dh_end_next(end, size - end->used, BOX_HEADER);
}
