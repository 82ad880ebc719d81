/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "secret.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <glib.h>

static int read_file(char **secret, const char *path, struct dh_send_fault *fault)
{
	char line[DH_SEND_SECRET_MAX + 2] = "";
	FILE *file = fopen(path, "re");

	if (!file)
		return dh_send_fail(fault, DH_SEND_USAGE, "--secret-file %s: %s", path, strerror(errno));
	errno = 0;
	const char *got = fgets(line, sizeof line, file);
	int err = errno;
	fclose(file);
	if (!got && err)
		return dh_send_fail(fault, DH_SEND_USAGE, "--secret-file %s: %s", path, strerror(err));
	line[strcspn(line, "\r\n")] = '\0';
	if (!*line || strlen(line) > DH_SEND_SECRET_MAX)
		return dh_send_fail(fault, DH_SEND_USAGE, "--secret-file %s: its first line must have 1 to %d bytes",
			path, DH_SEND_SECRET_MAX);
	*secret = g_strdup(line);
	return 0;
}

int dh_send_secret_read(char **secret, const char *file, const char *variable, struct dh_send_fault *fault)
{
	*secret = NULL;
	if (file)
		return read_file(secret, file, fault);
	if (variable && *variable)
		*secret = g_strdup(variable);
	return 0;
}
