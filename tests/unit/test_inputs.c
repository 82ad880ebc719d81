/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files that change between the request and their turn, or while they are read. */
#include "tests/support/ingest_fixture.h"

#include "ingest/file_identity.h"
#include "ingest/inspection.h"
#include "ingest/loader.h"
#include "ingest/open_files.h"
#include "prepare/envelope.h"

/* --- which file it is */

static const struct timespec old[2] = { { 1000000000, 0 }, { 1000000000, 0 } };

/* As `cp -p`, `rsync -t` and `touch -r` leave it: other contents of the same size
 * and time. */
static void overwrite(struct ingest_fixture *fixture, const char *name, const char *text)
{
	char path[200];
	int fd;

	snprintf(path, sizeof path, "%s/%s", fixture->folder, name);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	CHECK(fd >= 0);
	CHECK_INT(write(fd, text, strlen(text)), strlen(text));
	CHECK_INT(futimens(fd, old), 0);
	close(fd);
}

static void prepare_file(struct ingest_fixture *fixture, const char *name, int pictures)
{
	struct dh_ingest_stats stats;
	struct heard heard;

	listen_to_source(fixture, &heard, name, -1);
	AWAIT(&heard, heard.ends + heard.failures > 0);
	check_good(&heard, pictures);
	heard_clear(&heard);
	AWAIT_STATS(fixture, stats, stats.workers_busy == 0);
}

static void test_same_size_and_time(void)
{
	struct ingest_fixture fixture;

	ingest_fixture_init(&fixture);
	ingest_fixture_open(&fixture);
	overwrite(&fixture, "in", "good 100");
	prepare_file(&fixture, "in", 100);
	overwrite(&fixture, "in", "good 101");
	prepare_file(&fixture, "in", 101);
	CHECK_INT(ingest_fixture_stats(&fixture).jobs, 2);
	ingest_fixture_close(&fixture);
}

static struct timespec stopped; /* the time of day, if it is set */

int __real_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now);

int __wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
	if (clock != CLOCK_REALTIME || !stopped.tv_sec)
		return __real_clock_gettime(clock, now);
	*now = stopped;
	return 0;
}

static void test_identity(void)
{
	struct dh_file_identity before, after;
	struct ingest_fixture fixture;
	char path[200];
	struct stat st;

	ingest_fixture_init(&fixture);
	overwrite(&fixture, "in", "one");
	snprintf(path, sizeof path, "%s/in", fixture.folder);
	CHECK_INT(stat(path, &st), 0);
	stopped = st.st_ctim;
	CHECK_INT(dh_file_identity_of(&before, &st), 0);
	stopped.tv_sec = 0;
	CHECK(before.is_fresh); /* whatever its mtime says */
	usleep(50000);          /* the kernel's clock for files has gone on */
	overwrite(&fixture, "in", "two");
	CHECK_INT(stat(path, &st), 0);
	CHECK_INT(dh_file_identity_of(&after, &st), 0);
	CHECK(!dh_file_identity_same(&before, &after));
	CHECK(dh_file_identity_alike(&before, &after));
	remove_folder(fixture.folder);
}

/* --- files that change while they are read */

enum change { OVERWRITE, APPEND, CUT, UNLINK, REPLACE, RIGHTS };

static const struct change_row {
	const char *name;
	enum change change;
	int is_incomplete;
} changes[] = {
	{ "overwritten", OVERWRITE, 1 },
	{ "appended to", APPEND, 1 },
	{ "cut", CUT, 1 },
	/* The file being read stays as it was. */
	{ "removed", UNLINK, 0 },
	{ "replaced", REPLACE, 0 },
	{ "rights", RIGHTS, 0 },
};

