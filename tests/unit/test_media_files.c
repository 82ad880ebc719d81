/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Opening the file that a request names, only in the segment folders. */
#include "tests/support/check.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <glib.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "ingest/media_files.h"

static char base[] = "/tmp/dh-test-XXXXXX";
static char one[64], two[64];
static char long_name[DH_MEDIA_PATH_MAX + 2];

static void put(const char *folder, const char *name, const char *text)
{
	char *path = g_build_filename(folder, name, NULL);

	CHECK(g_file_set_contents(path, text, -1, NULL));
	g_free(path);
}

static void link_to(const char *target, const char *name)
{
	char *path = g_build_filename(one, name, NULL);

	CHECK_INT(symlink(target, path), 0);
	g_free(path);
}

static void make_special_files(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char path[100];
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(path, sizeof path, "%s/fifo", one);
	CHECK_INT(mkfifo(path, 0600), 0);
	snprintf(address.sun_path, sizeof address.sun_path, "%s/socket", one);
	CHECK_INT(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	close(fd);
}

static void make_folders(void)
{
	char inner[100];

	CHECK(mkdtemp(base) != NULL);
	snprintf(one, sizeof one, "%s/one", base);
	snprintf(two, sizeof two, "%s/two", base);
	snprintf(inner, sizeof inner, "%s/inner", one);
	CHECK(mkdir(one, 0700) == 0 && mkdir(two, 0700) == 0 && mkdir(inner, 0700) == 0);
	put(base, "secret", "secret");
	put(one, "a", "one");
	put(one, "inner/a", "inner");
	put(one, "gr\xc3\xbc\xc3\x9f..e", "dots");
	put(one, "large", "0123456789abcdefg");
	put(two, "a", "two");
	put(two, "b", "two");
	link_to("inner/a", "inside");
	link_to("../secret", "outside");
	link_to("/etc/passwd", "absolute");
	link_to("/proc/self/exe", "magic");
	link_to("round", "round");
	link_to(base, "folder");
	make_special_files();
	memset(long_name, 'x', sizeof long_name - 1);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st;
	(void)type;
	(void)where;
	return remove(path);
}

static const struct row {
	const char *name, *path;
	int error;        /* 0: opened, and contains `text` */
	const char *text; /* otherwise part of the error */
} rows[] = {
	{ "file", "a", 0, "one" },
	{ "inner folder", "inner/a", 0, "inner" },
	{ "dot", "./inner/./a", 0, "inner" },
	{ "two dots in name", "gr\xc3\xbc\xc3\x9f..e", 0, "dots" },
	{ "link inside", "inside", 0, "inner" },
	{ "missing", "nothing", ENOENT, "no such file" },
	{ "beneath a file", "a/b", ENOENT, "no such file" },
	{ "link outside", "outside", EXDEV, "not beneath" },
	{ "absolute link", "absolute", EXDEV, "not beneath" },
	{ "magic link", "magic", EXDEV, "not beneath" },
	{ "linked folder", "folder/secret", EXDEV, "not beneath" },
	{ "round", "round", EXDEV, "not beneath" },
	{ "up", "../secret", EXDEV, "not beneath" },
	{ "up and down", "inner/../a", EXDEV, "not beneath" },
	{ "only up", "..", EXDEV, "not beneath" },
	{ "up at the end", "inner/..", EXDEV, "not beneath" },
	{ "absolute", "/etc/passwd", EXDEV, "not beneath" },
	{ "folder", "inner", EISDIR, "a folder" },
	{ "itself", ".", EISDIR, "a folder" },
	{ "fifo", "fifo", ENXIO, "not a regular file" },
	{ "socket", "socket", ENXIO, "" },
	{ "large", "large", EFBIG, "larger than" },
	{ "empty", "", EINVAL, "is empty" },
	{ "long", long_name, EINVAL, "longer than 1024 bytes" },
	{ "newline", "a\nb", EINVAL, "control characters" },
	{ "C1",
		"a\xc2\x9b"
		"b",
		EINVAL, "control characters" },
	{ "not UTF-8", "a\xff", EINVAL, "not UTF-8" },
};

static void test_open(const void *arg)
{
	const struct row *row = arg;
	char *error = NULL, text[100] = "";
	int fd = dh_media_open(one, row->path, 16, &error);

	if (row->error) {
		CHECK_INT(fd, -row->error);
		CHECK(error && strstr(error, row->text), "\"%s\"", error);
	} else {
		CHECK(fd >= 0, "%s", error);
		CHECK(!error);
		CHECK(read(fd, text, sizeof text) > 0);
		CHECK_STR(text, row->text);
		CHECK_INT(fcntl(fd, F_GETFD), FD_CLOEXEC);
		CHECK_INT(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
		close(fd);
	}
	g_free(error);
	/* The same without anywhere to put the text. */
	fd = dh_media_open(one, row->path, 16, NULL);
	CHECK(row->error ? fd == -row->error : fd >= 0);
	if (fd >= 0)
		close(fd);
}

static void test_configured(void)
{
	char *path = g_build_filename(base, "secret", NULL), *error = NULL;
	int fd = dh_media_open(NULL, path, 0, &error);

	CHECK(fd >= 0 && !error);
	close(fd);
	CHECK_INT(dh_media_open(NULL, "/nonexistent", 0, &error), -ENOENT);
	CHECK_STR(error, "no such file: /nonexistent");
	g_free(error);
	g_free(path);
}

static void test_no_folder(void)
{
	CHECK_INT(dh_media_open("/nonexistent", "a", 0, NULL), -ENOENT);
}

static const struct check_test tests[] = {
	TABLE(test_open, rows),
	TEST(test_configured),
	TEST(test_no_folder),
};

int main(int argc, char **argv)
{
	int r;

	if (setjmp(check_state.end) != 0)
		return 1;
	make_folders();
	r = CHECK_MAIN(argc, argv, tests);
	nftw(base, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return r;
}
