/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/temp_folder.h"

#include <errno.h>
#include <ftw.h>
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>

int temp_folder_make(char folder[TEMP_FOLDER_SIZE])
{
	if (g_snprintf(folder, TEMP_FOLDER_SIZE, "%s/dh-test-XXXXXX", g_get_tmp_dir()) >= TEMP_FOLDER_SIZE)
		return -ENAMETOOLONG;
	return mkdtemp(folder) ? 0 : -errno;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st;
	(void)type;
	(void)where;
	return remove(path);
}

void remove_folder(const char *path)
{
	nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
