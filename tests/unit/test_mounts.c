/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which file system a path is on, by the mount table. */
#include "tests/support/check.h"

#include <glib.h>
#include <sys/sysmacros.h>

#include "ingest/mounts.h"

static const char table[] = "22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n"
			    "30 22 0:40 / /srv/segments rw - fuse.slow slow rw\n"
			    "31 30 0:41 /inner /srv/segments/a\\040b rw shared:3 - nfs4 server:/x rw\n"
			    "32 22 0:42 / /srv/seg rw - tmpfs tmpfs rw\n"
			    "33 22 0:43 / /srv/seg rw - tmpfs over rw\n"
			    "nonsense\n";

static const struct mount_row {
	const char *path;
	unsigned major_number, minor_number;
} mounts[] = {
	{ "/etc/passwd", 8, 1 },
	{ "/", 8, 1 },
	{ "/srv/segments", 0, 40 },
	{ "/srv/segments/x/y", 0, 40 },
	{ "/srv/segmentsx", 8, 1 },
	{ "/srv/segments/a b/c", 0, 41 },
	{ "/srv/seg/x", 0, 43 },
};

static void test_mounts(const void *arg)
{
	const struct mount_row *row = arg;
	char *path = NULL;
	int fd = g_file_open_tmp("dh-test-XXXXXX", &path, NULL);

	CHECK_INT(write(fd, table, strlen(table)), strlen(table));
	close(fd);
	CHECK_INT(dh_mounts_device(row->path, path), makedev(row->major_number, row->minor_number));
	unlink(path);
	g_free(path);
	CHECK_INT(dh_mounts_device(row->path, "/nonexistent"), 0);
	/* In a chroot the system's own table may lack the root. */
	CHECK(dh_mounts_device("/proc/self", NULL) != 0);
}

static const struct check_test tests[] = {
	TABLE(test_mounts, mounts),
};

int main(int argc, char **argv)
{
	return CHECK_MAIN(argc, argv, tests);
}
