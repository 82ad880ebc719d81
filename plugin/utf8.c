#include "utf8.h"

#include <string.h>

#include <glib.h>

void dh_utf8_copy(char *to, size_t size, const char *text)
{
	char *valid = g_utf8_make_valid(text, -1);
	size_t length = strlen(valid);

	if (length >= size)
		length = (size_t)(g_utf8_find_prev_char(valid, valid + size) - valid);
	memcpy(to, valid, length);
	to[length] = '\0';
	g_free(valid);
}
