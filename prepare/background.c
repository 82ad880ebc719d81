/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "background.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "playout/matte.h"

void dh_background_init(struct dh_background *background)
{
	memset(background, 0, sizeof *background);
	dh_background_parse(background, DH_BACKGROUND);
	background->is_set = false;
}

bool dh_background_parse(struct dh_background *background, const char *text)
{
	if (strcmp(text, DH_BACKGROUND_CLEAR) == 0) {
		background->is_set = background->is_clear = true;
		return true;
	}
	if (text[0] != '#' || strlen(text) != 7)
		return false;
	for (int i = 1; i < 7; i++)
		if (!isxdigit((unsigned char)text[i]))
			return false;
	unsigned long rgb = strtoul(text + 1, NULL, 16);
	for (int i = 0; i < 3; i++)
		background->rgb[i] = (uint8_t)(rgb >> (16 - 8 * i));
	background->is_set = true;
	background->is_clear = false;
	return true;
}

int dh_background_coded_height(const struct dh_background *background, int height)
{
	return background->is_clear ? dh_matte_coded_height(height) : height;
}
