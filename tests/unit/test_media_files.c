/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Opening the file that a request names, only in the segment folders. */
#include "tests/support/ingest_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <glib.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "ingest/media_files.h"
#include "prepare/envelope.h"

static struct dh_openers *openers;
static char base[TEMP_FOLDER_SIZE];
static char one[TEMP_FOLDER_SIZE + 8], two[TEMP_FOLDER_SIZE + 8];
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
	char inner[100], inside[100];

	CHECK_INT(temp_folder_make(base), 0);
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
	link_to("there", "back");
	link_to("back", "there");
	link_to("../one/inner/a", "out and in");
	snprintf(inside, sizeof inside, "%s/whole round", one);
	link_to(inside, "whole round");
	link_to("..", "inner/up");
	snprintf(inside, sizeof inside, "%s/inner/a", one);
	link_to(inside, "absolute inside");
	snprintf(inside, sizeof inside, "%s/inner", one);
	link_to(inside, "absolute folder");
	snprintf(inside, sizeof inside, "%s-else", one);
	CHECK_INT(mkdir(inside, 0700), 0);
	put(inside, "a", "else");
	snprintf(inside, sizeof inside, "%s-else/a", one);
	link_to(inside, "sibling");
	link_to(base, "folder");
	make_special_files();
	memset(long_name, 'x', sizeof long_name - 1);
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
	{ "absolute link inside", "absolute inside", 0, "inner" },
	{ "link to a folder inside", "absolute folder/a", 0, "inner" },
	{ "link out and in", "out and in", 0, "inner" },
	{ "up and down", "inner/../a", 0, "one" },
	{ "up and down again", "inner/../inner/./../a", 0, "one" },
	{ "up by a link", "inner/up/a", 0, "one" },
	{ "link outside", "outside", EXDEV, "not beneath the segment folder, a link leads out" },
	{ "absolute link", "absolute", EXDEV, "a link leads out" },
	{ "magic link", "magic", EXDEV, "a link leads out" },
	{ "linked folder", "folder/secret", EXDEV, "a link leads out" },
	{ "its name goes on", "sibling", EXDEV, "a link leads out" },
	{ "up from a linked folder", "inner/up/../secret", EXDEV, "a link leads out" },
	{ "nothing behind a link", "absolute folder/nothing", ENOENT, "no such file" },
	{ "round", "round", ELOOP, "links go round" },
	{ "there and back", "there", ELOOP, "links go round" },
	{ "whole path round", "whole round", ELOOP, "links go round" },
	{ "up", "../secret", EXDEV, "not beneath the segment folder, \"..\" leads out" },
	{ "up and back", "../one/a", EXDEV, "\"..\" leads out" },
	{ "further up than down", "inner/../../secret", EXDEV, "\"..\" leads out" },
	{ "only up", "..", EXDEV, "\"..\" leads out" },
	{ "up at the end", "inner/..", EISDIR, "a folder" },
	{ "absolute", "/etc/passwd", EXDEV, "an absolute path" },
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

/* What came of opening it: a descriptor or a negative errno. */
static int open_media(const char *folder, const char *path, int64_t max_bytes, char **error)
{
	struct dh_opener user;
	struct stat st;
	int fd;

	dh_opener_init(&user, openers);
	fd = dh_media_open(&user, folder, path, max_bytes, &st, error);
	dh_opener_clear(&user);
	if (fd >= 0)
		CHECK_INT(dh_envelope_open(&fd), 0);
	return fd;
}

static void test_open(const void *arg)
{
	const struct row *row = arg;
	char *error = NULL, text[100] = "";
	int fd = open_media(one, row->path, 16, &error);

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
	fd = open_media(one, row->path, 16, NULL);
	CHECK(row->error ? fd == -row->error : fd >= 0);
	if (fd >= 0)
		close(fd);
}

static void test_configured(void)
{
	char *path = g_build_filename(base, "secret", NULL), *error = NULL;
	int fd = open_media(NULL, path, 0, &error);

	CHECK(fd >= 0 && !error);
	close(fd);
	CHECK_INT(open_media(NULL, "/nonexistent", 0, &error), -ENOENT);
	CHECK_STR(error, "no such file: /nonexistent");
	g_free(error);
	g_free(path);
}

static void test_no_folder(void)
{
	CHECK_INT(open_media("/nonexistent", "a", 0, NULL), -ENOENT);
}

static const struct check_test tests[] = {
	TABLE(test_open, rows),
	TEST(test_configured),
	TEST(test_no_folder),
};

int main(int argc, char **argv)
{
	int r;

	if (find_programs(argv[0]))
		return 2;
	openers = dh_openers_new(opener_program);
	if (setjmp(check_state.end) != 0)
		return 1;
	make_folders();
	r = CHECK_MAIN(argc, argv, tests);
	remove_folder(base);
	dh_openers_unref(&openers);
	return r;
}
