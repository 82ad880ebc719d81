/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lines.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

void dh_send_lines_init(struct dh_send_lines *lines)
{
	lines->bytes = g_byte_array_new();
	lines->at = lines->scanned = 0;
}

void dh_send_lines_clear(struct dh_send_lines *lines)
{
	g_clear_pointer(&lines->bytes, g_byte_array_unref);
}

void dh_send_lines_add(struct dh_send_lines *lines, const void *bytes, gsize size)
{
	g_byte_array_remove_range(lines->bytes, 0, (guint)lines->at);
	lines->at = 0;
	g_byte_array_append(lines->bytes, bytes, (guint)size);
}

static GBytes *take(struct dh_send_lines *lines, gsize size)
{
	GBytes *taken = g_bytes_new(lines->bytes->data + lines->at, size);

	lines->at += size;
	lines->scanned = 0;
	return taken;
}

int dh_send_lines_next(struct dh_send_lines *lines, GBytes **line)
{
	gsize size = lines->bytes->len - lines->at;
	const guint8 *data = size > 0 ? lines->bytes->data + lines->at : NULL;
	const guint8 *end = size > lines->scanned ? memchr(data + lines->scanned, '\n', size - lines->scanned) : NULL;
	gsize length = end ? (gsize)(end - data) : size;

	if (length > DH_SEND_LINE_MAX)
		return -EMSGSIZE;
	if (!end) {
		lines->scanned = size;
		return 0;
	}
	bool is_crlf = length > 0 && data[length - 1] == '\r';
	GBytes *taken = take(lines, length + 1);
	*line = g_bytes_new_from_bytes(taken, 0, length - (is_crlf ? 1 : 0));
	g_bytes_unref(taken);
	return 1;
}

GBytes *dh_send_lines_take(struct dh_send_lines *lines, gsize size)
{
	return lines->bytes->len - lines->at < size ? NULL : take(lines, size);
}
