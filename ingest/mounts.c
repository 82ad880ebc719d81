/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mounts.h"

#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

/* Length of `point` if `path` is at or beneath it, else -1. */
static int beneath(const char *path, const char *point)
{
	size_t length = strlen(point);

	if (length > 0 && point[length - 1] == '/')
		length--; /* the root */
	return strncmp(path, point, length) == 0 && (path[length] == '/' || path[length] == 0) ? (int)length : -1;
}

/* A line: id, parent, major:minor, root, mount point (spaces etc. as \040), … */
static int read_line(const char *line, const char *path, uint64_t *device)
{
	unsigned major_number, minor_number;
	char *point = NULL, *plain;
	int length;

	if (sscanf(line, "%*d %*d %u:%u %*s %ms", &major_number, &minor_number, &point) != 3) {
		free(point);
		return -1;
	}
	plain = g_strcompress(point);
	length = beneath(path, plain);
	*device = makedev(major_number, minor_number);
	g_free(plain);
	free(point);
	return length;
}

uint64_t dh_mounts_device(const char *path, const char *table)
{
	uint64_t found = 0, device;
	char *text, **lines;
	int longest = -1;

	if (!g_file_get_contents(table ? table : "/proc/self/mountinfo", &text, NULL, NULL))
		return 0;
	lines = g_strsplit(text, "\n", -1);
	for (char **line = lines; *line; line++) {
		int length = read_line(*line, path, &device);
		/* Later mounts cover earlier ones. */
		if (length >= longest && length >= 0) {
			longest = length;
			found = device;
		}
	}
	g_strfreev(lines);
	g_free(text);
	return found;
}
