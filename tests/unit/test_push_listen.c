/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where connections of generators are accepted. */
#include "tests/support/check.h"
#include "tests/support/temp_folder.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <glib.h>

#include "ingest/push_listen.h"

static const struct address {
	const char *name;
	bool is_valid, is_public;
} addresses[] = {
	{ "127.0.0.1:8189", true, false },
	{ "127.9.9.9:1", true, false },
	{ "[::1]:65535", true, false },
	{ "0.0.0.0:8189", true, true },
	{ "192.0.2.1:8189", true, true },
	{ "[::]:8189", true, true },
	{ "127.0.0.1:65536", false, false },
	{ "127.0.0.1:0", false, false }, /* nobody would know where */
	{ "127.0.0.1:", false, false },
	{ "127.0.0.1", false, false },
	{ "127.0.0.1:80x", false, false },
	{ ":8189", false, false },
	{ "::1:8189", false, false },
	{ "[]:8189", false, false },
	{ "[::1:8189", false, false },
	{ "localhost:8189", false, false },
	{ "", false, false },
};

static void test_address(const void *arg)
{
	const struct address *row = arg;
	bool is_public = false;

	CHECK(dh_push_address_is_valid(row->name, &is_public) == row->is_valid);
	CHECK(is_public == row->is_public);
}

static void test_stale_socket(void)
{
	char folder[TEMP_FOLDER_SIZE], path[TEMP_FOLDER_SIZE + 8], *error = NULL;
	struct stat st;

	CHECK_INT(temp_folder_make(folder), 0);
	g_snprintf(path, sizeof path, "%s/push", folder);
	int first = dh_push_listen_local(path, 0640, NULL, &error);
	CHECK(first >= 0);
	CHECK(stat(path, &st) == 0 && (st.st_mode & 0777) == 0640);
	CHECK_INT(dh_push_listen_local(path, 0600, NULL, &error), -EADDRINUSE);
	CHECK(strstr(error, DH_PUSH_SOCKET_OPTION));
	g_clear_pointer(&error, g_free);
	close(first); /* as if killed: the file stays */
	int second = dh_push_listen_local(path, 0600, NULL, &error);
	CHECK(second >= 0);
	close(second);
	unlink(path);
	CHECK(g_file_set_contents(path, "mine", -1, NULL));
	CHECK_INT(dh_push_listen_local(path, 0600, NULL, &error), -EADDRINUSE);
	CHECK(access(path, F_OK) == 0); /* no file of anybody else's is removed */
	g_clear_pointer(&error, g_free);
	unlink(path);
	rmdir(folder);
}

static void test_unknown_group(void)
{
	char folder[TEMP_FOLDER_SIZE], path[TEMP_FOLDER_SIZE + 8], *error = NULL;

	CHECK_INT(temp_folder_make(folder), 0);
	g_snprintf(path, sizeof path, "%s/push", folder);
	CHECK_INT(dh_push_listen_local(path, 0600, "no-such-group", &error), -EINVAL);
	CHECK_STR(error, "push_socket_group: no-such-group: there is no such group");
	g_free(error);
	CHECK(access(path, F_OK) < 0);
	rmdir(folder);
}

static const struct check_test tests[] = {
	TABLE(test_address, addresses),
	TEST(test_stale_socket),
	TEST(test_unknown_group),
};

int main(int argc, char **argv)
{
	return CHECK_MAIN(argc, argv, tests);
}
