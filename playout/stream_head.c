/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The head of a segment stream, as it is read. */
#include "stream_records.h"

#include "matte.h"
#include "stream_wire.h"

#include <errno.h>
#include <inttypes.h>

#define fail dh_stream_records_fail

static int check_size(struct dh_stream_records *records, int width, int height)
{
	if (!records->head.has_video) {
		if (width != 0 || height != 0)
			return fail(records, -EBADMSG, "a picture size without video: %dx%d", width, height);
		return 0;
	}
	if (!dh_wire_side_is_valid(width) || !dh_wire_side_is_valid(height))
		return fail(records, -EBADMSG, "picture of %dx%d: sides are even, %d to %d", width, height,
			DH_STREAM_SIDE_MIN, DH_STREAM_SIDE_MAX);
	if (records->limits.width > 0 && width > records->limits.width)
		return fail(records, -EFBIG, "picture of %dx%d, wider than %d", width, height, records->limits.width);
	if (records->limits.height > 0 && height > records->limits.height)
		return fail(records, -EFBIG, "picture of %dx%d, higher than %d", width, height, records->limits.height);
	if (records->head.has_matte && !dh_matte_height(height))
		return fail(records, -EBADMSG, "no picture with its matte has %dx%d", width, height);
	return 0;
}

/* The bit rates in the last `size` bytes of a head. */
static int read_rates(struct dh_stream_records *records, const uint8_t *rates, size_t size)
{
	struct dh_stream_head *head = &records->head;
	for (size_t q = 0; q < size / DH_WIRE_HEAD_KBPS; q++) {
		uint32_t kbps = dh_wire_get32(rates + q * DH_WIRE_HEAD_KBPS);
		head->kbps[q] = kbps > DH_KBPS_MAX ? DH_KBPS_MAX + 1 : (int)kbps;
	}
	if (!head->has_video || !dh_qualities_are_valid(head->kbps) || !head->kbps[size / DH_WIRE_HEAD_KBPS - 1])
		return fail(records, -EBADMSG, "qualities of %d, %d and %d kbit/s", head->kbps[0], head->kbps[1],
			head->kbps[2]);
	return 0;
}

/* The text of `length` bytes, the stated length if there is one, and the bit rates if there are any. */
static int read_head_end(struct dh_stream_records *records, const uint8_t *text, size_t length, size_t size)
{
	struct dh_stream_head *head = &records->head;
	bool has_rates = records->version > DH_WIRE_VERSION_PLAIN;
	size_t stated = records->version < 3 || size == length ? 0 : DH_WIRE_HEAD_STATED;
	size_t rates = has_rates && size > length + stated ? size - length - stated : 0;
	if (length > DH_STREAM_TEXT_MAX || size != length + stated + rates)
		return fail(records, -EBADMSG, "head whose text does not fill it");
	if (has_rates && rates != 2 * DH_WIRE_HEAD_KBPS && rates != DH_QUALITIES_MAX * DH_WIRE_HEAD_KBPS)
		return fail(records, -EBADMSG, "head with bit rates of %zu bytes", rates);
	head->stated_ticks = stated ? dh_wire_get64(text + length) : 0;
	if (head->stated_ticks < 0 || head->stated_ticks > DH_STREAM_TICKS_MAX ||
		(stated && !has_rates && head->stated_ticks == 0))
		return fail(records, -EBADMSG, "a stated length of %" PRId64 " ticks", head->stated_ticks);
	int err = has_rates ? read_rates(records, text + length + stated, rates) : 0;
	return err ? err : dh_stream_records_text(records, head->encoder, text, length);
}

static bool flags_are_valid(unsigned flags, unsigned version)
{
	if (flags & DH_WIRE_FLAG_MATTE && (version < 3 || !(flags & DH_WIRE_FLAG_VIDEO)))
		return false;
	if (flags & DH_WIRE_FLAG_MARK && (version < 4 || !(flags & DH_WIRE_FLAG_VIDEO)))
		return false;
	return flags & (DH_WIRE_FLAG_VIDEO | DH_WIRE_FLAG_AUDIO) &&
		!(flags & ~(DH_WIRE_FLAG_VIDEO | DH_WIRE_FLAG_AUDIO | DH_WIRE_FLAG_MATTE | DH_WIRE_FLAG_MARK));
}

int dh_stream_records_head(struct dh_stream_records *records, const uint8_t *body, size_t size)
{
	struct dh_stream_head *head = &records->head;
	unsigned version = dh_wire_get16(body), flags = dh_wire_get16(body + 2);
	int err;
	if (version < 1 || version > DH_STREAM_VERSION)
		return fail(records, -EBADMSG, "format version %u, expected 1 to %d", version, DH_STREAM_VERSION);
	records->version = version;
	if (!flags_are_valid(flags, version))
		return fail(records, -EBADMSG, "head with flags %u", flags);
	head->has_video = (flags & DH_WIRE_FLAG_VIDEO) != 0;
	head->has_audio = (flags & DH_WIRE_FLAG_AUDIO) != 0;
	head->has_matte = (flags & DH_WIRE_FLAG_MATTE) != 0;
	head->has_mark = (flags & DH_WIRE_FLAG_MARK) != 0;
	head->width = dh_wire_get16(body + 4);
	head->height = dh_wire_get16(body + 6);
	err = check_size(records, head->width, head->height);
	if (err < 0)
		return err;
	head->rate_num = dh_wire_get32(body + 8);
	head->rate_den = dh_wire_get32(body + 12);
	if (!dh_wire_rate_is_valid(head->rate_num, head->rate_den))
		return fail(records, -EBADMSG, "frame rate %" PRId64 "/%" PRId64, head->rate_num, head->rate_den);
	err = read_head_end(records, body + DH_WIRE_HEAD_FIXED, dh_wire_get32(body + 16), size - DH_WIRE_HEAD_FIXED);
	if (err < 0)
		return err;
	records->has_head = true;
	return records->sink.head ? records->sink.head(records->arg, head) : 0;
}
