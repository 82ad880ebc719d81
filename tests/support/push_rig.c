/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "push_rig.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct push_run f;
atomic_int refusals;
struct push_hand hand;

int __real_accept4(int fd, struct sockaddr *address, socklen_t *size, int flags);
int __wrap_accept4(int fd, struct sockaddr *address, socklen_t *size, int flags);

int __wrap_accept4(int fd, struct sockaddr *address, socklen_t *size, int flags)
{
	if (atomic_load(&refusals) <= 0)
		return __real_accept4(fd, address, size, flags);
	atomic_fetch_sub(&refusals, 1);
	errno = EMFILE;
	return -1;
}

GSource *__real_dh_io_timer(struct dh_io *io, GSourceFunc fn, void *arg);
GSource *__wrap_dh_io_timer(struct dh_io *io, GSourceFunc fn, void *arg);

GSource *__wrap_dh_io_timer(struct dh_io *io, GSourceFunc fn, void *arg)
{
	GSource *timer = __real_dh_io_timer(io, fn, arg);

	if (atomic_load(&hand.is_used)) {
		hand.timer = timer;
		hand.over = fn;
		hand.arg = arg;
	}
	return timer;
}

void __real_dh_io_timer_set(GSource *timer, int64_t ms);
void __wrap_dh_io_timer_set(GSource *timer, int64_t ms);

void __wrap_dh_io_timer_set(GSource *timer, int64_t ms)
{
	bool is_hand = atomic_load(&hand.is_used) && timer == hand.timer;

	if (is_hand)
		hand.is_set = ms >= 0;
	__real_dh_io_timer_set(timer, is_hand ? -1 : ms);
}

static void on_line(void *arg, struct dh_push *push, const char *line, size_t size)
{
	(void)arg;
	g_mutex_lock(&f.lock);
	f.lines++;
	g_strlcpy(f.last, line, sizeof f.last);
	CHECK_INT(strlen(line), size);
	g_mutex_unlock(&f.lock);
	dh_push_say(push, json_pack("{s:i}", "size", (int)size));
	if (!strcmp(line, "next")) {
		dh_push_next(push);
	} else if (!strcmp(line, "large")) {
		GBytes *bytes = g_bytes_new_take(g_malloc0(LARGE), LARGE);
		dh_push_send(push, bytes);
		g_bytes_unref(bytes);
		dh_push_next(push);
	} else if (!strcmp(line, "media")) {
		g_mutex_lock(&f.lock);
		f.media = dh_push_take(push);
		g_cond_broadcast(&f.change);
		g_mutex_unlock(&f.lock);
	} else if (!strcmp(line, "flood")) {
		for (int i = 0; i < 100000; i++)
			dh_push_say(push, json_pack("{s:i}", "number", i));
		dh_push_end(push, json_pack("{s:s}", "last", "line"));
		dh_push_end(push, json_pack("{s:s}", "never", "said"));
	} else {
		dh_push_end(push, NULL);
	}
}

static json_t *on_refusal(void *arg, const char *limit)
{
	(void)arg;
	return json_pack("{s:s}", "refused", limit);
}

static void on_closed(void *arg, struct dh_push *push)
{
	(void)arg;
	(void)push;
	g_mutex_lock(&f.lock);
	f.closed++;
	g_cond_broadcast(&f.change);
	g_mutex_unlock(&f.lock);
}

const struct dh_push_owner owner = { .line = on_line, .refusal = on_refusal, .closed = on_closed };

void push_start_with(int max, int line_ms)
{
	char *error = NULL;

	memset(&f, 0, sizeof f);
	CHECK_INT(temp_folder_make(f.folder), 0);
	g_snprintf(f.path, sizeof f.path, "%s/push", f.folder);
	const struct dh_push_config config = { .socket = f.path, .socket_mode = 0600, .max = max, .line_ms = line_ms };
	CHECK_INT(dh_io_alloc(&f.io), 0);
	CHECK_INT(dh_push_server_alloc(&f.server, f.io, &config, &owner, NULL, &error), 0);
}

void push_start(int max)
{
	push_start_with(max, AWAIT_S * 1000);
}

void push_stop(void)
{
	dh_push_server_free(&f.server);
	dh_io_free(&f.io);
	CHECK(access(f.path, F_OK) < 0);
	rmdir(f.folder);
}

int push_join(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const struct timeval limit = { .tv_sec = AWAIT_S };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, f.path);
	CHECK(connect(fd, (const struct sockaddr *)&address, sizeof address) == 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	return fd;
}

void push_say(int fd, const char *text)
{
	CHECK_INT(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static void wait_until_released(void *arg)
{
	(void)arg;
	g_mutex_lock(&f.held);
	g_mutex_unlock(&f.held);
}

int push_join_saying(const char *text)
{
	int fd;

	g_mutex_lock(&f.held);
	dh_io_post(f.io, wait_until_released, NULL);
	fd = push_join();
	push_say(fd, text);
	g_mutex_unlock(&f.held);
	return fd;
}

GString *push_hear(int fd)
{
	GString *heard = g_string_new(NULL);
	char bytes[4096];
	ssize_t n;

	while ((n = TEMP_FAILURE_RETRY(recv(fd, bytes, sizeof bytes, 0))) > 0)
		g_string_append_len(heard, bytes, n);
	CHECK_INT(n, 0);
	return heard;
}

void push_hear_all(int fd, const char *expected)
{
	GString *heard = push_hear(fd);

	CHECK_STR(heard->str, expected);
	g_string_free(heard, TRUE);
	close(fd);
}

void push_await_closed(int count)
{
	gint64 end = g_get_monotonic_time() + AWAIT_S * G_USEC_PER_SEC;

	g_mutex_lock(&f.lock);
	while (f.closed < count)
		CHECK(g_cond_wait_until(&f.change, &f.lock, end));
	CHECK_INT(f.closed, count);
	g_mutex_unlock(&f.lock);
}
