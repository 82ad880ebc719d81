/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/ingest_fixture.h"

#include <dirent.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>

#include "ingest/log.h"

char fake_worker[PATH_MAX], opener_program[PATH_MAX];

double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* --- the listener */

#define HEARD(what) \
	do { \
		struct heard *heard = arg; \
		pthread_mutex_lock(&heard->lock); \
		if (heard->ends + heard->failures > 0) \
			heard->out_of_order++; \
		what; \
		pthread_cond_broadcast(&heard->change); \
		pthread_mutex_unlock(&heard->lock); \
	} while (0)

static void hear_head(void *arg, const struct dh_stream_head *head)
{
	(void)head;
	HEARD(heard->heads++; heard->out_of_order += heard->anchors + (int)heard->units > 0);
}

static void hear_anchor(void *arg, struct dh_unit *anchor)
{
	(void)anchor;
	HEARD(heard->anchors++; heard->out_of_order += heard->heads != 1 || heard->units > 0);
}

static void hear_picture(void *arg, GBytes *i420)
{
	HEARD(heard->pictures++; heard->picture = g_bytes_ref(i420));
}

static void note_units(struct heard *heard, struct dh_unit *const *units, size_t count)
{
	if (heard->units == 0)
		heard->first_unit_ms = now_ms() - heard->since_ms;
	heard->units += count;
	for (size_t i = 0; i < count; i++) {
		heard->out_of_order += units[i]->pts_ticks < heard->last_pts_ticks;
		heard->last_pts_ticks = units[i]->pts_ticks;
		heard->bytes += units[i]->size;
	}
}

static void hear_units(void *arg, struct dh_unit *const *units, size_t count)
{
	HEARD(note_units(heard, units, count));
}

static void hear_note(void *arg, const char *text)
{
	HEARD(g_strlcat(heard->notes, text, sizeof heard->notes));
}

static void hear_end(void *arg, const struct dh_stream_end *end)
{
	HEARD(heard->ends++; heard->video_ticks = end->video_ticks; heard->is_incomplete = end->is_incomplete;
		heard->end_ms = now_ms() - heard->since_ms);
}

static void hear_failure(void *arg, int code, const char *text)
{
	HEARD(heard->failures++; heard->code = code; g_strlcpy(heard->text, text, sizeof heard->text));
}

const struct dh_ingest_listener hear = {
	.head = hear_head,
	.anchor = hear_anchor,
	.picture = hear_picture,
	.units = hear_units,
	.note = hear_note,
	.end = hear_end,
	.failure = hear_failure,
};

void heard_init(struct heard *heard)
{
	memset(heard, 0, sizeof *heard);
	pthread_mutex_init(&heard->lock, NULL);
	pthread_cond_init(&heard->change, NULL);
	heard->since_ms = now_ms();
}

void heard_clear(struct heard *heard)
{
	dh_ingest_unsubscribe(&heard->subscription);
	g_clear_pointer(&heard->picture, g_bytes_unref);
	pthread_cond_destroy(&heard->change);
	pthread_mutex_destroy(&heard->lock);
}

/* --- counting */

