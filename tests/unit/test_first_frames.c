/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where the time to the first packet of segments went. */
#include "tests/support/check.h"

#include "rooms/first_frames.h"

#include <string.h>

static const char *const names[] = { "talker", "gpu" };

static const json_t *source_of(const json_t *json, const char *kind, const char *generator)
{
	json_t *source;
	size_t i;

	json_array_foreach(json_object_get(json, "sources"), i, source) {
		const char *name = json_string_value(json_object_get(source, "generator"));
		if (!strcmp(json_string_value(json_object_get(source, "source")), kind) && !g_strcmp0(name, generator))
			return source;
	}
	return NULL;
}

static void check_histogram(const json_t *histogram, const char *counts, int sum_ms)
{
	char *text = json_dumps(json_object_get(histogram, "counts"), JSON_COMPACT);

	CHECK_STR(text, counts);
	CHECK_INT(json_integer_value(json_object_get(histogram, "sum_ms")), sum_ms);
	free(text);
}

static void test_a_generator(void)
{
	static const int64_t ms[] = { 1000, 1005, 1105, 1135, 1200, 6000 };
	struct dh_first_frames *frames = dh_first_frames_new(names, 2);

	dh_first_frames_add(frames, DH_FIRST_GENERATOR, "gpu", ms);
	json_t *json = dh_first_frames_json(frames);
	CHECK_INT(json_array_size(json_object_get(json, "sources")), 1);
	CHECK_INT(json_array_size(json_object_get(json, "le_ms")), 11);
	const json_t *gpu = source_of(json, "generator", "gpu"), *steps = json_object_get(gpu, "steps");
	CHECK_INT(json_integer_value(json_object_get(gpu, "segments")), 1);
	check_histogram(json_object_get(gpu, "total"), "[0,0,0,0,0,0,0,0,0,1,0,0]", 5000);
	check_histogram(json_object_get(steps, "begun"), "[1,0,0,0,0,0,0,0,0,0,0,0]", 5);
	check_histogram(json_object_get(steps, "first_byte"), "[0,0,0,1,0,0,0,0,0,0,0,0]", 100);
	check_histogram(json_object_get(steps, "first_unit"), "[0,1,0,0,0,0,0,0,0,0,0,0]", 30);
	check_histogram(json_object_get(steps, "ready"), "[0,0,0,1,0,0,0,0,0,0,0,0]", 65);
	check_histogram(json_object_get(steps, "first_packet"), "[0,0,0,0,0,0,0,0,0,1,0,0]", 4800);
	json_decref(json);
	dh_first_frames_free(&frames);
}

/* What has no first byte has not waited for one; nor does time go back. */
static void test_steps_that_are_missing(void)
{
	static const int64_t file[] = { 0, 10, -1, 60, 61, 80 }, late[] = { 0, 30, 50, 40, 60, 70 };
	struct dh_first_frames *frames = dh_first_frames_new(names, 2);

	dh_first_frames_add(frames, DH_FIRST_FILE, NULL, file);
	dh_first_frames_add(frames, DH_FIRST_PUSH, NULL, late);
	json_t *json = dh_first_frames_json(frames);
	const json_t *steps = json_object_get(source_of(json, "files", NULL), "steps");
	check_histogram(json_object_get(steps, "first_byte"), "[0,0,0,0,0,0,0,0,0,0,0,0]", 0);
	check_histogram(json_object_get(steps, "first_unit"), "[0,0,1,0,0,0,0,0,0,0,0,0]", 50);
	steps = json_object_get(source_of(json, "pushes", NULL), "steps");
	check_histogram(json_object_get(steps, "first_unit"), "[1,0,0,0,0,0,0,0,0,0,0,0]", 0);
	check_histogram(json_object_get(steps, "ready"), "[1,0,0,0,0,0,0,0,0,0,0,0]", 10);
	check_histogram(json_object_get(source_of(json, "pushes", NULL), "total"), "[0,0,0,1,0,0,0,0,0,0,0,0]", 70);
	json_decref(json);
	dh_first_frames_free(&frames);
}

/* Edges belong below; the last bucket has none. */
static void test_edges(void)
{
	struct dh_first_frames *frames = dh_first_frames_new(NULL, 0);

	for (int64_t end = 0; end <= 10001; end++) {
		const int64_t ms[] = { 0, 0, 0, 0, 0, end };
		dh_first_frames_add(frames, DH_FIRST_FILE, NULL, ms);
	}
	json_t *json = dh_first_frames_json(frames);
	check_histogram(json_object_get(source_of(json, "files", NULL), "total"),
		"[21,20,20,40,100,200,300,300,1000,3000,5000,1]", 10001 * 10002 / 2);
	json_decref(json);
	dh_first_frames_free(&frames);
}

static void test_a_stranger_is_not_counted(void)
{
	static const int64_t ms[] = { 0, 1, 2, 3, 4, 5 };
	struct dh_first_frames *frames = dh_first_frames_new(names, 2);

	dh_first_frames_add(frames, DH_FIRST_GENERATOR, "other", ms);
	json_t *json = dh_first_frames_json(frames);
	CHECK_INT(json_array_size(json_object_get(json, "sources")), 0);
	json_decref(json);
	dh_first_frames_free(&frames);
}

static const struct check_test tests[] = {
	TEST(test_a_generator),
	TEST(test_steps_that_are_missing),
	TEST(test_edges),
	TEST(test_a_stranger_is_not_counted),
};

int main(int argc, char **argv)
{
	return CHECK_MAIN(argc, argv, tests);
}