static void change_file(struct ingest_fixture *fixture, enum change change)
{
	char path[200], other[200];

	snprintf(path, sizeof path, "%s/halve 151", fixture->folder);
	snprintf(other, sizeof other, "%s/other", fixture->folder);
	switch (change) {
	case OVERWRITE:
		overwrite(fixture, "halve 151", "halve 152");
		break;
	case APPEND:
		overwrite(fixture, "halve 151", "halve 151 ");
		break;
	case CUT:
		CHECK_INT(truncate(path, 4), 0);
		break;
	case UNLINK:
		CHECK_INT(unlink(path), 0);
		break;
	case REPLACE:
		overwrite(fixture, "other", "halve 152");
		CHECK_INT(rename(other, path), 0);
		break;
	case RIGHTS:
		CHECK_INT(chmod(path, 0640), 0);
		break;
	}
}

static void test_changed_while_it_is_read(const void *arg)
{
	const struct change_row *row = arg;
	struct dh_ingest_stats stats;
	struct ingest_fixture fixture;
	struct heard heard;

	ingest_fixture_init(&fixture);
	ingest_fixture_open(&fixture);
	listen_to(&fixture, &heard, "halve 151");
	AWAIT(&heard, heard.units > 0);
	change_file(&fixture, row->change);
	AWAIT_AWAKE(&fixture, stats, stats.workers_busy == 0);
	AWAIT(&heard, heard.ends + heard.failures > 0);
	if (row->is_incomplete) {
		CHECK_INT(heard.ends, 1);
		CHECK_INT(heard.is_incomplete, 1);
		CHECK(strstr(heard.notes, "halve 151 changed while it was prepared"), "%s", heard.notes);
		AWAIT_STATS(&fixture, stats, stats.workers_busy == 0);
		heard_clear(&heard);
		AWAIT_STATS(&fixture, stats, stats.preparations == 0);
		CHECK_INT(stats.cache_entries, 0);
	} else {
		check_good(&heard, 151);
		CHECK_INT(heard.is_incomplete, 0);
		AWAIT_STATS(&fixture, stats, stats.cache_entries == 1);
		heard_clear(&heard);
	}
	ingest_fixture_close(&fixture);
}

/* A slow file is copied before it gets a worker, so a later change is not noticed. */
static const char *slow_name; /* reads of it are slow; set before there are threads */

ssize_t __real_dh_opener_read(struct dh_opener *opener, int envelope, void *bytes, size_t size, off_t at);
ssize_t __wrap_dh_opener_read(struct dh_opener *opener, int envelope, void *bytes, size_t size, off_t at);

bool __real_dh_file_reads_slowly(off_t bytes, int64_t us);
bool __wrap_dh_file_reads_slowly(off_t bytes, int64_t us);

/* No other is, however busy the machine is. */
bool __wrap_dh_file_reads_slowly(off_t bytes, int64_t us)
{
	return slow_name && __real_dh_file_reads_slowly(bytes, us);
}

static bool is_slow(int envelope)
{
	char link[64], path[200] = "";
	int fd = dh_envelope_look(envelope);

	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	if (readlink(link, path, sizeof path - 1) < 0)
		path[0] = 0;
	close(fd);
	return strstr(path, slow_name) != NULL;
}

ssize_t __wrap_dh_opener_read(struct dh_opener *opener, int envelope, void *bytes, size_t size, off_t at)
{
	if (slow_name && !strcmp(slow_name, "endless")) {
		memset(bytes, 'x', size);
		return (ssize_t)size;
	}
	if (slow_name && is_slow(envelope))
		usleep(600000);
	return __real_dh_opener_read(opener, envelope, bytes, size, at);
}

