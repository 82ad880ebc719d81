/* Preparations, workers and the cache, with a worker that misbehaves on demand;
 * with the real one where DH_PREPARE names it. */
#include "preparation_fixture.h"

#include <limits.h>
#include <signal.h>
#include <stddef.h>
#include <sys/resource.h>

char fake_worker[PATH_MAX];

static void check_good(const struct heard *heard, int pictures)
{
	CHECK_INT(heard->failures, 0);
	CHECK_INT(heard->heads, 1);
	CHECK_INT(heard->anchors, 1);
	CHECK_INT(heard->units, pictures * 3);
	CHECK_INT(heard->ends, 1);
	CHECK_INT(heard->out_of_order, 0);
	CHECK_INT(heard->video_ticks, pictures * 2 * DH_SLOT_TICKS);
}

/* --- what a worker may do */

static const struct misdeed {
	const char *deed;
	int code;
	const char *text;     /* a part of what is said */
	int pictures;         /* that are heard at least */
	double least_ms, most_ms;
} misdeeds[] = {
	{ "crash 5",   DH_PREPARE_INTERNAL, "ended by signal 11", 5, 0, 2000 },
	{ "hang 5",    DH_PREPARE_INTERNAL, "wrote nothing for 600 ms", 5, 600, 3000 },
	{ "stop 5",    DH_PREPARE_INTERNAL, "wrote nothing for 600 ms", 5, 600, 3000 },
	{ "flood",     DH_PREPARE_LIMIT,    "", 100, 0, 20000 },
	{ "babble",    DH_PREPARE_INTERNAL, "what dh-prepare wrote is damaged", 0, 0, 2000 },
	{ "cut 5",     DH_PREPARE_INTERNAL, "in the middle", 5, 0, 2000 },
	{ "leave 0",   DH_PREPARE_INTERNAL, "in the middle", 0, 0, 2000 },
	{ "leave 4",   DH_PREPARE_FORMAT,   "exit code 4", 0, 0, 2000 },
	{ "leave 99",  DH_PREPARE_INTERNAL, "exit code 99", 0, 0, 2000 },
	{ "fail 6",    DH_PREPARE_LIMIT,    "the input says so", 0, 0, 2000 },
	{ "burn",      DH_PREPARE_LIMIT,    "more than 1 s of processor time", 0, 900, 8000 },
	{ "nonsense",  DH_PREPARE_FORMAT,   "exit code 4", 0, 0, 2000 },
};

static void test_misdeeds(const void *arg)
{
	const struct misdeed *row = arg;
	struct heard heard, after;
	struct stage stage;
	double begin;

	stage_init(&stage);
	stage.config.worker_silence_ms = strcmp(row->deed, "burn") == 0 ? 10000 : 600;
	stage.config.worker_cpu_s = strcmp(row->deed, "burn") == 0 ? 1 : 60;
	stage.config.max_segment_bytes = 4 << 20;
	stage_open(&stage);
	begin = now_ms();
	listen_to(&stage, &heard, row->deed);
	AWAIT(&heard, 30, heard.ends + heard.failures > 0);
	begin = now_ms() - begin;
	CHECK_INT(heard.ends, 0);
	CHECK_INT(heard.code, row->code);
	CHECK(strstr(heard.text, row->text), "\"%s\"", heard.text);
	CHECK((int)heard.units >= row->pictures * 3, "%zu units", heard.units);
	CHECK(begin >= row->least_ms && begin <= row->most_ms, "after %.0f ms", begin);
	CHECK_INT(heard.out_of_order, 0);
	/* Nothing of it is kept, and the next one is served. */
	CHECK_INT(stage_stats(&stage).cache_entries, 0);
	listen_to(&stage, &after, "good 20");
	AWAIT(&after, 10, after.ends + after.failures > 0);
	check_good(&after, 20);
	heard_clear(&heard);
	heard_clear(&after);
	stage_close(&stage);
}

/* What ends well although it is odd. */
static const struct oddity {
	const char *deed;
	int pictures, is_cached;
} oddities[] = {
	{ "good 250",    250, 1 },
	{ "late_exit 3", 5,   0 },
	{ "linger 5",    5,   0 },
	{ "breed 0",     10,  1 },
	{ "breed 1",     10,  1 },
};

