/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fault.h"

#include <stdarg.h>
#include <stdio.h>

int dh_send_fail(struct dh_send_fault *fault, enum dh_send_exit code, const char *format, ...)
{
	va_list args;

	if (fault->code)
		return fault->code;
	fault->code = code;
	va_start(args, format);
	vsnprintf(fault->text, sizeof fault->text, format, args);
	va_end(args);
	return code;
}
