/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/generator_rig.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>

static char *scope, *fetch; /* where this program was built */
static char marker[60];

static char *environment[] = { marker, NULL };
char *command[] = { (char *)"/bin/bash", (char *)"-c", NULL, NULL };
struct dh_generator_config config = {
	.name = (char *)"tester",
	.command = command,
	.environment = environment,
	.max_s = 60,
};

struct dh_io *io;
struct generator_run run;

atomic_bool is_patient;

void __real_dh_io_timer_set(GSource *timer, int64_t ms);
void __wrap_dh_io_timer_set(GSource *timer, int64_t ms);

void __wrap_dh_io_timer_set(GSource *timer, int64_t ms)
{
	__real_dh_io_timer_set(timer, ms == DH_GENERATOR_GRACE_MS && atomic_load(&is_patient) ? 1000000 : ms);
}

static void generator_ended(void *arg, const char *error, enum dh_generator_output output)
{
	(void)arg;
	run.what = output;
	run.ends++;
	g_strlcpy(run.error, error ? error : "", sizeof run.error);
	dh_generator_free(&run.generator);
}

static gboolean readable(gint fd, GIOCondition condition, gpointer arg)
{
	char bytes[4096];
	ssize_t n = read(fd, bytes, sizeof bytes);

	(void)condition;
	(void)arg;
	if (n > 0 && run.length + (size_t)n < sizeof run.written) {
		memcpy(run.written + run.length, bytes, (size_t)n);
		run.length += (size_t)n;
	}
	if (n > 0)
		return G_SOURCE_CONTINUE;
	dh_io_drop(&run.source);
	run.is_at_end = true;
	if (run.is_over_told && run.generator)
		dh_generator_output_over(run.generator);
	return G_SOURCE_REMOVE;
}

void start_it(void *arg)
{
	int ends[2] = { -1, -1 };

	(void)arg;
	if (pipe2(ends, O_CLOEXEC) < 0)
		abort();
	const struct dh_generator_spec spec = { .config = &config,
		.url = config.urls ? config.urls[0] : NULL,
		.scope = scope,
		.fetch = fetch,
		.user = run.user,
		.who = "room 1: segment s-1",
		.audio = -1,
		.socket = -1,
		.text = "hello",
		.is_text_open = run.is_text_open,
		.voice = run.voice,
		.scene = { .room = "1", .segment = "s-1", .metadata = "{\"a\":1}", .position_ms = -1 },
		.output = ends[1] };
	run.err = dh_generator_start(&run.generator, io, &spec, generator_ended, NULL);
	close(ends[1]);
	run.output = ends[0];
	if (run.err < 0)
		close(ends[0]);
	else
		run.source = dh_io_watch(io, run.output, G_IO_IN | G_IO_HUP, readable, NULL);
}

void free_it(void *arg)
{
	(void)arg;
	dh_generator_free(&run.generator);
}

static void copy_run(void *arg)
{
	*(struct generator_run *)arg = run;
}

struct generator_run look(void)
{
	struct generator_run now;

	dh_io_call(io, copy_run, &now);
	return now;
}

void start(const char *script)
{
	command[2] = (char *)script;
	dh_io_call(io, start_it, NULL);
	CHECK_INT(run.err, 0);
}

void open_io(void)
{
	memset(&run, 0, sizeof run);
	run.is_over_told = true;
	atomic_store(&is_patient, false);
	CHECK_INT(dh_io_alloc(&io), 0);
}

static void drop_output(void *arg)
{
	(void)arg;
	dh_io_drop(&run.source);
	close(run.output);
}

void close_io(void)
{
	dh_io_call(io, drop_output, NULL);
	dh_io_free(&io);
}

/* --- whoever has the marker in the environment */

static bool is_marked(const char *pid)
{
	char path[300], text[4096];
	FILE *file;
	size_t n;

	snprintf(path, sizeof path, "/proc/%s/environ", pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	n = fread(text, 1, sizeof text, file);
	fclose(file);
	return memmem(text, n, marker, strlen(marker)) != NULL;
}

static bool is_stopped(const char *pid)
{
	char path[300], state = 0;
	FILE *file;

	snprintf(path, sizeof path, "/proc/%s/stat", pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	if (fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
		state = 0;
	fclose(file);
	return state == 'T';
}

static int count(bool only_stopped)
{
	DIR *folder = opendir("/proc");
	struct dirent *entry;
	int n = 0;

	while ((entry = readdir(folder)))
		n += entry->d_name[0] >= '1' && entry->d_name[0] <= '9' && is_marked(entry->d_name) &&
			(!only_stopped || is_stopped(entry->d_name));
	closedir(folder);
	return n;
}

int count_marked(void)
{
	return count(false);
}

int count_stopped(void)
{
	return count(true);
}

int run_generator_tests(int argc, char **argv, const struct check_test *tests, size_t count)
{
	char *program = g_file_read_link("/proc/self/exe", NULL);
	char *folder = g_path_get_dirname(program);
	int status;

	snprintf(marker, sizeof marker, "DH_TEST_MARKER=%d-%" PRId64, (int)getpid(), g_get_monotonic_time());
	scope = g_build_filename(folder, "..", "..", "dh-scope", NULL);
	fetch = g_build_filename(folder, "..", "..", "dh-fetch", NULL);
	status = check_main(argc, argv, tests, count);
	g_free(scope);
	g_free(fetch);
	g_free(folder);
	g_free(program);
	return status;
}