static void test_oddities(const void *arg)
{
	const struct oddity *row = arg;
	struct dh_preparer_stats stats;
	struct heard heard;
	struct stage stage;

	stage_init(&stage);
	stage_open(&stage);
	listen_to(&stage, &heard, row->deed);
	AWAIT(&heard, 10, heard.ends + heard.failures > 0);
	check_good(&heard, row->pictures);
	AWAIT_STATS(&stage, stats, 10, stats.workers_busy == 0 && stats.cache_entries == row->is_cached);
	heard_clear(&heard);
	stage_close(&stage);
}

/* --- what a worker is given */

static void test_confined(void)
{
	struct heard heard;
	struct stage stage;
	char expected[100];
	int is_root = geteuid() == 0;

	stage_init(&stage);
	stage_open(&stage);
	listen_to(&stage, &heard, "tell");
	AWAIT(&heard, 10, heard.ends + heard.failures > 0);
	snprintf(expected, sizeof expected, "uid %d gid %d nice 10 group 1", is_root ? 65534 : (int)getuid(),
		is_root ? 65534 : (int)getgid());
	CHECK(strstr(heard.notes, expected), "%s", heard.notes);
	CHECK(strstr(heard.notes, "\"kind\":\"segment\""), "%s", heard.notes);
	CHECK(strstr(heard.notes, "\"names\":[\"input\"]"), "%s", heard.notes);
	CHECK(strstr(heard.notes, "\"anchor\":false"), "%s", heard.notes);
	CHECK(strstr(heard.notes, "\"max_ms\":600000"), "%s", heard.notes);
	heard_clear(&heard);
	stage_close(&stage);
}

static void test_no_descriptor_is_inherited(void)
{
	int leaked = open("/dev/null", O_RDONLY); /* not close-on-exec, as Janus has them */
	struct heard heard;
	struct stage stage;

	stage_init(&stage);
	stage_open(&stage);
	listen_to(&stage, &heard, "count_fds 1");
	AWAIT(&heard, 10, heard.ends + heard.failures > 0);
	CHECK_STR(heard.notes, "open 0");
	heard_clear(&heard);
	stage_close(&stage);
	close(leaked);
}

static void test_memory_limit(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	CHECK_SKIP("a sanitizer's shadow memory has no limit");
#endif
	struct heard heard;
	struct stage stage;

	stage_init(&stage);
	stage.config.worker_memory_mb = 64;
	stage_open(&stage);
	listen_to(&stage, &heard, "eat 100");
	AWAIT(&heard, 10, heard.ends + heard.failures > 0);
	CHECK_INT(heard.code, DH_PREPARE_MEMORY);
	heard_clear(&heard);
	listen_to(&stage, &heard, "eat 30");
	AWAIT(&heard, 10, heard.ends + heard.failures > 0);
	CHECK_INT(heard.ends, 1);
	heard_clear(&heard);
	stage_close(&stage);
}

/* --- workers that do not start */

static const struct start {
	const char *how, *path, *text;
} starts[] = {
	{ "missing",  "/nonexistent/dh-prepare", "cannot be started: No such file" },
	{ "exit",     NULL, "exit code 1" },
	{ "mute",     NULL, "not ready after 2000 ms" },
	{ "noise",    NULL, "does not say that it is ready" },
	{ "protocol", NULL, "speaks protocol 2, this plugin 1" },
};

static void test_starts(const void *arg)
{
	const struct start *row = arg;
	struct heard heard;
	struct stage stage;

	stage_init(&stage);
	stage_how(&stage, row->how);
	if (row->path)
		stage.config.worker_path = row->path;
	stage.config.worker_start_ms = 2000;
	stage_open(&stage);
	for (int i = 0; i < 3; i++) {
		listen_to(&stage, &heard, "good 3");
		AWAIT(&heard, 10, heard.ends + heard.failures > 0);
		CHECK_INT(heard.code, DH_PREPARE_INTERNAL);
		CHECK(strstr(heard.text, row->text), "\"%s\"", heard.text);
		heard_clear(&heard);
	}
	/* It works again as soon as it can. */
	stage_how(&stage, "");
	if (!row->path) {
		usleep(600000);
		listen_to(&stage, &heard, "good 3");
		AWAIT(&heard, 10, heard.ends + heard.failures > 0);
		check_good(&heard, 3);
		heard_clear(&heard);
	}
	stage_close(&stage);
}

