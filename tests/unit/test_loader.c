/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The loader's lanes: tasks that wait in one, and tasks that never return. */
#include "tests/support/ingest_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <glib.h>

#include "ingest/close_later.h"
#include "ingest/loader.h"
#include "prepare/envelope.h"

/* A step waits here until the test opens it, so only tasks that must be late depend on a
 * clock. */
struct gate {
	pthread_mutex_t lock;
	pthread_cond_t change;
	bool is_open;
	int waiting;
};

struct job {
	const char *name;
	int left;          /* steps */
	struct gate *gate; /* NULL: none */
	GString *order;    /* of steps, under `lock` */
	struct dh_loader *loader;
	atomic_int steps, late, released, refused;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void gate_init(struct gate *gate)
{
	*gate = (struct gate){ .is_open = false };
	pthread_mutex_init(&gate->lock, NULL);
	pthread_cond_init(&gate->change, NULL);
}

static void gate_pass(struct gate *gate)
{
	pthread_mutex_lock(&gate->lock);
	gate->waiting++;
	pthread_cond_broadcast(&gate->change);
	while (!gate->is_open)
		pthread_cond_wait(&gate->change, &gate->lock);
	gate->waiting--;
	pthread_mutex_unlock(&gate->lock);
}

static void gate_open(struct gate *gate)
{
	pthread_mutex_lock(&gate->lock);
	gate->is_open = true;
	pthread_cond_broadcast(&gate->change);
	pthread_mutex_unlock(&gate->lock);
}

static void gate_await(struct gate *gate, int count)
{
	pthread_mutex_lock(&gate->lock);
	while (gate->waiting < count)
		pthread_cond_wait(&gate->change, &gate->lock);
	pthread_mutex_unlock(&gate->lock);
}

static void nothing(void *arg)
{
	(void)arg;
}

static bool step(void *arg)
{
	struct job *job = arg;

	if (job->order) {
		pthread_mutex_lock(&lock);
		g_string_append(job->order, job->name);
		pthread_mutex_unlock(&lock);
	}
	atomic_fetch_add(&job->steps, 1);
	if (job->gate)
		gate_pass(job->gate);
	if (!dh_loader_report(job->loader, nothing, NULL))
		atomic_fetch_add(&job->refused, 1);
	return --job->left > 0;
}

static void late(void *arg)
{
	atomic_fetch_add(&((struct job *)arg)->late, 1);
}

static void release(void *arg)
{
	atomic_fetch_add(&((struct job *)arg)->released, 1);
}

static const struct dh_loader_task task = { .step = step, .late = late, .release = release };

/* Waits until it is true; CHECK_SECONDS bounds it. */
#define UNTIL(condition) \
	do { \
		while (!(condition)) \
			g_usleep(1000); \
	} while (0)

static void open_loader(struct dh_io **io, struct dh_loader **loader)
{
	struct dh_openers *openers = dh_openers_new(opener_program);

	CHECK_INT(dh_io_alloc(io), 0);
	CHECK_INT(dh_loader_alloc(loader, *io, openers), 0);
	dh_openers_unref(&openers);
}

/* A task that hangs holds up only its own lane. */
static void test_lanes_do_not_wait_for_each_other(void)
{
	struct job hanging[DH_LANE_THREADS], behind = { .left = 1 }, other = { .left = 3 };
	struct dh_loader *loader;
	struct dh_loader_stats stats;
	struct dh_io *io;
	struct gate gate;

	gate_init(&gate);
	open_loader(&io, &loader);
	behind.loader = other.loader = loader;
	for (int i = 0; i < DH_LANE_THREADS; i++) {
		hanging[i] = (struct job){ .left = 1, .gate = &gate, .loader = loader };
		CHECK_INT(dh_loader_post(loader, DH_LANE_READ, 1, 600000, &task, &hanging[i]), 0);
	}
	gate_await(&gate, DH_LANE_THREADS);
	CHECK_INT(dh_loader_post(loader, DH_LANE_READ, 1, 600000, &task, &behind), 0);
	CHECK_INT(dh_loader_post(loader, DH_LANE_READ, 2, 600000, &task, &other), 0);
	UNTIL(other.released);
	CHECK_INT(other.steps, 3);
	CHECK_INT(behind.steps, 0);
	dh_loader_stats(loader, &stats);
	CHECK_INT(stats.waiting, 1);
	gate_open(&gate);
	UNTIL(behind.released && hanging[0].released && hanging[1].released);
	CHECK_INT(hanging[0].late + hanging[1].late + behind.late, 0);
	dh_loader_free(&loader);
	dh_io_free(&io);
}

/* Two large files, then a small one: it waits for one of their steps, not for their end. */
static void test_fewest_steps_go_first(void)
{
	struct job first = { .left = 1 }, large = { .name = "L", .left = 5 }, small = { .name = "s", .left = 2 };
	GString *order = g_string_new(NULL);
	struct job blocker = { .left = 1 };
	struct dh_loader *loader;
	struct dh_io *io;
	struct gate gate, other;

	gate_init(&gate);
	gate_init(&other);
	open_loader(&io, &loader);
	first.loader = large.loader = small.loader = blocker.loader = loader;
	large.order = small.order = order;
	/* Both threads are busy; one stays so, and the other one shows the order. */
	first.gate = &gate;
	blocker.gate = &other;
	CHECK_INT(dh_loader_post(loader, DH_LANE_READ, 1, 600000, &task, &blocker), 0);
	CHECK_INT(dh_loader_post(loader, DH_LANE_READ, 1, 600000, &task, &first), 0);
	gate_await(&other, 1);
	gate_await(&gate, 1);
	CHECK_INT(dh_loader_post(loader, DH_LANE_READ, 1, 600000, &task, &large), 0);
	CHECK_INT(dh_loader_post(loader, DH_LANE_READ, 1, 600000, &task, &small), 0);
	gate_open(&gate);
	UNTIL(large.released && small.released);
	gate_open(&other);
	CHECK_STR(order->str, "LsLsLLL");
	dh_loader_free(&loader);
	dh_io_free(&io);
	g_string_free(order, TRUE);
}

/* Late tasks are notified while they hang; their lane is lost until they return. */
static void test_late(void)
{
	struct job hanging[DH_LANE_LOST], other = { .left = 1 };
	struct dh_loader *loader;
	struct dh_loader_stats stats;
	struct dh_io *io;
	struct gate gate;

	gate_init(&gate);
	open_loader(&io, &loader);
	other.loader = loader;
	for (int i = 0; i < DH_LANE_LOST; i++) {
		hanging[i] = (struct job){ .left = 2, .gate = &gate, .loader = loader };
		CHECK_INT(dh_loader_post(loader, DH_LANE_OPEN, 7, 20, &task, &hanging[i]), 0);
	}
	for (int i = 0; i < DH_LANE_LOST; i++)
		UNTIL(hanging[i].late == 1);
	UNTIL(dh_loader_is_lost(loader, DH_LANE_OPEN, 7));
	dh_loader_stats(loader, &stats);
	CHECK_INT(stats.lost, DH_LANE_LOST);
	CHECK_INT(stats.threads, 0);
	for (int i = 0; i < DH_LANE_LOST; i++)
		CHECK_INT(hanging[i].released, 0);
	CHECK_INT(dh_loader_post(loader, DH_LANE_OPEN, 7, 20, &task, &other), -EHOSTDOWN);
	CHECK_INT(other.steps + other.late + other.released, 0);
	CHECK(!dh_loader_is_lost(loader, DH_LANE_READ, 7));
	gate_open(&gate);
	for (int i = 0; i < DH_LANE_LOST; i++) {
		UNTIL(hanging[i].released == 1);
		CHECK_INT(hanging[i].steps, 1); /* no further step */
		CHECK_INT(hanging[i].late, 1);
	}
	UNTIL(!dh_loader_is_lost(loader, DH_LANE_OPEN, 7));
	CHECK_INT(dh_loader_post(loader, DH_LANE_OPEN, 7, 600000, &task, &other), 0);
	UNTIL(other.released == 1);
	CHECK_INT(other.late, 0);
	dh_loader_free(&loader);
	dh_io_free(&io);
}

/* Tasks waiting in a lane that has just been lost are notified, too. */
static void test_late_behind(void)
{
	struct job jobs[DH_LANE_LOST + 3], before[DH_LANE_THREADS];
	struct dh_loader *loader;
	struct dh_io *io;
	struct gate gate, first;

	gate_init(&gate);
	gate_init(&first);
	open_loader(&io, &loader);
	/* The lane is not lost before all wait. */
	for (int i = 0; i < DH_LANE_THREADS; i++) {
		before[i] = (struct job){ .left = 1, .gate = &first, .loader = loader };
		CHECK_INT(dh_loader_post(loader, DH_LANE_READ, 7, 600000, &task, &before[i]), 0);
	}
	gate_await(&first, DH_LANE_THREADS);
	for (size_t i = 0; i < G_N_ELEMENTS(jobs); i++) {
		jobs[i] = (struct job){ .left = 1, .gate = &gate, .loader = loader };
		CHECK_INT(dh_loader_post(loader, DH_LANE_READ, 7, 100, &task, &jobs[i]), 0);
	}
	gate_open(&first);
	for (size_t i = 0; i < G_N_ELEMENTS(jobs); i++)
		UNTIL(jobs[i].late == 1);
	for (size_t i = DH_LANE_LOST; i < G_N_ELEMENTS(jobs); i++) {
		UNTIL(jobs[i].released == 1);
		CHECK_INT(jobs[i].steps, 0);
	}
	gate_open(&gate);
	for (size_t i = 0; i < DH_LANE_LOST; i++)
		UNTIL(jobs[i].released == 1);
	dh_loader_free(&loader);
	dh_io_free(&io);
}

/* A hanging task does not delay shutdown, and touches nothing freed when it returns. */
static void test_free_while_it_hangs(void)
{
	struct job hanging = { .left = 2 }, quick = { .left = 1 };
	struct dh_loader *loader;
	struct dh_io *io;
	struct gate gate;
	int64_t began_us;

	gate_init(&gate);
	open_loader(&io, &loader);
	hanging.loader = quick.loader = loader;
	hanging.gate = &gate;
	CHECK_INT(dh_loader_post(loader, DH_LANE_READ, 1, 600000, &task, &hanging), 0);
	CHECK_INT(dh_loader_post(loader, DH_LANE_READ, 2, 600000, &task, &quick), 0);
	gate_await(&gate, 1);
	UNTIL(quick.released);
	began_us = g_get_monotonic_time();
	dh_loader_free(&loader);
	CHECK(g_get_monotonic_time() - began_us >= DH_LOADER_END_MS * 1000);
	dh_io_free(&io);
	CHECK_INT(quick.released, 1);
	CHECK_INT(quick.refused, 0);
	CHECK_INT(hanging.released, 0);
	gate_open(&gate);
	UNTIL(hanging.released == 1);
	CHECK_INT(hanging.refused, 1);
	CHECK_INT(hanging.steps, 1);
}

/* An envelope is closed by another process, anything else here. */
static void test_close_later(void)
{
	const int64_t most[DH_LIMIT_COUNT] = { 10, 10 };
	struct dh_limits *limits = dh_limits_new(most);
	struct dh_loader *loader;
	struct dh_io *io;
	int pipe[2], envelope;
	char byte;

	open_loader(&io, &loader);
	CHECK_INT(pipe2(pipe, O_CLOEXEC), 0);
	envelope = dh_envelope_seal(pipe[1]);
	CHECK(envelope >= 0);
	close(pipe[1]);
	CHECK(dh_limits_take(limits, DH_LIMIT_DESCRIPTORS, 1));
	dh_close_later(loader, limits, envelope);
	CHECK_INT(fcntl(envelope, F_GETFD), -1);
	CHECK_INT(dh_limits_used(limits, DH_LIMIT_DESCRIPTORS), 0);
	CHECK_INT(count_children(), 1);
	CHECK_INT(read(pipe[0], &byte, 1), 0);
	close(pipe[0]);
	CHECK_INT(pipe2(pipe, O_CLOEXEC), 0);
	dh_close_later(loader, NULL, pipe[1]);
	CHECK_INT(read(pipe[0], &byte, 1), 0);
	close(pipe[0]);
	dh_loader_free(&loader);
	dh_limits_unref(&limits);
	dh_io_free(&io);
	CHECK_INT(count_children(), 0);
}

static void *crowd_thread(void *arg)
{
	struct job *jobs = arg;

	for (int i = 0; i < 200; i++)
		if (dh_loader_post(jobs[i].loader, (enum dh_lane)(i % 4), (uint64_t)i % 5, 600000, &task, &jobs[i]) < 0)
			atomic_fetch_add(&jobs[i].released, 1);
	return NULL;
}

static void test_crowd(void)
{
	static struct job jobs[4][200];
	struct dh_loader *loader;
	struct dh_io *io;
	pthread_t threads[4];

	open_loader(&io, &loader);
	for (int t = 0; t < 4; t++) {
		for (int i = 0; i < 200; i++)
			jobs[t][i] = (struct job){ .left = i % 4, .loader = loader };
		CHECK_INT(pthread_create(&threads[t], NULL, crowd_thread, jobs[t]), 0);
	}
	for (int t = 0; t < 4; t++)
		pthread_join(threads[t], NULL);
	for (int t = 0; t < 4; t++)
		for (int i = 0; i < 200; i++) {
			UNTIL(jobs[t][i].released == 1);
			CHECK_INT(jobs[t][i].steps, MAX(i % 4, 1));
			CHECK_INT(jobs[t][i].late, 0);
		}
	dh_loader_free(&loader);
	dh_io_free(&io);
}

static const struct check_test tests[] = {
	TEST(test_lanes_do_not_wait_for_each_other),
	TEST(test_fewest_steps_go_first),
	TEST(test_late),
	TEST(test_late_behind),
	TEST(test_free_while_it_hangs),
	TEST(test_close_later),
	TEST(test_crowd),
};

int main(int argc, char **argv)
{
	return find_programs(argv[0]) ? 2 : CHECK_MAIN(argc, argv, tests);
}
