/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fault.h"

#include <stdarg.h>
#include <stdio.h>

int dh_fault_set(struct dh_fault *fault, int code, const char *format, ...)
{
	if (fault->code)
		return fault->code;
	va_list list;
	va_start(list, format);
	vsnprintf(fault->text, sizeof fault->text, format, list);
	va_end(list);
	/* names come from outside: keep it one printable line */
	for (char *c = fault->text; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = '?';
	fault->code = code;
	return code;
}

int dh_fault_memory(struct dh_fault *fault)
{
	return dh_fault_set(fault, DH_PREPARE_MEMORY, "Out of memory");
}