/* --- sharing */

static void test_late_subscriber_hears_everything(void)
{
	struct heard first, late, last;
	struct dh_preparer_stats stats;
	struct stage stage;

	stage_init(&stage);
	stage_open(&stage);
	listen_to(&stage, &first, "slow 60");
	AWAIT(&first, 10, first.units >= 30);
	listen_to(&stage, &late, "slow 60");
	AWAIT(&late, 10, late.units >= 30);
	CHECK_INT(first.ends, 0);
	CHECK_INT(stage_stats(&stage).preparations, 1);
	AWAIT(&late, 10, late.ends > 0);
	AWAIT(&first, 10, first.ends > 0);
	/* Complete in memory. */
	listen_to(&stage, &last, "slow 60");
	AWAIT(&last, 10, last.ends > 0);
	check_good(&first, 60);
	check_good(&late, 60);
	check_good(&last, 60);
	CHECK(last.end_ms < 300, "%.0f ms", last.end_ms);
	stats = stage_stats(&stage);
	CHECK_INT(stats.jobs, 1);
	CHECK_INT(stats.preparations, 1);
	CHECK_INT(stats.subscriptions, 3);
	heard_clear(&first);
	heard_clear(&late);
	heard_clear(&last);
	AWAIT_STATS(&stage, stats, 5, stats.preparations == 0);
	stage_close(&stage);
}

static void test_jobs_wait_their_turn(void)
{
	struct heard heard[7];
	struct dh_preparer_stats stats;
	struct stage stage;
	char deed[20];
	int most = 0;

	stage_init(&stage);
	stage.config.max_workers = 3;
	stage_open(&stage);
	for (int i = 0; i < 7; i++) {
		snprintf(deed, sizeof deed, "slow %d", 20 + i);
		listen_to(&stage, &heard[i], deed);
	}
	do {
		stats = stage_stats(&stage);
		most = MAX(most, stats.workers_busy);
		usleep(2000);
	} while (stats.jobs < 7 || stats.jobs_waiting + stats.workers_busy > 0);
	CHECK_INT(most, 3);
	for (int i = 0; i < 7; i++) {
		AWAIT(&heard[i], 10, heard[i].ends > 0);
		check_good(&heard[i], 20 + i);
		heard_clear(&heard[i]);
	}
	stage_close(&stage);
}

static void *unsubscribe_thread(void *arg)
{
	struct heard *heard = arg;

	dh_prepare_unsubscribe(&heard->subscription);
	heard->failures = heard->ends = 1; /* whatever is heard from now on is out of order */
	return NULL;
}

static void test_silence_after_unsubscribe(void)
{
	struct stage stage;

	stage_init(&stage);
	stage_open(&stage);
	for (int i = 0; i < 20; i++) {
		struct heard heard;
		pthread_t thread;
		char deed[20];
		snprintf(deed, sizeof deed, "good %d", 300 + i);
		listen_to(&stage, &heard, deed);
		usleep((useconds_t)i * 1500);
		CHECK_INT(pthread_create(&thread, NULL, unsubscribe_thread, &heard), 0);
		pthread_join(thread, NULL);
		usleep(5000);
		CHECK_INT(heard.out_of_order, 0);
		heard_clear(&heard);
	}
	stage_close(&stage);
}

static void leave_at_head(void *arg, const struct dh_stream_head *head)
{
	struct heard *heard = arg;

	(void)head;
	dh_prepare_unsubscribe(&heard->subscription);
	pthread_mutex_lock(&heard->lock);
	heard->heads++;
	pthread_cond_broadcast(&heard->change);
	pthread_mutex_unlock(&heard->lock);
}

