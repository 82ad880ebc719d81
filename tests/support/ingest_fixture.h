/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An ingest with an I/O thread and a folder of its own, and a listener that records
 * what it hears. Descriptors and children are counted before and after. */
#ifndef DH_INGEST_FIXTURE_H
#define DH_INGEST_FIXTURE_H

#include "tests/support/check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "playout/timebase.h"
#include "ingest/ingest.h"
#include "prepare/job.h"

struct ingest_fixture {
	struct dh_io *io;
	struct dh_ingest *ingest;
	struct dh_ingest_config config;
	char folder[64], cache[96], worker[96];
	int fds, children; /* before */
};

static char fake_worker[PATH_MAX], opener_program[PATH_MAX];

/* What one subscription heard. */
struct heard {
	pthread_mutex_t lock;
	pthread_cond_t change;
	/* protected by lock */
	int heads, anchors, pictures, ends, failures, out_of_order;
	size_t units, bytes;
	int64_t last_pts_ticks;
	int64_t video_ticks;
	int code;
	char text[DH_STREAM_TEXT_MAX + 1];
	char notes[4 * DH_STREAM_TEXT_MAX];
	GBytes *picture;
	double first_unit_ms, end_ms; /* from listening */
	int is_incomplete;            /* its end said so */
	double since_ms;
	struct dh_subscription *subscription;
};

static inline double now_ms(void)
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

static inline void hear_head(void *arg, const struct dh_stream_head *head)
{
	(void)head;
	HEARD(heard->heads++; heard->out_of_order += heard->anchors + (int)heard->units > 0);
}

static inline void hear_anchor(void *arg, struct dh_unit *anchor)
{
	(void)anchor;
	HEARD(heard->anchors++; heard->out_of_order += heard->heads != 1 || heard->units > 0);
}

static inline void hear_picture(void *arg, GBytes *i420)
{
	HEARD(heard->pictures++; heard->picture = g_bytes_ref(i420));
}

static inline void note_units(struct heard *heard, struct dh_unit *const *units, size_t count)
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

static inline void hear_units(void *arg, struct dh_unit *const *units, size_t count)
{
	HEARD(note_units(heard, units, count));
}

static inline void hear_note(void *arg, const char *text)
{
	HEARD(g_strlcat(heard->notes, text, sizeof heard->notes));
}

static inline void hear_end(void *arg, const struct dh_stream_end *end)
{
	HEARD(heard->ends++; heard->video_ticks = end->video_ticks; heard->is_incomplete = end->is_incomplete;
		heard->end_ms = now_ms() - heard->since_ms);
}

static inline void hear_failure(void *arg, int code, const char *text)
{
	HEARD(heard->failures++; heard->code = code; g_strlcpy(heard->text, text, sizeof heard->text));
}

static const struct dh_ingest_listener hear = {
	.head = hear_head,
	.anchor = hear_anchor,
	.picture = hear_picture,
	.units = hear_units,
	.note = hear_note,
	.end = hear_end,
	.failure = hear_failure,
};

/* How long to wait for what must come; a busy machine gets its time. */
#define AWAIT_S 100

/* Waits until `condition` of `heard`. */
#define AWAIT(heard, condition) \
	do { \
		struct timespec until_; \
		int r_ = 0; \
		clock_gettime(CLOCK_REALTIME, &until_); \
		until_.tv_sec += AWAIT_S; \
		pthread_mutex_lock(&(heard)->lock); \
		while (!(condition) && r_ == 0) \
			r_ = pthread_cond_timedwait(&(heard)->change, &(heard)->lock, &until_); \
		pthread_mutex_unlock(&(heard)->lock); \
		CHECK(r_ == 0, "waiting; units %zu, ends %d, failure %d %s", (heard)->units, (heard)->ends, \
			(heard)->code, (heard)->text); \
	} while (0)

static inline void heard_init(struct heard *heard)
{
	memset(heard, 0, sizeof *heard);
	pthread_mutex_init(&heard->lock, NULL);
	pthread_cond_init(&heard->change, NULL);
	heard->since_ms = now_ms();
}

static inline void heard_clear(struct heard *heard)
{
	dh_ingest_unsubscribe(&heard->subscription);
	g_clear_pointer(&heard->picture, g_bytes_unref);
	pthread_cond_destroy(&heard->change);
	pthread_mutex_destroy(&heard->lock);
}

/* --- counting */

static inline int count_entries(const char *path)
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

/* Continues a child that has stopped itself. */
static inline void wake(int pid)
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

/* Calls `what`, unless it is NULL, for the children of every thread; how many there are. */
static inline int each_child(void (*what)(int pid))
{
	DIR *dir = opendir("/proc/self/task");
	struct dirent *item;
	int n = 0;

	while (dir && (item = readdir(dir))) {
		char path[300];
		FILE *file;
		int pid;
		snprintf(path, sizeof path, "/proc/self/task/%s/children", item->d_name);
		file = fopen(path, "re");
		while (file && fscanf(file, "%d", &pid) == 1) {
			if (what)
				what(pid);
			n++;
		}
		if (file)
			fclose(file);
	}
	if (dir)
		closedir(dir);
	return n;
}

static inline int count_children(void)
{
	return each_child(NULL);
}

/* --- the fixture */

