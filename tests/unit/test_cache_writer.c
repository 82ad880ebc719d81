/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The writer of cache entries. The test runs its tasks itself, in place of the loader. */
#include "tests/support/check.h"
#include "tests/support/temp_folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include <glib.h>

#include "ingest/cache_writer.h"

static struct dh_loader_task task;
static void *task_arg; /* of the waiting task; NULL: none */
static int post_error, overlaps;

int dh_loader_post(struct dh_loader *loader, enum dh_lane lane, uint64_t device, int limit_ms,
	const struct dh_loader_task *what, void *arg)
{
	(void)loader;
	(void)lane;
	(void)device;
	(void)limit_ms;
	if (post_error)
		return post_error;
	overlaps += task_arg != NULL;
	task = *what;
	task_arg = arg;
	return 0;
}

static gpointer run_steps(gpointer arg)
{
	while (task.step(arg))
		;
	task.release(arg);
	return NULL;
}

/* Runs the task to its end in a lane's thread, with whatever it posts. */
static void run(void)
{
	while (task_arg)
		g_thread_join(g_thread_new("lane", run_steps, g_steal_pointer(&task_arg)));
}

static gpointer run_late(gpointer arg)
{
	task.step(arg);
	task.late(arg);
	task.release(arg);
	return NULL;
}

static gpointer run_one_step(gpointer arg)
{
	task.step(arg);
	return NULL;
}

static int count(const char *folder)
{
	DIR *dir = opendir(folder);
	int n = 0;

	while (readdir(dir))
		n++;
	closedir(dir);
	return n - 2;
}

struct rig {
	char folder[TEMP_FOLDER_SIZE];
	int fds;
	struct dh_cache *cache;
	struct dh_limits *limits;
	struct dh_cache_writer *writer;
};

static void rig_init(struct rig *rig)
{
	const int64_t most[DH_LIMIT_COUNT] = { 100, 1 << 20 };

	post_error = 0;
	task_arg = NULL;
	CHECK_INT(temp_folder_make(rig->folder), 0);
	rig->fds = count("/proc/self/fd");
	rig->cache = dh_cache_new(rig->folder, 1 << 20);
	rig->limits = dh_limits_new(most);
	rig->writer = dh_cache_writer_new(rig->cache, NULL, rig->limits, "aa");
	dh_cache_writer_push(rig->writer, "one", 3);
	dh_cache_writer_push(rig->writer, "two", 3);
}

/* Checks that nothing is left but `entries` entries. */
static void rig_close(struct rig *rig, int entries)
{
	int64_t bytes;
	int known;

	CHECK(rig->writer == NULL);
	CHECK_INT(overlaps, 0);
	CHECK(task_arg == NULL);
	CHECK_INT(dh_limits_used(rig->limits, DH_LIMIT_MEMORY), 0);
	dh_cache_stats(rig->cache, &bytes, &known);
	CHECK_INT(known, entries);
	CHECK_INT(count(rig->folder), entries);
	CHECK_INT(count("/proc/self/fd"), rig->fds);
	dh_cache_remove(rig->cache, "aa");
	dh_cache_unref(&rig->cache);
	dh_limits_unref(&rig->limits);
	CHECK_INT(rmdir(rig->folder), 0);
}

static void test_writes(void)
{
	struct rig rig;

	rig_init(&rig);
	run();
	dh_cache_writer_push(rig.writer, "three", 5);
	dh_cache_writer_end(&rig.writer, true);
	run();
	rig_close(&rig, 1);
}

static void test_late_between_steps(void)
{
	struct rig rig;

	rig_init(&rig);
	g_thread_join(g_thread_new("lane", run_late, g_steal_pointer(&task_arg)));
	CHECK_INT(count(rig.folder), 0);
	dh_cache_writer_push(rig.writer, "three", 5);
	dh_cache_writer_end(&rig.writer, true);
	run();
	rig_close(&rig, 0);
}

/* A thread that must not wait for the disk drops a task of a lane that has lost its
 * threads. */
static void drop(struct rig *rig)
{
	rig_init(rig);
	g_thread_join(g_thread_new("lane", run_one_step, task_arg));
	task.late(task_arg);
	task.release(g_steal_pointer(&task_arg));
	CHECK_INT(count(rig->folder), 1);
}

static void test_late_in_a_lost_lane(void)
{
	struct rig rig;

	drop(&rig);
	dh_cache_writer_end(&rig.writer, true);
	run();
	rig_close(&rig, 0);
}

static void test_lane_stays_lost(void)
{
	struct dh_cache_entry *entry;
	struct rig rig;

	drop(&rig);
	post_error = -EHOSTDOWN;
	dh_cache_writer_end(&rig.writer, true);
	CHECK_INT(dh_cache_begin(rig.cache, "bb", &entry), 0);
	dh_cache_abandon(&entry);
	rig_close(&rig, 0);
}

static const struct check_test tests[] = {
	TEST(test_writes),
	TEST(test_late_between_steps),
	TEST(test_late_in_a_lost_lane),
	TEST(test_lane_stays_lost),
};

int main(int argc, char **argv)
{
	return CHECK_MAIN(argc, argv, tests);
}
