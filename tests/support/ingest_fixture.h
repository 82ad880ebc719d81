/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An ingest with an I/O thread and a folder of its own, and a listener that records
 * what it hears. Descriptors and children are counted before and after. */
#ifndef DH_INGEST_FIXTURE_H
#define DH_INGEST_FIXTURE_H

#include "tests/support/check.h"
#include "tests/support/temp_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
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
	char folder[TEMP_FOLDER_SIZE], cache[96], worker[96];
	int fds, children; /* counts from before */
};

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
	double first_unit_ms, end_ms; /* since listening began */
	int is_incomplete;            /* as its end said */
	double since_ms;
	struct dh_subscription *subscription;
};

double now_ms(void);

/* --- the listener */

/* Records in the struct heard that is its argument. */
extern const struct dh_ingest_listener hear;

/* How long to wait for what must come; long, for busy machines. */
#define AWAIT_S 100

/* Waits until `condition`, about `heard`, holds. */
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

void heard_init(struct heard *heard);
/* Unsubscribes first. */
void heard_clear(struct heard *heard);

/* --- counting */

/* Counts a folder's entries; -1: there is no such folder. */
int count_entries(const char *path);
/* Continues a child that has stopped itself. */
void wake(int pid);

/* Calls `what` (may be NULL) for the children of every thread, but not for those that are
 * started meanwhile. Returns how many there are. */
int each_child(void (*what)(int pid));

int count_children(void);

/* Reaps children that the I/O thread has killed and, since they were slow to end, given up: each
 * has a line with GIVEN_UP in the log. */
void reap_given_up(int count);
#define GIVEN_UP " does not end"

/* Checks that there are so many descriptors and children. Threads that the loader abandoned,
 * because they were slow, still hold some for a while. */
void await_counts(int fds, int children);

/* --- the fixture */

/* Sets up a configuration for tests; change it before ingest_fixture_open. */
void ingest_fixture_init(struct ingest_fixture *fixture);
void ingest_fixture_open(struct ingest_fixture *fixture);
/* Ends the ingest and starts it again. */
void ingest_fixture_reopen(struct ingest_fixture *fixture);

/* Says how workers start from now on, and which version they report. */
void ingest_fixture_how(struct ingest_fixture *fixture, const char *how);

/* Checks that there are as many descriptors and children as before. */
void ingest_fixture_close(struct ingest_fixture *fixture);

/* Writes a file in the fixture's folder. */
void ingest_fixture_file(struct ingest_fixture *fixture, const char *name, const void *bytes, size_t size);

/* Finds a file in the fixture's folder as a request does: `source` holds what it was, and
 * nothing is kept open. */
void ingest_fixture_find(struct ingest_fixture *fixture, struct dh_ingest_source *source, const char *name);

/* Subscribes to one input, a file in the fixture's folder or (`fd` not -1) a pipe, whose
 * ownership it takes. */
void listen_to_source(struct ingest_fixture *fixture, struct heard *heard, const char *name, int fd);

/* The same for a file that it writes first. */
void listen_to_file(struct ingest_fixture *fixture, struct heard *heard, const char *name, const void *bytes,
	size_t size);

/* Subscribes to a file that contains the fake worker's script. An existing file is left
 * alone, since it has the same contents. */
void listen_to(struct ingest_fixture *fixture, struct heard *heard, const char *script);

struct dh_ingest_stats ingest_fixture_stats(struct ingest_fixture *fixture);

/* Waits until `condition`, about `stats`, holds. */
#define AWAIT_STATS(fixture, stats, condition) \
	do { \
		double end_ = now_ms() + AWAIT_S * 1e3; \
		while (stats = ingest_fixture_stats(fixture), !(condition) && now_ms() < end_) \
			usleep(5000); \
		CHECK(condition); \
	} while (0)

/* The same, while continuing workers that run "halve", including those yet to stop. */
#define AWAIT_AWAKE(fixture, stats, condition) AWAIT_STATS(fixture, stats, (each_child(wake), condition))

/* Checks what a listener heard of a whole segment. */
void check_good(const struct heard *heard, int pictures);

/* Prepares a file with that script, and waits until its worker is gone, too. */
void prepare_once(struct ingest_fixture *fixture, const char *script, int pictures);

/* The paths of tests/support/fake_worker and dh-open. */
extern char fake_worker[PATH_MAX], opener_program[PATH_MAX];
/* Finds them, since they were built together with the test. 0, or 1 if one is missing. */
int find_programs(const char *test);

#define PREPARATION_MAIN(tests) \
	int main(int argc, char **argv) \
	{ \
		return find_programs(argv[0]) ? 2 : CHECK_MAIN(argc, argv, tests); \
	}

#endif