static void test_unsubscribe_from_a_listener(void)
{
	struct dh_prepare_listener listener = hear;
	struct dh_source source;
	struct heard heard;
	struct stage stage;

	stage_init(&stage);
	stage_open(&stage);
	listener.head = leave_at_head;
	heard_init(&heard);
	dh_source_init(&source);
	source.count = 1;
	source.names[0] = "input";
	source.fds[0] = stage_file(&stage, "in", "good 100", 8);
	CHECK_INT(dh_prepare_subscribe(stage.preparer, &source, &listener, &heard, &heard.subscription), 0);
	AWAIT(&heard, 10, heard.heads > 0);
	usleep(50000);
	CHECK_INT(heard.heads + heard.anchors + (int)heard.units + heard.ends + heard.failures, 1);
	heard_clear(&heard);
	stage_close(&stage);
}

static const struct wrong {
	const char *name;
	enum dh_source_kind kind;
	size_t field; /* of struct dh_source, an int */
	int value;
} wrongs[] = {
#define FIELD(name) offsetof(struct dh_source, name)
	{ "no file",       DH_SOURCE_SEGMENT,  FIELD(count), 0 },
	{ "three files",   DH_SOURCE_SEGMENT,  FIELD(count), 3 },
	{ "two portraits", DH_SOURCE_PORTRAIT, FIELD(count), 2 },
	{ "odd width",     DH_SOURCE_SEGMENT,  FIELD(width), 511 },
	{ "no width",      DH_SOURCE_SEGMENT,  FIELD(width), 0 },
	{ "too high",      DH_SOURCE_SEGMENT,  FIELD(height), 2306 },
	{ "kbps",          DH_SOURCE_SEGMENT,  FIELD(kbps), 49 },
	{ "entry",         DH_SOURCE_SEGMENT,  FIELD(entry_ms), 39 },
	{ "fps",           DH_SOURCE_SEGMENT,  FIELD(fps_max), 61 },
	{ "no descriptor", DH_SOURCE_SEGMENT,  FIELD(fds), -1 },
};

static void test_wrong_sources(const void *arg)
{
	const struct wrong *row = arg;
	struct dh_subscription *subscription = NULL;
	struct dh_source source;
	struct stage stage;
	int is_count = row->field == FIELD(count);

	stage_init(&stage);
	stage_open(&stage);
	dh_source_init(&source);
	source.kind = row->kind;
	source.count = 1;
	memcpy((char *)&source + row->field, &row->value, sizeof row->value);
	for (int i = 0; i < (is_count ? MIN(source.count, 2) : 1); i++) {
		source.names[i] = "input";
		if (row->field != FIELD(fds))
			source.fds[i] = stage_file(&stage, "in", "good 1", 6);
	}
	CHECK_INT(dh_prepare_subscribe(stage.preparer, &source, &hear, NULL, &subscription), -EINVAL);
	CHECK(!subscription);
	stage_close(&stage);
}

/* --- live sources */

static void test_live(void)
{
	struct dh_preparer_stats stats;
	struct heard heard;
	struct stage stage;
	size_t units;
	int ends[2];

	stage_init(&stage);
	stage_open(&stage);
	CHECK_INT(pipe2(ends, O_CLOEXEC), 0);
	CHECK_INT(write(ends[1], "slow 1000", 9), 9);
	listen_to_fd(&stage, &heard, ends[0]);
	AWAIT(&heard, 10, heard.units >= 30);
	dh_prepare_hold(heard.subscription, 1);
	stage_stats(&stage); /* by then it holds */
	units = heard.units;
	usleep(200000);
	CHECK_INT(heard.units, units);
	dh_prepare_hold(heard.subscription, 0);
	AWAIT(&heard, 10, heard.units > units + 30);
	/* The last one leaving ends it; nothing is kept. */
	heard_clear(&heard);
	AWAIT_STATS(&stage, stats, 2, stats.workers_busy == 0 && stats.preparations == 0);
	CHECK_INT(stats.cache_entries, 0);
	close(ends[1]);
	stage_close(&stage);
}

/* --- the cache */

static void test_goes_on_for_the_cache(void)
{
	struct dh_preparer_stats stats;
	struct heard heard[3];
	struct stage stage;
	char deed[20];

	stage_init(&stage);
	stage.config.orphans_max = 2;
	stage_open(&stage);
	for (int i = 0; i < 3; i++) {
		snprintf(deed, sizeof deed, "slow %d", 50 + i);
		listen_to(&stage, &heard[i], deed);
		AWAIT(&heard[i], 10, heard[i].units > 0);
	}
	for (int i = 0; i < 3; i++)
		heard_clear(&heard[i]);
	CHECK_INT(stage_stats(&stage).preparations, 2);
	AWAIT_STATS(&stage, stats, 10, stats.preparations == 0 && stats.workers_busy == 0);
	AWAIT_STATS(&stage, stats, 2, stats.cache_entries == 2);
	stage_close(&stage);
}

