/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The I/O thread waits for nothing but its sources: not while rooms are interrupted, files hang, and processes
 * die that cannot be reaped. How long it sleeps within a turn is the kernel's account, so a busy machine
 * changes nothing; whatever would wait for one of the held processes sleeps as long as they are held. */
#include "tests/support/plugin_fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "plugin/request.h"
#include "tests/support/held.h"

#define HELD_MS 12000
/* A thread that starts a process sleeps until that one has executed its program; or it waits for a lock. */
#define SLEEP_MS (HELD_MS / 2)

/* --- how long it sleeps within a turn */

static atomic_int io_thread; /* its id; 0: there is none yet */
static _Atomic int64_t longest_us;
static _Atomic int64_t begun_us; /* what it had slept when its turn began; -1: it is between two turns */

gint __real_g_poll(GPollFD *fds, guint count, gint timeout_ms);
gint __wrap_g_poll(GPollFD *fds, guint count, gint timeout_ms);
int __real_open64(const char *path, int flags, ...);

/* All the time in which it had no use for a processor, from an origin of its own. See
 * Documentation/scheduler/sched-stats.rst: time on a processor, time waiting for one. Where the kernel does not
 * say, all time counts. */
static int64_t slept_us(int thread)
{
	char path[64], text[100] = "";
	int64_t ran_ns = 0, waited_ns = 0, now_us = g_get_monotonic_time();
	int fd;

	snprintf(path, sizeof path, "/proc/self/task/%d/schedstat", thread);
	fd = __real_open64(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		if (read(fd, text, sizeof text - 1) > 0)
			sscanf(text, "%" SCNd64 " %" SCNd64, &ran_ns, &waited_ns);
		close(fd);
	}
	return now_us - (ran_ns + waited_ns) / 1000;
}

/* The longest so far, that of a turn that has not ended included. */
static int64_t longest_ms(void)
{
	int64_t begun = atomic_load(&begun_us), us = atomic_load(&longest_us);

	if (begun >= 0) {
		int64_t slept = slept_us(atomic_load(&io_thread)) - begun;
		if (atomic_load(&begun_us) == begun) /* or it has slept between two turns */
			us = MAX(us, slept);
	}
	return us / 1000;
}

/* Only the I/O thread calls it from within the plugin. */
gint __wrap_g_poll(GPollFD *fds, guint count, gint timeout_ms)
{
	int n;

	if (atomic_load(&io_thread) == gettid()) {
		int64_t us = slept_us(gettid()) - atomic_exchange(&begun_us, -1);
		atomic_store(&longest_us, MAX(atomic_load(&longest_us), us));
	}
	n = __real_g_poll(fds, count, timeout_ms);
	atomic_store(&io_thread, gettid());
	atomic_store(&begun_us, slept_us(gettid()));
	return n;
}

/* --- what it calls that waits, however short, or that a disk may answer; files may be larger than 2 GiB, and so the
 * linker knows some by another name */

static atomic_int waits;
static _Atomic(const char *) first_wait;

static void count(const char *name)
{
	const char *none = NULL;

	if (atomic_load(&io_thread) != gettid())
		return;
	atomic_fetch_add(&waits, 1);
	atomic_compare_exchange_strong(&first_wait, &none, name);
}

static void count_path(const char *name, const char *path)
{
	if (strncmp(path, "/proc/", 6) != 0)
		count(name);
}

#define WRAP(type, name, parameters, arguments, note) \
	type __real_##name parameters; \
	type __wrap_##name parameters; \
	type __wrap_##name parameters \
	{ \
		note; \
		return __real_##name arguments; \
	}

/* clang-format off */
WRAP(int, waitid, (idtype_t type, id_t id, siginfo_t *info, int options), (type, id, info, options),
	if (!(options & WNOHANG)) count("waitid"))
WRAP(pid_t, waitpid, (pid_t pid, int *status, int options), (pid, status, options),
	if (!(options & WNOHANG)) count("waitpid"))
WRAP(int, poll, (struct pollfd *fds, nfds_t n, int timeout_ms), (fds, n, timeout_ms),
	if (timeout_ms != 0) count("poll"))
