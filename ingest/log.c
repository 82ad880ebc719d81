/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "log.h"

#include <stdarg.h>
#include <stdio.h>

#include "text.h"

static dh_log_fn *log_function;

void dh_log_set(dh_log_fn *log)
{
	log_function = log;
}

void dh_log(enum dh_log_level level, const char *format, ...)
{
	static const char *const names[] = { "error", "warning", "info", "debug" };
	va_list args;
	char *text, *line;

	va_start(args, format);
	text = g_strdup_vprintf(format, args);
	va_end(args);
	line = dh_text_line(text, DH_LOG_LINE_MAX);
	if (log_function)
		log_function(level, line);
	else
		fprintf(stderr, "%s: %s\n", names[level], line);
	g_free(line);
	g_free(text);
}
