/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Cuts what a gateway sends into lines, and into runs of so many bytes. Pure. */
#ifndef DH_SEND_LINES_H
#define DH_SEND_LINES_H

#include <stddef.h>
#include <glib.h>

#define DH_SEND_LINE_MAX (1 << 20) /* bytes of a line without its line feed */

struct dh_send_lines {
	GByteArray *bytes; /* what came */
	gsize at;          /* taken of it */
	gsize scanned;     /* bytes behind that which have no line feed */
};

void dh_send_lines_init(struct dh_send_lines *lines);
void dh_send_lines_clear(struct dh_send_lines *lines);

void dh_send_lines_add(struct dh_send_lines *lines, const void *bytes, gsize size);
/* Takes the next line into *line (g_bytes_unref it), without its line feed, which a carriage
 * return may precede. 0: there is none yet; 1: there is; -EMSGSIZE: it is too long. */
int dh_send_lines_next(struct dh_send_lines *lines, GBytes **line);
/* Takes exactly `size` bytes; NULL while there are fewer. */
GBytes *dh_send_lines_take(struct dh_send_lines *lines, gsize size);

#endif
