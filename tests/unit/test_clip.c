/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Clips that are too long for memory: which pictures there are, and how often the input is decoded for them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/support/check.h"
#include "prepare/clip.h"
#include "prepare/source.h"

#define SIDE     16
#define LARGE    2304 /* so that 25 fit */
#define PICTURES 60

/* Counts decoded pictures: the linker sends all calls through this (-Wl,--wrap=dh_source_next). */
static int decoded;

int __real_dh_source_next(struct dh_source *source, struct dh_frame *frame, struct dh_fault *fault);
int __wrap_dh_source_next(struct dh_source *source, struct dh_frame *frame, struct dh_fault *fault);

int __wrap_dh_source_next(struct dh_source *source, struct dh_frame *frame, struct dh_fault *fault)
{
	int code = __real_dh_source_next(source, frame, fault);
	decoded += !code && frame->av;
	return code;
}

static int luma_of(int picture)
{
	return 40 + 3 * picture;
}

/* Y4M, each picture of one grey. */
static int make_input(void)
{
	static const char head[] = "YUV4MPEG2 W16 H16 F25:1 Ip A1:1 C420jpeg\n";
	int fd = memfd_create("clip", MFD_CLOEXEC);
	CHECK_INT(write(fd, head, strlen(head)), strlen(head));
	for (int i = 0; i < PICTURES; i++) {
		uint8_t picture[SIDE * SIDE * 3 / 2];
		memset(picture, 128, sizeof picture);
		memset(picture, luma_of(i), SIDE * SIDE);
		CHECK_INT(write(fd, "FRAME\n", 6), 6);
		CHECK_INT(write(fd, picture, sizeof picture), sizeof picture);
	}
	return fd;
}

static struct dh_clip *open_clip(struct dh_task *task)
{
	struct dh_fault fault = { 0 };
	struct dh_clip *clip;
	dh_task_init(task);
	task->kind = DH_TASK_IDLE;
	task->width = task->height = LARGE;
	task->inputs_count = 1;
	task->inputs[0].fd = make_input();
	snprintf(task->inputs[0].name, sizeof task->inputs[0].name, "clip.y4m");
	CHECK_INT(dh_clip_alloc(&clip, task, 0, false, NULL, &fault), 0);
	CHECK_INT(dh_clip_count(clip), PICTURES);
	return clip;
}

static void close_clip(struct dh_clip *clip, struct dh_task *task)
{
	close(task->inputs[0].fd);
	dh_clip_free(&clip);
	dh_task_clear(task);
}

static void check_picture(struct dh_clip *clip, int picture, int step)
{
	struct dh_fault fault = { 0 };
	const uint8_t *i420;
	int code = dh_clip_picture(clip, picture, step, &i420, &fault);
	CHECK(code == 0, "%d: %s", code, fault.text);
	CHECK(abs(i420[LARGE * LARGE / 2] - luma_of(picture)) <= 1, "%d instead of %d", i420[LARGE * LARGE / 2],
		luma_of(picture));
}

/* In their order, all are decoded once more at most, however many do not fit. */
static void test_forwards(void)
{
	struct dh_task task;
	decoded = 0;
	struct dh_clip *clip = open_clip(&task);
	CHECK_INT(decoded, PICTURES);
	for (int i = 0; i < PICTURES; i++)
		check_picture(clip, i, 1);
	CHECK(decoded <= 2 * PICTURES, "%d", decoded);
	close_clip(clip, &task);
}

/* In any order, and back. */
static void test_anywhere(void)
{
	static const int pictures[] = { 30, 0, 24, 25, 59, 58, 1, 26, 51, 27 };
	struct dh_task task;
	struct dh_clip *clip = open_clip(&task);
	for (size_t i = 0; i < sizeof pictures / sizeof *pictures; i++)
		check_picture(clip, pictures[i], 1);
	for (int i = PICTURES - 1; i >= 0; i -= 7)
		check_picture(clip, i, -1);
	close_clip(clip, &task);
}

static const struct check_test tests[] = {
	TEST(test_forwards),
	TEST(test_anywhere),
};

int main(int argc, char **argv)
{
	return CHECK_MAIN(argc, argv, tests);
}