static void test_slow_files_are_copied(void)
{
	struct dh_ingest_stats stats;
	struct ingest_fixture fixture;
	struct heard heard;

	slow_name = "halve 151";
	ingest_fixture_init(&fixture);
	ingest_fixture_open(&fixture);
	listen_to(&fixture, &heard, "halve 151");
	AWAIT(&heard, heard.units > 0);
	change_file(&fixture, OVERWRITE);
	AWAIT_AWAKE(&fixture, stats, stats.workers_busy == 0);
	AWAIT(&heard, heard.ends + heard.failures > 0);
	check_good(&heard, 151);
	CHECK_INT(heard.is_incomplete, 0);
	AWAIT_STATS(&fixture, stats, stats.cache_entries == 1 && stats.workers_busy == 0);
	heard_clear(&heard);
	AWAIT_STATS(&fixture, stats, stats.preparations == 0);
	AWAIT_STATS(&fixture, stats, stats.memory.used == 0 && stats.descriptors.used == 0);
	ingest_fixture_close(&fixture);
	slow_name = NULL;
}

static void hear_result(struct heard *heard, int err, const char *text)
{
	pthread_mutex_lock(&heard->lock);
	heard->failures++;
	heard->code = err;
	g_strlcpy(heard->text, text ? text : "", sizeof heard->text);
	pthread_cond_broadcast(&heard->change);
	pthread_mutex_unlock(&heard->lock);
}

static void copy_ended(void *arg, struct dh_open_files *files, int err, const char *text)
{
	hear_result(arg, err, text);
	dh_open_files_unref(&files);
}

static void alloc_loader(struct dh_loader **loader, struct dh_io *io)
{
	struct dh_openers *openers = dh_openers_new(opener_program);

	CHECK_INT(dh_loader_alloc(loader, io, openers), 0);
	dh_openers_unref(&openers);
}

struct copy {
	struct dh_loader *loader;
	struct dh_limits *limits;
	struct dh_inputs *inputs;
	struct dh_expected_files expected;
	struct heard heard;
};

static void start_copy(void *arg)
{
	struct copy *copy = arg;

	dh_open_files_open(copy->loader, copy->limits, copy->inputs, &copy->expected, 100000, copy_ended, &copy->heard);
}

static void nothing(void *arg)
{
	(void)arg;
}

static const struct copy_row {
	const char *name;
	int64_t memory, descriptors;
	int err;
	const char *text;
} copies[] = {
	{ "grows", 1000, 10, -ESTALE, "changed" },
	{ "no memory", 7, 10, -ENOBUFS, "max_media_mb" },
	{ "no descriptor", 1000, 1, -EMFILE, "too many files" },
};

/* A copy takes no more than was reserved for it, however the file has grown. */
static void test_copies_are_bounded(const void *arg)
{
	const struct copy_row *row = arg;
	const int64_t most[DH_LIMIT_COUNT] = { row->descriptors, row->memory };
	struct copy copy = { .limits = dh_limits_new(most) };
	struct dh_ingest_source source;
	struct ingest_fixture fixture;

	slow_name = "endless";
	ingest_fixture_init(&fixture);
	ingest_fixture_open(&fixture);
	ingest_fixture_file(&fixture, "in", "good 100", 8);
	ingest_fixture_find(&fixture, &source, "in");
	alloc_loader(&copy.loader, fixture.io);
	CHECK_INT(dh_inputs_alloc(&copy.inputs, &source), 0);
	copy.expected.identities[0] = source.identities[0];
	copy.expected.is_hashed = true;
	copy.expected.hashes[0].is_slow = true;
	heard_init(&copy.heard);
	dh_io_call(fixture.io, start_copy, &copy);
	AWAIT(&copy.heard, copy.heard.failures > 0);
	CHECK_INT(copy.heard.code, row->err);
	CHECK(strstr(copy.heard.text, row->text), "%s", copy.heard.text);
	dh_loader_free(&copy.loader);
	dh_io_call(fixture.io, nothing, NULL); /* its reports have run */
	CHECK_INT(dh_limits_used(copy.limits, DH_LIMIT_MEMORY), 0);
	CHECK_INT(dh_limits_used(copy.limits, DH_LIMIT_DESCRIPTORS), 0);
	dh_inputs_unref(&copy.inputs);
	dh_limits_unref(&copy.limits);
	ingest_fixture_close(&fixture);
	slow_name = NULL;
}

