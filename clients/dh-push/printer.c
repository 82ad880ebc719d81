/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "printer.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

void dh_send_printer_init(struct dh_send_printer *printer, bool as_json, bool is_quiet)
{
	printer->as_json = as_json;
	printer->is_quiet = is_quiet;
	printer->is_terminal = !as_json && isatty(STDOUT_FILENO);
	printer->is_in_place = false;
}

static void show_json(GBytes *line)
{
	gsize size;
	const char *text = g_bytes_get_data(line, &size);

	fwrite(text, 1, size, stdout);
	putchar('\n');
}

static void show_text(struct dh_send_printer *printer, const struct dh_send_event *event)
{
	char *text = dh_send_event_text(event);
	bool in_place = text && printer->is_terminal && !strcmp(event->name, "progress");

	if (text && printer->is_in_place)
		fputs("\r\033[K", stdout);
	if (text)
		printf(in_place ? "%s" : "%s\n", text);
	printer->is_in_place = text ? in_place : printer->is_in_place;
	g_free(text);
}

void dh_send_printer_show(struct dh_send_printer *printer, const struct dh_send_event *event, GBytes *line)
{
	if (printer->is_quiet)
		return;
	if (printer->as_json)
		show_json(line);
	else
		show_text(printer, event);
	fflush(stdout);
}

void dh_send_printer_finish(struct dh_send_printer *printer)
{
	if (printer->is_in_place)
		putchar('\n');
	printer->is_in_place = false;
	fflush(stdout);
}