int count_entries(const char *path)
{
	DIR *dir = opendir(path);
	int n = 0;

	if (!dir)
		return -1;
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

void wake(int pid)
{
	char path[40], state = 0;
	FILE *file;

	snprintf(path, sizeof path, "/proc/%d/stat", pid);
	file = fopen(path, "re");
	if (file && fscanf(file, "%*d (%*[^)]) %c", &state) == 1 && state == 'T')
		kill(pid, SIGCONT);
	if (file)
		fclose(file);
}

/* Adds the children of one thread. */
static void add_children(GArray *pids, const char *thread)
{
	char path[300];
	FILE *file;
	int pid;

	snprintf(path, sizeof path, "/proc/self/task/%s/children", thread);
	file = fopen(path, "re");
	while (file && fscanf(file, "%d", &pid) == 1)
		g_array_append_val(pids, pid);
	if (file)
		fclose(file);
}

int each_child(void (*what)(int pid))
{
	GArray *pids = g_array_new(FALSE, FALSE, sizeof(int));
	DIR *dir = opendir("/proc/self/task");
	struct dirent *item;
	int n;

	while (dir && (item = readdir(dir)))
		add_children(pids, item->d_name);
	if (dir)
		closedir(dir);
	n = (int)pids->len;
	for (int i = 0; what && i < n; i++)
		what(g_array_index(pids, int, i));
	g_array_unref(pids);
	return n;
}

int count_children(void)
{
	return each_child(NULL);
}

void reap_given_up(int count)
{
	while (count-- > 0)
		CHECK(waitpid(-1, NULL, 0) > 0);
}

void await_counts(int fds, int children)
{
	double end = now_ms() + AWAIT_S * 1e3;

	while ((count_children() != children || count_entries("/proc/self/fd") != fds) && now_ms() < end)
		usleep(5000);
	CHECK_INT(count_children(), children);
	CHECK_INT(count_entries("/proc/self/fd"), fds);
}

/* --- the fixture */

static atomic_int given_up;

static void watch_log(enum dh_log_level level, const char *text)
{
	if (strstr(text, GIVEN_UP))
		atomic_fetch_add(&given_up, 1);
	fprintf(stderr, "%d: %s\n", level, text);
}

void ingest_fixture_init(struct ingest_fixture *fixture)
{
	memset(fixture, 0, sizeof *fixture);
	dh_log_set(watch_log);
	fixture->fds = count_entries("/proc/self/fd");
	fixture->children = count_children();
	CHECK_INT(temp_folder_make(fixture->folder), 0);
	snprintf(fixture->cache, sizeof fixture->cache, "%s/cache", fixture->folder);
	snprintf(fixture->worker, sizeof fixture->worker, "%s/worker", fixture->folder);
	CHECK_INT(symlink(fake_worker, fixture->worker), 0);
	dh_ingest_config_init(&fixture->config);
	fixture->config.worker_path = fixture->worker;
	fixture->config.opener_path = opener_program;
	fixture->config.worker_nice = 0;
	/* A busy machine looks like a hang: tests of these limits set their own. */
	fixture->config.worker_start_ms = fixture->config.worker_wait_ms = AWAIT_S * 1000;
	fixture->config.worker_silence_ms = fixture->config.live_silence_ms = AWAIT_S * 1000;
	fixture->config.wait_log_ms = INT_MAX;
	fixture->config.file_open_ms = fixture->config.file_read_ms = AWAIT_S * 1000;
	fixture->config.cache_folder = fixture->cache;
}

void ingest_fixture_open(struct ingest_fixture *fixture)
{
	CHECK_INT(dh_io_alloc(&fixture->io), 0);
	CHECK_INT(dh_ingest_alloc(&fixture->ingest, fixture->io, &fixture->config), 0);
}

void ingest_fixture_reopen(struct ingest_fixture *fixture)
{
	dh_ingest_free(&fixture->ingest);
	CHECK_INT(dh_ingest_alloc(&fixture->ingest, fixture->io, &fixture->config), 0);
}

void ingest_fixture_how(struct ingest_fixture *fixture, const char *how)
{
	char path[200];

	snprintf(path, sizeof path, "%s.how", fixture->worker);
	CHECK(g_file_set_contents(path, how, -1, NULL));
}

void ingest_fixture_close(struct ingest_fixture *fixture)
{
	dh_ingest_free(&fixture->ingest);
	dh_io_free(&fixture->io);
	remove_folder(fixture->folder);
	reap_given_up(atomic_exchange(&given_up, 0));
	await_counts(fixture->fds, fixture->children);
}

void ingest_fixture_file(struct ingest_fixture *fixture, const char *name, const void *bytes, size_t size)
{
	char path[200];
	int fd;

	snprintf(path, sizeof path, "%s/%s", fixture->folder, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	CHECK(fd >= 0);
	CHECK_INT(write(fd, bytes, size), size);
	close(fd);
}

void ingest_fixture_find(struct ingest_fixture *fixture, struct dh_ingest_source *source, const char *name)
{
	char *folders[] = { fixture->folder, NULL }, *error = NULL;

	dh_ingest_source_init(source);
	CHECK_INT(dh_ingest_find(fixture->ingest, folders, name, source, &error), 0);
	CHECK(!error);
}

void listen_to_source(struct ingest_fixture *fixture, struct heard *heard, const char *name, int fd)
{
	struct dh_ingest_source source;

	heard_init(heard);
	dh_ingest_source_init(&source);
	source.count = 1;
	source.names[0] = name;
	source.folders[0] = fixture->folder;
	source.fds[0] = fd;
	CHECK_INT(dh_ingest_subscribe(fixture->ingest, &source, &hear, heard, &heard->subscription), 0);
}

void listen_to_file(struct ingest_fixture *fixture, struct heard *heard, const char *name, const void *bytes,
	size_t size)
{
	ingest_fixture_file(fixture, name, bytes, size);
	listen_to_source(fixture, heard, name, -1);
}

void listen_to(struct ingest_fixture *fixture, struct heard *heard, const char *script)
{
	char path[200];

	snprintf(path, sizeof path, "%s/%s", fixture->folder, script);
	if (access(path, F_OK) < 0)
		ingest_fixture_file(fixture, script, script, strlen(script));
	listen_to_source(fixture, heard, script, -1);
}

struct dh_ingest_stats ingest_fixture_stats(struct ingest_fixture *fixture)
{
	struct dh_ingest_stats stats;

	dh_ingest_stats(fixture->ingest, &stats);
	return stats;
}

void check_good(const struct heard *heard, int pictures)
{
	CHECK(heard->failures == 0, "%s", heard->text);
	CHECK_INT(heard->heads, 1);
	CHECK_INT(heard->anchors, 1);
	CHECK_INT(heard->units, pictures * 3);
	CHECK_INT(heard->ends, 1);
	CHECK_INT(heard->out_of_order, 0);
	CHECK_INT(heard->video_ticks, pictures * 2 * DH_SLOT_TICKS);
}

void prepare_once(struct ingest_fixture *fixture, const char *script, int pictures)
{
	struct dh_ingest_stats stats;
	struct heard heard;

	listen_to(fixture, &heard, script);
	AWAIT(&heard, heard.ends + heard.failures > 0);
	check_good(&heard, pictures);
	heard_clear(&heard);
	AWAIT_STATS(fixture, stats, stats.workers_busy == 0);
}

static int find_program(const char *test, const char *name, char found[PATH_MAX])
{
	char *folder = g_path_get_dirname(test);
	char *path = g_build_filename(folder, "..", name, NULL);
	int is_missing = !realpath(path, found);

	if (is_missing)
		fprintf(stderr, "%s is missing\n", path);
	g_free(path);
	g_free(folder);
	return is_missing;
}

int find_programs(const char *test)
{
	return find_program(test, "support/fake_worker", fake_worker) ||
		find_program(test, "../dh-open", opener_program);
}