/* Configuration for tests; change it before ingest_fixture_open. */
static inline void ingest_fixture_init(struct ingest_fixture *fixture)
{
	memset(fixture, 0, sizeof *fixture);
	fixture->fds = count_entries("/proc/self/fd");
	fixture->children = count_children();
	strcpy(fixture->folder, "/tmp/dh-test-XXXXXX");
	CHECK(mkdtemp(fixture->folder) != NULL);
	snprintf(fixture->cache, sizeof fixture->cache, "%s/cache", fixture->folder);
	snprintf(fixture->worker, sizeof fixture->worker, "%s/worker", fixture->folder);
	CHECK_INT(symlink(fake_worker, fixture->worker), 0);
	dh_ingest_config_init(&fixture->config);
	fixture->config.worker_path = fixture->worker;
	fixture->config.opener_path = opener_program;
	fixture->config.worker_nice = 0; /* on a busy machine it would look as if it hung */
	fixture->config.cache_folder = fixture->cache;
}

static inline void ingest_fixture_open(struct ingest_fixture *fixture)
{
	CHECK_INT(dh_io_alloc(&fixture->io), 0);
	CHECK_INT(dh_ingest_alloc(&fixture->ingest, fixture->io, &fixture->config), 0);
}

/* Ends the ingest, starts it again. */
static inline void ingest_fixture_reopen(struct ingest_fixture *fixture)
{
	dh_ingest_free(&fixture->ingest);
	CHECK_INT(dh_ingest_alloc(&fixture->ingest, fixture->io, &fixture->config), 0);
}

/* How workers start from now on, and their version. */
static inline void ingest_fixture_how(struct ingest_fixture *fixture, const char *how)
{
	char path[200];

	snprintf(path, sizeof path, "%s.how", fixture->worker);
	CHECK(g_file_set_contents(path, how, -1, NULL));
}

static inline int remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st;
	(void)type;
	(void)where;
	return remove(path);
}

static inline void ingest_fixture_close(struct ingest_fixture *fixture)
{
	dh_ingest_free(&fixture->ingest);
	dh_io_free(&fixture->io);
	nftw(fixture->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	CHECK_INT(count_children(), fixture->children);
	CHECK_INT(count_entries("/proc/self/fd"), fixture->fds);
}

/* A file in the fixture's folder. */
static inline void ingest_fixture_file(struct ingest_fixture *fixture, const char *name, const void *bytes, size_t size)
{
	char path[200];
	int fd;

	snprintf(path, sizeof path, "%s/%s", fixture->folder, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	CHECK(fd >= 0);
	CHECK_INT(write(fd, bytes, size), size);
	close(fd);
}

/* Subscribes to one input, a file in the fixture's folder or (`fd` not -1) a pipe, whose ownership it takes. */
static inline void listen_to_source(struct ingest_fixture *fixture, struct heard *heard, const char *name, int fd)
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

static inline void listen_to_file(struct ingest_fixture *fixture, struct heard *heard, const char *name,
	const void *bytes, size_t size)
{
	ingest_fixture_file(fixture, name, bytes, size);
	listen_to_source(fixture, heard, name, -1);
}

/* Subscribes to a file with the fake worker's script. A file that exists already is
 * left alone: it is the same. */
static inline void listen_to(struct ingest_fixture *fixture, struct heard *heard, const char *script)
{
	char path[200];

	snprintf(path, sizeof path, "%s/%s", fixture->folder, script);
	if (access(path, F_OK) < 0)
		ingest_fixture_file(fixture, script, script, strlen(script));
	listen_to_source(fixture, heard, script, -1);
}

static inline struct dh_ingest_stats ingest_fixture_stats(struct ingest_fixture *fixture)
{
	struct dh_ingest_stats stats;

	dh_ingest_stats(fixture->ingest, &stats);
	return stats;
}

/* The same for `condition` of `stats`. */
#define AWAIT_STATS(fixture, stats, condition) \
	do { \
		double end_ = now_ms() + AWAIT_S * 1e3; \
		while (stats = ingest_fixture_stats(fixture), !(condition) && now_ms() < end_) \
			usleep(5000); \
		CHECK(condition); \
	} while (0)

/* The same, while continuing workers that run "halve", including those yet to stop. */
#define AWAIT_AWAKE(fixture, stats, condition) AWAIT_STATS(fixture, stats, (each_child(wake), condition))

/* What a listener hears of a whole segment. */
static inline void check_good(const struct heard *heard, int pictures)
{
	CHECK_INT(heard->failures, 0);
	CHECK_INT(heard->heads, 1);
	CHECK_INT(heard->anchors, 1);
	CHECK_INT(heard->units, pictures * 3);
	CHECK_INT(heard->ends, 1);
	CHECK_INT(heard->out_of_order, 0);
	CHECK_INT(heard->video_ticks, pictures * 2 * DH_SLOT_TICKS);
}

/* Waits until its worker is gone, too. */
static inline void prepare_once(struct ingest_fixture *fixture, const char *script, int pictures)
{
	struct dh_ingest_stats stats;
	struct heard heard;

	listen_to(fixture, &heard, script);
	AWAIT(&heard, heard.ends + heard.failures > 0);
	check_good(&heard, pictures);
	heard_clear(&heard);
	AWAIT_STATS(fixture, stats, stats.workers_busy == 0);
}

/* Finds a program that was built together with the test; 0 where it is. */
static inline int find_program(const char *test, const char *name, char found[PATH_MAX])
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

static inline int find_programs(const char *test)
{
	return find_program(test, "support/fake_worker", fake_worker) ||
		find_program(test, "../dh-open", opener_program);
}

#define PREPARATION_MAIN(tests) \
	int main(int argc, char **argv) \
	{ \
		return find_programs(argv[0]) ? 2 : CHECK_MAIN(argc, argv, tests); \
	}

#endif
