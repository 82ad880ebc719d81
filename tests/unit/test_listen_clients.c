/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Recognisers that read and do not read. */
#include "tests/support/check.h"
#include "tests/support/temp_folder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "prepare/listen_clients.h"

static char folder[TEMP_FOLDER_SIZE];
static char path[TEMP_FOLDER_SIZE + 16];

static struct dh_recognisers *start(int max)
{
	struct dh_recognisers *clients = NULL;

	CHECK_INT(dh_recognisers_alloc(&clients, path, max), 0);
	return clients;
}

static int join(struct dh_recognisers *clients)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	CHECK_INT(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	dh_recognisers_serve(clients, "hello\n");
	return fd;
}

static size_t read_all(int fd)
{
	char bytes[65536];
	size_t all = 0;
	ssize_t count;

	while ((count = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0)
		all += (size_t)count;
	return all;
}

/* One that does not read is disconnected, and takes nothing from another one. */
static void test_one_that_does_not_read(void)
{
	struct dh_recognisers *clients = start(4);
	int deaf = join(clients), reader = join(clients);
	struct pollfd polls[DH_LISTEN_CLIENTS_MAX + 1];
	char bytes[65536];
	size_t read = 0, sent = 6;

	memset(bytes, 'x', sizeof(bytes));
	CHECK_INT(dh_recognisers_poll(clients, polls), 3);
	for (int i = 0; i < 100; i++) {
		dh_recognisers_send(clients, bytes, sizeof(bytes));
		sent += sizeof(bytes);
		for (int k = 0; k < 10; k++) {
			read += read_all(reader);
			dh_recognisers_serve(clients, "");
		}
	}
	CHECK_INT(read, sent);
	CHECK_INT(dh_recognisers_poll(clients, polls), 2);
	size_t kept = read_all(deaf);
	CHECK(kept > 6 && kept < sent, "%zu bytes", kept);
	close(deaf);
	close(reader);
	dh_recognisers_serve(clients, "");
	CHECK(!dh_recognisers_any(clients), "somebody is left");
	dh_recognisers_free(&clients);
}

/* As `socat -u` does. Nothing has to be polled for that. */
static void test_one_that_ends_its_writing(void)
{
	struct dh_recognisers *clients = start(1);
	struct pollfd polls[DH_LISTEN_CLIENTS_MAX + 1];
	int reader = join(clients);

	CHECK_INT(read_all(reader), 6);
	shutdown(reader, SHUT_WR);
	for (int i = 0; i < 3; i++) {
		dh_recognisers_serve(clients, "");
		dh_recognisers_send(clients, "sound\n", 6);
		CHECK_INT(read_all(reader), 6);
	}
	CHECK_INT(dh_recognisers_poll(clients, polls), 2);
	CHECK_INT(poll(polls, 2, 0), 0);
	close(reader);
	CHECK_INT(poll(polls, 2, 0), 1);
	dh_recognisers_serve(clients, "");
	CHECK(!dh_recognisers_any(clients), "somebody is left");
	dh_recognisers_free(&clients);
}

static void test_too_many(void)
{
	struct dh_recognisers *clients = start(1);
	int first = join(clients), second = join(clients);
	char byte;

	CHECK_INT(read_all(first), 6);
	CHECK_INT(recv(second, &byte, 1, 0), 0);
	close(first);
	close(second);
	dh_recognisers_free(&clients);
}

static void test_paths(void)
{
	struct dh_recognisers *clients = start(1), *other = NULL;
	char longer[300];

	memset(longer, 'a', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = 0;
	CHECK_INT(dh_recognisers_alloc(&other, longer, 1), -ENAMETOOLONG);
	CHECK_INT(dh_recognisers_alloc(&other, path, 1), -EADDRINUSE);
	CHECK_INT(dh_recognisers_alloc(&other, "/nowhere/there", 1), -ENOENT);
	dh_recognisers_free(&clients);
	CHECK_INT(access(path, F_OK), -1);
	FILE *file = fopen(path, "w");
	fclose(file);
	CHECK_INT(dh_recognisers_alloc(&other, path, 1), -EADDRINUSE);
	unlink(path);
}

static const struct check_test tests[] = {
	TEST(test_one_that_does_not_read),
	TEST(test_one_that_ends_its_writing),
	TEST(test_too_many),
	TEST(test_paths),
};

int main(int argc, char **argv)
{
	if (temp_folder_make(folder))
		return 2;
	snprintf(path, sizeof(path), "%s/socket", folder);
	int code = CHECK_MAIN(argc, argv, tests);
	rmdir(folder);
	return code;
}