WRAP(int, usleep, (useconds_t us), (us), count("usleep"))
WRAP(int, nanosleep, (const struct timespec *time, struct timespec *left), (time, left), count("nanosleep"))
WRAP(int, pthread_join, (pthread_t thread, void **result), (thread, result), count("pthread_join"))
WRAP(int, pthread_cond_wait, (pthread_cond_t *cond, pthread_mutex_t *lock), (cond, lock), count("pthread_cond_wait"))
WRAP(int, pthread_cond_timedwait, (pthread_cond_t *cond, pthread_mutex_t *lock, const struct timespec *until),
	(cond, lock, until), count("pthread_cond_timedwait"))
WRAP(int, fsync, (int fd), (fd), count("fsync"))
WRAP(int, stat64, (const char *path, struct stat *st), (path, st), count_path("stat", path))
WRAP(int, lstat64, (const char *path, struct stat *st), (path, st), count_path("lstat", path))
WRAP(int, access, (const char *path, int mode), (path, mode), count_path("access", path))
WRAP(DIR *, opendir, (const char *path), (path), count_path("opendir", path))
WRAP(int, unlink, (const char *path), (path), count_path("unlink", path))
WRAP(int, rename, (const char *from, const char *to), (from, to), count_path("rename", to))
WRAP(gboolean, g_file_get_contents, (const gchar *path, gchar **text, gsize *size, GError **error),
	(path, text, size, error), count_path("g_file_get_contents", path))
/* clang-format on */

void __real_g_usleep(gulong us);
void __wrap_g_usleep(gulong us);

void __wrap_g_usleep(gulong us)
{
	count("g_usleep");
	__real_g_usleep(us);
}

int __wrap_open64(const char *path, int flags, mode_t mode);

int __wrap_open64(const char *path, int flags, mode_t mode)
{
	count_path("open", path);
	return __real_open64(path, flags, mode);
}

/* --- the plugin's processes */

#define CHILDREN_MAX 32

static pid_t children[CHILDREN_MAX];
static int child_count;

static void add_child(int pid)
{
	CHECK(child_count < CHILDREN_MAX);
	children[child_count++] = pid;
}

static bool is_called(pid_t pid, const char *name)
{
	char path[40], comm[20] = "";
	FILE *file;

	snprintf(path, sizeof path, "/proc/%d/comm", (int)pid);
	file = fopen(path, "re");
	if (file) {
		if (!fgets(comm, sizeof comm, file))
			comm[0] = 0;
		fclose(file);
	}
	comm[strcspn(comm, "\n")] = 0;
	return strcmp(comm, name) == 0;
}

static int count_called(const char *name)
{
	int n = 0;

	child_count = 0;
	each_child(add_child);
	for (int i = 0; i < child_count; i++)
		n += is_called(children[i], name);
	return n;
}

static void await_called(const char *name, int count)
{
	double end = now_ms() + AWAIT_S * 1e3;

	while (count_called(name) < count && now_ms() < end)
		usleep(5000);
	CHECK(count_called(name) >= count, "%s: %d", name, count_called(name));
}

/* Until as many workers as there are to be have started, and those that have work have begun. */
static void await_workers(void)
{
	static const char *const names[] = { "workers", "workers_live", "workers_ready" };
	static const int counts[] = { 2, 1, 2 };
	double end = now_ms() + AWAIT_S * 1e3;
	int right = 0;

	while (right < 3 && now_ms() < end) {
		json_t *stats = gateway_ask_admin(
			json_pack("{s:s, s:s}", "request", "stats", "admin_key", FILES_ADMIN_KEY));
		json_t *usage = json_object_get(stats, "usage");
		right = 0;
		for (int i = 0; i < 3; i++)
			right += json_integer_value(json_object_get(json_object_get(usage, names[i]), "used")) ==
				counts[i];
		json_decref(stats);
		usleep(5000);
	}
	CHECK_INT(right, 3);
}

/* The process that makes workers was there before them, and stays. */
static void spare_server(void)
{
	int i = 0;

	while (i < child_count && (is_called(children[i], "dh-open") || is_called(children[i], "dh-scope")))
		i++;
	CHECK(i < child_count);
	children[i] = children[--child_count];
}