/* And until its worker is gone. */
static void prepare_once(struct stage *stage, const char *deed, int pictures)
{
	struct dh_preparer_stats stats;
	struct heard heard;

	listen_to(stage, &heard, deed);
	AWAIT(&heard, 10, heard.ends + heard.failures > 0);
	check_good(&heard, pictures);
	heard_clear(&heard);
	AWAIT_STATS(stage, stats, 5, stats.workers_busy == 0);
}

static void test_cached(void)
{
	struct dh_preparer_stats stats;
	struct stage stage;

	stage_init(&stage);
	stage_open(&stage);
	prepare_once(&stage, "good 250", 250);
	AWAIT_STATS(&stage, stats, 2, stats.cache_entries == 1);
	prepare_once(&stage, "good 250", 250);
	stats = stage_stats(&stage);
	CHECK_INT(stats.jobs, 1);
	CHECK_INT(stats.cache_hits, 1);
	CHECK_INT(stats.cache_misses, 1);
	/* It is there after a restart too; not for another version. */
	stage_reopen(&stage);
	prepare_once(&stage, "good 250", 250);
	stats = stage_stats(&stage);
	CHECK_INT(stats.jobs, 0);
	CHECK_INT(stats.cache_hits, 1);
	stage_how(&stage, "2");
	stage_reopen(&stage);
	prepare_once(&stage, "good 250", 250);
	CHECK_INT(stage_stats(&stage).jobs, 1);
	stage_close(&stage);
}

/* The one file in the cache. */
static void cache_entry(struct stage *stage, char *path, size_t size)
{
	DIR *dir = opendir(stage->cache);
	struct dirent *item;
	int n = 0;

	CHECK(dir != NULL);
	while ((item = readdir(dir)))
		if (item->d_name[0] != '.') {
			snprintf(path, size, "%s/%s", stage->cache, item->d_name);
			n++;
		}
	closedir(dir);
	CHECK_INT(n, 1);
}

static const struct damage {
	const char *name;
	off_t at;       /* of a byte that is changed; -1: none */
	off_t length;   /* cut to; -1: not */
} damages[] = {
	{ "head", 9, -1 }, { "middle", 50000, -1 }, { "cut", -1, 50000 }, { "empty", -1, 0 },
};

static void test_damaged_entry(const void *arg)
{
	const struct damage *row = arg;
	struct dh_preparer_stats stats;
	struct stage stage;
	char path[400];
	int fd;

	stage_init(&stage);
	stage_open(&stage);
	prepare_once(&stage, "good 100", 100);
	AWAIT_STATS(&stage, stats, 2, stats.cache_entries == 1);
	cache_entry(&stage, path, sizeof path);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (row->at >= 0)
		CHECK_INT(pwrite(fd, "\xee", 1, row->at), 1);
	if (row->length >= 0)
		CHECK_INT(ftruncate(fd, row->length), 0);
	close(fd);
	prepare_once(&stage, "good 100", 100);
	CHECK_INT(stage_stats(&stage).jobs, 2);
	/* What was put in its place is good. */
	AWAIT_STATS(&stage, stats, 2, stats.cache_entries == 1);
	prepare_once(&stage, "good 100", 100);
	CHECK_INT(stage_stats(&stage).jobs, 2);
	stage_close(&stage);
}

static void test_cache_is_bounded(void)
{
	struct dh_preparer_stats stats;
	struct stage stage;
	char deed[20];

	stage_init(&stage);
	stage.config.cache_bytes = 1200000; /* two of them */
	stage_open(&stage);
	for (int i = 0; i < 4; i++) {
		snprintf(deed, sizeof deed, "good %d", 100 + i);
		prepare_once(&stage, deed, 100 + i);
		AWAIT_STATS(&stage, stats, 2, stats.cache_entries == MIN(i + 1, 2));
		/* The first one is used all the time, so it stays. */
		prepare_once(&stage, "good 100", 100);
	}
	stats = stage_stats(&stage);
	CHECK_INT(stats.jobs, 4);
	CHECK(stats.cache_bytes > 0 && stats.cache_bytes <= 1200000);
	CHECK_INT(count_entries(stage.cache), 2 + 2);
	/* Larger than all of it: played, not kept. */
	prepare_once(&stage, "good 400", 400);
	CHECK_INT(count_entries(stage.cache), 2 + 2);
	stage_close(&stage);
}

