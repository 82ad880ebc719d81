/* What the tests that use a stage have in common. */
#ifndef STAGE_CHECK_H
#define STAGE_CHECK_H

#include "check.h"
#include "stage.h"

static const int64_t start = 1000 * DH_TICKS_PER_SECOND + 4711;
static struct stage stage;

/* 25 fps speech of 1 s with its own picture; 'i' is the anchor of all here. */
#define SPEECH(name, letter) { name, letter, 'i', 1000, 25, 1, 10, 1000, -1 }

static void check_viewers(void)
{
	for (int i = 0; i < stage.viewer_count; i++) {
		const struct stage_viewer *v = stage.viewers[i];
		CHECK(!v->wrong, "viewer %d: %s", i, v->why);
		CHECK_INT(v->broken, 0);
	}
}

/* Runs on, checks every viewer, frees. */
static void finish_after(int64_t ms)
{
	stage_run(&stage, stage.now + ms * MS);
	check_viewers();
	stage_close(&stage);
}

static int64_t media_ms(int64_t ms)
{
	return start + ms * MS;
}

#endif
