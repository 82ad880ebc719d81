/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fuzz target: any bytes as what a gateway says to dh-push. The first byte of an input says in
 * pieces of which size they arrive. Lines must come out whole whatever the pieces are, and what is
 * shown to people has no control characters. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clients/dh-push/event.h"
#include "clients/dh-push/lines.h"
#include "tests/fuzz/promise.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *text)
{
	PROMISE(g_utf8_validate(text, -1, NULL));
	for (; *text; text++)
		PROMISE((unsigned char)*text >= 0x20 && *text != 0x7f);
}

static void check_line(GBytes *line)
{
	struct dh_send_event event;

	if (dh_send_event_parse(&event, line) < 0)
		return;
	char *text = dh_send_event_text(&event);
	if (text)
		check_text(text);
	PROMISE(event.code == 0 || event.is_last);
	g_free(text);
	dh_send_event_clear(&event);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dh_send_lines lines;
	size_t step = size ? 1 + (size_t)data[0] * 16 : 1, taken = 0;
	GBytes *line;

	dh_send_lines_init(&lines);
	for (size_t at = 1; at < size; at += step) {
		dh_send_lines_add(&lines, data + at, MIN(step, size - at));
		while (dh_send_lines_next(&lines, &line) == 1) {
			taken++;
			check_line(line);
			g_bytes_unref(line);
		}
	}
	for (size_t at = 1; at < size; at++)
		taken -= data[at] == '\n';
	PROMISE(taken == 0);
	dh_send_lines_clear(&lines);
	return 0;
}

#ifndef DH_LIBFUZZER
int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		char *bytes;
		gsize size;
		if (!g_file_get_contents(argv[i], &bytes, &size, NULL))
			return 1;
		LLVMFuzzerTestOneInput((const uint8_t *)bytes, size);
		g_free(bytes);
	}
	return 0;
}
#endif
