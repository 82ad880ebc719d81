/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "room_id.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define NUMBER_MAX INT64_C(9007199254740991)

static char *from_number(int64_t number)
{
	return number >= 1 && number <= NUMBER_MAX ? g_strdup_printf("%" PRId64, number) : NULL;
}

char *dh_room_id_parse(const char *text, bool string_ids)
{
	char *end = NULL;

	if (string_ids) {
		size_t size = strlen(text);
		for (size_t i = 0; i < size; i++)
			if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
				return NULL;
		return size >= 1 && size <= DH_ROOM_ID_MAX ? g_strdup(text) : NULL;
	}
	errno = 0;
	int64_t number = g_ascii_strtoll(text, &end, 10);
	return errno || end == text || *end ? NULL : from_number(number);
}

char *dh_room_id_from_json(const json_t *id, bool string_ids)
{
	if (!string_ids)
		return json_is_integer(id) ? from_number(json_integer_value(id)) : NULL;
	/* A NUL in it would hide what follows. */
	if (!json_is_string(id) || strlen(json_string_value(id)) != json_string_length(id))
		return NULL;
	return dh_room_id_parse(json_string_value(id), true);
}

json_t *dh_room_id_to_json(const char *id, bool string_ids)
{
	return string_ids ? json_string(id) : json_integer((json_int_t)g_ascii_strtoll(id, NULL, 10));
}

char *dh_room_id_random(bool string_ids)
{
	if (string_ids)
		return g_uuid_string_random();
	uint64_t number = ((uint64_t)g_random_int() << 32 | g_random_int()) % (uint64_t)NUMBER_MAX;
	return from_number((int64_t)number + 1);
}