/* A child may end while they are being held: then it begins anew. */
static pid_t hold_all(int *let_go)
{
	double end = now_ms() + AWAIT_S * 1e3;
	pid_t holder;

	do {
		await_called("dh-scope", 1);
		await_called("dh-open", 1);
		spare_server();
		holder = hold(children, child_count, let_go);
	} while (holder < 0 && now_ms() < end);
	return holder;
}

/* Openers hang, and so do the files that they open; workers die. A scope is left alone: it will not react to
 * being asked to end. */
static void strike_all(void)
{
	for (int i = 0; i < child_count; i++) {
		if (is_called(children[i], "dh-open"))
			kill(children[i], SIGSTOP);
		else if (!is_called(children[i], "dh-scope"))
			kill(children[i], SIGKILL);
	}
}

/* --- */

/* A generator that says nothing, and its room. */
#define GENERAL \
	"file_open_s = 10\n max_workers = 16\n" \
	"}\n" \
	"generator-mute: { command = (\"/bin/sleep\", \"1000\") }\n" \
	"room-mute: { id = 4; avatar = \"" FILES_AVATAR "\"; generator = \"mute\"\n"

static int ask_room(struct gateway_handle *handle, const char *request, int room, const char *key, const char *value)
{
	return code_of(ASK(handle, "{s:s, s:i, s:s, s:s}", "request", request, "id", room, "secret", FILES_SECRET, key,
		value));
}

/* On a busy machine a file may take too long to open. */
static void enqueue(struct gateway_handle *handle, int room, const char *file)
{
	double end = now_ms() + AWAIT_S * 1e3;
	int code;

	do
		code = ask_room(handle, "enqueue", room, "file", file);
	while (code == DH_ERROR_FILE && now_ms() < end);
	CHECK_INT(code, 0);
}

static void interrupt(struct gateway_handle *handle, int room)
{
	CHECK_INT(code_of(ASK(handle, "{s:s, s:i, s:s}", "request", "interrupt", "id", room, "secret", FILES_SECRET)),
		0);
}

static void test_it_waits_for_nothing(void)
{
	struct gateway_handle *handle;
	struct plugin_fixture fixture;
	int let_go = -1;
	double end;

	if (!can_hold())
		CHECK_SKIP("processes cannot be traced here");
	plugin_fixture_open(&fixture, GENERAL);
	CHECK_INT(plugin_files_file(&fixture.files, "segments/hang 5", "hang 5", 6), 0);
	CHECK_INT(plugin_files_file(&fixture.files, "segments/stop 5", "stop 5", 6), 0);
	attach_all(&handle, 1, NULL);
	observe_room(handle, 1);
	CHECK_INT(ask_room(handle, "say", 4, "text", "Hello."), 0);
	enqueue(handle, 2, "hang 5");
	enqueue(handle, 3, "stop 5");
	await_workers();
	pid_t holder = hold_all(&let_go);
	CHECK(holder > 0);
	end = now_ms() + HELD_MS;
	strike_all();
	for (int room = 2; room <= 4; room++)
		interrupt(handle, room);
	int code = ask_room(handle, "enqueue", 2, "file", "good 5"); /* unless an avatar got the opener that hangs */
	/* another room speaks meanwhile */
	CHECK_INT(ask_room(handle, "say", 1, "text", "Hello."), 0);
	json_t *event = gateway_await(handle, "event:finished", AWAIT_S * 1000);
	while (now_ms() < end)
		usleep(10000);
	int64_t slept_ms = longest_ms();
	release_held(holder, let_go);
	CHECK(code == DH_ERROR_FILE || gateway_logged("its file system does not answer") > 0, "%d", code);
	CHECK(slept_ms < SLEEP_MS, "it slept %d ms in one turn", (int)slept_ms);
	CHECK(atomic_load(&waits) == 0, "%d, the first one in %s", atomic_load(&waits), atomic_load(&first_wait));
	CHECK(event, "nothing is finished");
	json_decref(event);
	gateway_detach(&handle);
	plugin_fixture_close(&fixture);
}

static const struct check_test tests[] = {
	TEST(test_it_waits_for_nothing),
};

PREPARATION_MAIN(tests)
