#include "log.h"

#include <stdarg.h>
#include <stdio.h>

static dh_log_fn *log_function;

void dh_log_set(dh_log_fn *log)
{
	log_function = log;
}

void dh_log(enum dh_log_level level, const char *format, ...)
{
	static const char *const names[] = { "error", "warning", "info", "debug" };
	va_list args;
	char *text;

	va_start(args, format);
	text = g_strdup_vprintf(format, args);
	va_end(args);
	if (log_function)
		log_function(level, text);
	else
		fprintf(stderr, "%s: %s\n", names[level], text);
	g_free(text);
}