/* The folder cannot be: its parent is a file. */
static void test_without_a_cache(void)
{
	struct stage stage;

	stage_init(&stage);
	close(stage_file(&stage, "cache", "x", 1));
	stage_open(&stage);
	prepare_once(&stage, "good 100", 100);
	prepare_once(&stage, "good 100", 100);
	CHECK_INT(stage_stats(&stage).jobs, 2);
	stage_close(&stage);
}

static void test_cache_folder_vanishes(void)
{
	struct dh_preparer_stats stats;
	struct stage stage;

	stage_init(&stage);
	stage_open(&stage);
	prepare_once(&stage, "good 100", 100);
	AWAIT_STATS(&stage, stats, 2, stats.cache_entries == 1);
	nftw(stage.cache, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	prepare_once(&stage, "good 100", 100);
	AWAIT_STATS(&stage, stats, 2, stats.cache_entries == 1 && stats.jobs == 2);
	stage_close(&stage);
}

/* Writing fails in the middle of an entry. */
static void test_full_disk(void)
{
	struct rlimit limit, tight;
	struct stage stage;

	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &limit);
	tight = limit;
	tight.rlim_cur = 100000;
	stage_init(&stage);
	stage_open(&stage);
	stage_stats(&stage);
	CHECK_INT(setrlimit(RLIMIT_FSIZE, &tight), 0);
	prepare_once(&stage, "good 100", 100);
	prepare_once(&stage, "good 100", 100);
	CHECK_INT(setrlimit(RLIMIT_FSIZE, &limit), 0);
	CHECK_INT(stage_stats(&stage).jobs, 2);
	dh_preparer_free(&stage.preparer);
	CHECK_INT(count_entries(stage.cache), 2);
	stage_close(&stage);
}

static void test_no_version_no_cache(void)
{
	struct stage stage;

	stage_init(&stage);
	stage_how(&stage, "ashamed");
	stage_open(&stage);
	prepare_once(&stage, "good 10", 10);
	prepare_once(&stage, "good 10", 10);
	CHECK_INT(stage_stats(&stage).jobs, 2);
	stage_close(&stage);
}

/* --- prepared files */

static void test_prepared_file(void)
{
	struct dh_preparer_stats stats;
	struct heard heard, other;
	struct stage stage;
	char path[400], *bytes;
	gsize size;

	stage_init(&stage);
	stage_open(&stage);
	prepare_once(&stage, "good 250", 250);
	AWAIT_STATS(&stage, stats, 2, stats.cache_entries == 1);
	cache_entry(&stage, path, sizeof path);
	CHECK(g_file_get_contents(path, &bytes, &size, NULL));
	listen_to_fd(&stage, &heard, stage_file(&stage, "a.dhs", bytes, size));
	AWAIT(&heard, 5, heard.ends + heard.failures > 0);
	check_good(&heard, 250);
	listen_to_fd(&stage, &other, stage_file(&stage, "b.dhs", bytes, size - 10));
	AWAIT(&other, 5, other.ends + other.failures > 0);
	CHECK_INT(other.code, DH_PREPARE_FORMAT);
	CHECK_INT(stage_stats(&stage).jobs, 1);
	heard_clear(&heard);
	heard_clear(&other);
	g_free(bytes);
	stage_close(&stage);
}

/* --- ends */

static void test_free_with_everything_in_flight(void)
{
	for (int round = 0; round < 8; round++) {
		struct heard heard[6];
		struct stage stage;
		char deed[20];
		stage_init(&stage);
		stage_open(&stage);
		for (int i = 0; i < 6; i++) {
			snprintf(deed, sizeof deed, i % 2 ? "slow %d" : "hang %d", 100 + i);
			listen_to(&stage, &heard[i], deed);
		}
		usleep((useconds_t)round * 15000);
		for (int i = 0; i < 6; i++)
			heard_clear(&heard[i]);
		stage_close(&stage);
	}
}