struct looking {
	struct dh_loader *loader;
	struct dh_limits *limits;
	struct dh_inputs *inputs;
	struct dh_file_hashes *hashes;
	bool is_stream;
	int known;
	struct heard heard;
};

static void looked(void *arg, const struct dh_expected_files *files, int err, const char *text)
{
	struct looking *looking = arg;

	looking->is_stream = files && files->is_stream;
	hear_result(&looking->heard, err, text);
}

static void known(void *arg, const struct dh_expected_files *files)
{
	struct looking *looking = arg;

	looking->known++;
	CHECK(!files->is_hashed);
}

static void start_looking(void *arg)
{
	struct looking *looking = arg;

	dh_inspect(looking->loader, looking->limits, looking->inputs, looking->hashes, 100000, known, looked, looking);
}

/* A prepared segment is recognised even if its hash is known from when it was one of two
 * files. */
static void test_known_stream(void)
{
	const int64_t most[DH_LIMIT_COUNT] = { 10, 1000 };
	struct looking looking = { .limits = dh_limits_new(most), .hashes = dh_file_hashes_new() };
	struct dh_ingest_source source;
	struct ingest_fixture fixture;

	ingest_fixture_init(&fixture);
	ingest_fixture_open(&fixture);
	ingest_fixture_file(&fixture, "in", "DHS1 and more", 13);
	usleep(2200000); /* a file that has just changed is not remembered */
	alloc_loader(&looking.loader, fixture.io);
	for (int count = 2; count > 0; count--) {
		ingest_fixture_find(&fixture, &source, "in");
		source.names[1] = source.names[0];
		source.folders[1] = source.folders[0];
		source.count = count;
		CHECK_INT(dh_inputs_alloc(&looking.inputs, &source), 0);
		heard_init(&looking.heard);
		dh_io_call(fixture.io, start_looking, &looking);
		AWAIT(&looking.heard, looking.heard.failures > 0);
		CHECK_INT(looking.heard.code, 0);
		CHECK(looking.is_stream);
		dh_inputs_unref(&looking.inputs);
	}
	dh_loader_free(&looking.loader);
	dh_io_call(fixture.io, nothing, NULL);
	dh_file_hashes_unref(&looking.hashes);
	dh_limits_unref(&looking.limits);
	ingest_fixture_close(&fixture);
}

/* Between the request and its turn, new contents are refused, and new permissions do not
 * matter. */
static void test_changed_before_its_turn(void)
{
	struct dh_ingest_source source;
	struct ingest_fixture fixture;
	struct heard heard;
	char path[200];

	ingest_fixture_init(&fixture);
	ingest_fixture_open(&fixture);
	ingest_fixture_file(&fixture, "in", "good 10", 7);
	snprintf(path, sizeof path, "%s/in", fixture.folder);
	for (int i = 0; i < 2; i++) {
		ingest_fixture_find(&fixture, &source, "in");
		if (i == 0)
			CHECK_INT(chmod(path, 0640), 0);
		else
			ingest_fixture_file(&fixture, "in", "good 1000", 9);
		heard_init(&heard);
		CHECK_INT(dh_ingest_subscribe(fixture.ingest, &source, &hear, &heard, &heard.subscription), 0);
		AWAIT(&heard, heard.ends + heard.failures > 0);
		CHECK_INT(heard.failures, i);
		if (i == 1)
			CHECK(strstr(heard.text, "changed after it was enqueued"), "%s", heard.text);
		heard_clear(&heard);
	}
	ingest_fixture_close(&fixture);
}

static const struct check_test tests[] = {
	TEST(test_same_size_and_time),
	TEST(test_identity),
	TABLE(test_changed_while_it_is_read, changes),
	TEST(test_slow_files_are_copied),
	TABLE(test_copies_are_bounded, copies),
	TEST(test_known_stream),
	TEST(test_changed_before_its_turn),
};

PREPARATION_MAIN(tests)