/* --- the real one */

static void listen_to_avatar(struct stage *stage, struct heard *heard, int fd)
{
	struct dh_source source;

	heard_init(heard);
	dh_source_init(&source);
	source.kind = DH_SOURCE_IDLE;
	source.count = 1;
	source.names[0] = "idle.nut";
	source.fds[0] = fd;
	CHECK_INT(dh_prepare_subscribe(stage->preparer, &source, &hear, heard, &heard->subscription), 0);
}

static void test_real_worker(void)
{
	const char *path = getenv("DH_PREPARE"), *clip = getenv("DH_TEST_CLIP");
	struct dh_preparer_stats stats;
	struct heard idle, heard;
	struct stage stage;
	struct dh_source source;
	char *bytes;
	gsize size;

	if (!path || !clip)
		CHECK_SKIP("DH_PREPARE and DH_TEST_CLIP name no worker and no clip");
	CHECK(g_file_get_contents(clip, &bytes, &size, NULL));
	stage_init(&stage);
	stage.config.worker_path = path;
	stage_open(&stage);
	AWAIT_STATS(&stage, stats, 10, stats.workers_ready == 2);
	listen_to_avatar(&stage, &idle, stage_file(&stage, "idle", bytes, size));
	AWAIT(&idle, 60, idle.ends + idle.failures > 0);
	CHECK_INT(idle.failures, 0);
	CHECK_INT(idle.pictures, 1);
	AWAIT_STATS(&stage, stats, 10, stats.workers_ready == 2 && stats.workers_busy == 0);
	for (int i = 0; i < 2; i++) {
		heard_init(&heard);
		dh_source_init(&source);
		source.count = 1;
		source.names[0] = "speech";
		source.fds[0] = stage_file(&stage, "speech", bytes, size);
		source.anchor = idle.picture;
		CHECK_INT(dh_prepare_subscribe(stage.preparer, &source, &hear, &heard, &heard.subscription), 0);
		AWAIT(&heard, 60, heard.ends + heard.failures > 0);
		CHECK(heard.failures == 0, "%s", heard.text);
		CHECK_INT(heard.out_of_order, 0);
		printf("   %s: first unit after %.1f ms, all %zu after %.1f ms\n", i ? "cached" : "encoded",
			heard.first_unit_ms, heard.units, heard.end_ms);
		heard_clear(&heard);
		AWAIT_STATS(&stage, stats, 10, stats.cache_entries == 2 && stats.workers_busy == 0);
	}
	CHECK_INT(stage_stats(&stage).cache_hits, 1);
	heard_clear(&idle);
	g_free(bytes);
	stage_close(&stage);
}

static const struct check_test tests[] = {
	TABLE(test_misdeeds, misdeeds),
	TABLE(test_oddities, oddities),
	TEST(test_confined),
	TEST(test_no_descriptor_is_inherited),
	TEST(test_memory_limit),
	TABLE(test_starts, starts),
	TEST(test_late_subscriber_hears_everything),
	TEST(test_jobs_wait_their_turn),
	TEST(test_silence_after_unsubscribe),
	TEST(test_unsubscribe_from_a_listener),
	TABLE(test_wrong_sources, wrongs),
	TEST(test_live),
	TEST(test_goes_on_for_the_cache),
	TEST(test_cached),
	TABLE(test_damaged_entry, damages),
	TEST(test_cache_is_bounded),
	TEST(test_without_a_cache),
	TEST(test_cache_folder_vanishes),
	TEST(test_full_disk),
	TEST(test_no_version_no_cache),
	TEST(test_prepared_file),
	TEST(test_free_with_everything_in_flight),
	TEST(test_real_worker),
};

int main(int argc, char **argv)
{
	char *folder = g_path_get_dirname(argv[0]);
	char *path = g_build_filename(folder, "fake_worker", NULL);

	if (!realpath(path, fake_worker)) {
		fprintf(stderr, "%s is missing\n", path);
		return 2;
	}
	g_free(path);
	g_free(folder);
	return CHECK_MAIN(argc, argv, tests);
}
