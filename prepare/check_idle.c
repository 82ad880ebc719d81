/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check_idle.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clip.h"
#include "placement.h"
#include "playout/timebase.h"
#include "stack.h"

#define IDLE_MS_MAX 60000
/* Differences below are noise, in values of luma. */
#define NOISE 0.8
/* Lips move where the mouth's place changes so many times as much as the place above it, … */
#define TIMES_ABOVE 2.0
/* … and so many times as much as in the clip's median second, unless they always move. */
#define TIMES_MEDIAN 3.0
/* The loop jumps if its seam is so many times what all but a few steps are. */
#define TIMES_STEP      2.0
#define JUMP            2.0
#define STEP_PERCENTILE 95

struct area {
	int left, top, right, bottom;
};

struct second {
	double mouth, above; /* sums of steps' mean differences, then their means */
	int steps;
};

struct check {
	struct dh_fault *fault;
	struct dh_clip *clip;
	int width, height;
	const struct dh_background *background;
	struct area mouth, above, all;
	uint8_t *first, *last, *luma; /* what is seen */
	double *steps;                /* between pictures */
	int steps_count;
	struct second *seconds;
	int seconds_count;
};

void dh_mouth_init(struct dh_mouth_place *mouth)
{
	*mouth = (struct dh_mouth_place){ 30, 50, 40, 30 };
}

int dh_mouth_parse(struct dh_mouth_place *m, const char *text, struct dh_fault *fault)
{
	int used = 0;
	if (sscanf(text, "%d,%d,%dx%d%n", &m->x, &m->y, &m->width, &m->height, &used) == 4 && !text[used] &&
		m->x >= 0 && m->width > 0 && m->x <= 100 - m->width && m->height > 0 && m->y >= m->height &&
		m->y <= 100 - m->height)
		return 0;
	return dh_fault_set(fault, DH_PREPARE_USAGE,
		"--mouth is %s, expected X,Y,WxH in per cent, within the picture and with as much space above, "
		"as in 30,50,40x30",
		text);
}

/* --- measuring */

static struct area area_of(const struct check *c, int x, int y, int width, int height)
{
	return (struct area){ c->width * x / 100, c->height * y / 100, c->width * (x + width) / 100,
		c->height * (y + height) / 100 };
}

/* The mean difference of two pictures there. */
static double difference(const struct check *c, const struct area *area, const uint8_t *a, const uint8_t *b)
{
	int64_t sum = 0, count = (int64_t)(area->right - area->left) * (area->bottom - area->top);
	for (int y = area->top; y < area->bottom; y++) {
		size_t row = (size_t)y * (size_t)c->width;
		for (int x = area->left; x < area->right; x++)
			sum += abs(a[row + (size_t)x] - b[row + (size_t)x]);
	}
	return count > 0 ? (double)sum / (double)count : 0;
}

static void take_step(struct check *c, const uint8_t *luma, int64_t at_ticks)
{
	int s = (int)(at_ticks / DH_TICKS_PER_SECOND);
	if (s >= c->seconds_count)
		s = c->seconds_count - 1;
	c->steps[c->steps_count++] = difference(c, &c->all, luma, c->last);
	c->seconds[s].mouth += difference(c, &c->mouth, luma, c->last);
	c->seconds[s].above += difference(c, &c->above, luma, c->last);
	c->seconds[s].steps++;
}

static int measure(struct check *c)
{
	size_t size = (size_t)c->width * (size_t)c->height;
	int coded_height = dh_background_coded_height(c->background, c->height);
	int64_t at_ticks = 0;
	int code = 0;
	for (int i = 0; i < dh_clip_count(c->clip) && !code; i++) {
		const uint8_t *i420;
		code = dh_clip_picture(c->clip, i, 1, &i420, c->fault);
		if (code)
			break;
		dh_stack_luma(i420, c->width, coded_height, c->background->is_clear, c->luma);
		if (i == 0)
			memcpy(c->first, c->luma, size);
		else
			take_step(c, c->luma, at_ticks);
		memcpy(c->last, c->luma, size);
		at_ticks += dh_clip_duration(c->clip, i);
	}
	for (int s = 0; s < c->seconds_count; s++) {
		c->seconds[s].mouth /= c->seconds[s].steps ? c->seconds[s].steps : 1;
		c->seconds[s].above /= c->seconds[s].steps ? c->seconds[s].steps : 1;
	}
	return code;
}

/* --- judging */

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* Sorts `values`. */
static double percentile(double *values, int count, int per_cent)
{
	if (count == 0)
		return 0;
	qsort(values, (size_t)count, sizeof *values, by_value);
	return values[(count - 1) * per_cent / 100];
}

static bool moves(double mouth, double above)
{
	return mouth >= NOISE && mouth > TIMES_ABOVE * above;
}

struct medians {
	double mouth, above;
};

static int find_medians(const struct check *c, struct medians *medians)
{
	double *values = calloc((unsigned)c->seconds_count, sizeof *values);
	if (!values)
		return dh_fault_memory(c->fault);
	for (int s = 0; s < c->seconds_count; s++)
		values[s] = c->seconds[s].mouth;
	medians->mouth = percentile(values, c->seconds_count, 50);
	for (int s = 0; s < c->seconds_count; s++)
		values[s] = c->seconds[s].above;
	medians->above = percentile(values, c->seconds_count, 50);
	free(values);
	return 0;
}

static void tell_lips(const struct check *c, int from, int to)
{
	double mouth = 0, above = 0;
	for (int s = from; s < to; s++) {
		mouth += c->seconds[s].mouth / (to - from);
		above += c->seconds[s].above / (to - from);
	}
	printf("lips:  they move from second %d to %d: the mouth's place changes by %.1f a picture, the place above by "
	       "%.1f\n",
		from, to, mouth, above);
}

static bool judge_lips(const struct check *c, const struct medians *medians)
{
	bool always = moves(medians->mouth, medians->above), any = false;
	int begun = -1;
	for (int s = 0; s <= c->seconds_count; s++) {
		const struct second *at = &c->seconds[s];
		bool is_moving = s < c->seconds_count && moves(at->mouth, at->above) &&
			(always || at->mouth > TIMES_MEDIAN * medians->mouth);
		if (is_moving && begun < 0)
			begun = s;
		if (is_moving || begun < 0)
			continue;
		tell_lips(c, begun, s);
		any = true;
		begun = -1;
	}
	if (!any)
		printf("lips:  still\n");
	return any;
}

static bool judge_loop(const struct check *c)
{
	double seam = difference(c, &c->all, c->last, c->first);
	double step = percentile(c->steps, c->steps_count, STEP_PERCENTILE);
	bool jumps = c->steps_count > 0 && seam >= JUMP && seam > TIMES_STEP * step;
	printf("loop:  %s: its last picture differs from its first by %.1f, %d %% of the others from the next by at "
	       "most %.1f\n",
		jumps ? "it jumps" : "smooth", seam, STEP_PERCENTILE, step);
	return jumps;
}

/* --- */

static int open_check(struct check *c, const struct dh_mouth_place *m)
{
	int64_t ticks = 0;
	int count = dh_clip_count(c->clip);
	dh_clip_size(c->clip, &c->width, &c->height);
	for (int i = 0; i < count; i++)
		ticks += dh_clip_duration(c->clip, i);
	/* a rest of less than half a second belongs to the second before */
	c->seconds_count = (int)((ticks + DH_TICKS_PER_SECOND / 2) / DH_TICKS_PER_SECOND);
	if (c->seconds_count < 1)
		c->seconds_count = 1;
	c->mouth = area_of(c, m->x, m->y, m->width, m->height);
	c->above = area_of(c, m->x, m->y - m->height, m->width, m->height);
	c->all = area_of(c, 0, 0, 100, 100);
	c->first = malloc((size_t)c->width * (size_t)c->height);
	c->last = malloc((size_t)c->width * (size_t)c->height);
	c->luma = malloc((size_t)c->width * (size_t)c->height);
	c->steps = calloc((size_t)count, sizeof *c->steps);
	/* one more, which stays empty */
	c->seconds = calloc((size_t)c->seconds_count + 1, sizeof *c->seconds);
	return c->first && c->last && c->luma && c->steps && c->seconds ? 0 : dh_fault_memory(c->fault);
}

int dh_check_idle(const struct dh_task *task, const struct dh_mouth_place *mouth, struct dh_fault *fault)
{
	struct check c = { .fault = fault, .background = &task->background };
	struct dh_task shorter = *task;
	struct medians medians = { 0 };
	if (shorter.max_ms > IDLE_MS_MAX)
		shorter.max_ms = IDLE_MS_MAX;
	int code = dh_clip_alloc(&c.clip, &shorter, 0, false, NULL, fault);
	if (!code)
		code = open_check(&c, mouth);
	if (!code)
		code = measure(&c);
	if (!code)
		code = find_medians(&c, &medians);
	if (!code) {
		bool lips = judge_lips(&c, &medians), jumps = !task->pingpong && judge_loop(&c);
		code = lips || jumps ? DH_PREPARE_FOUND : 0;
	}
	dh_clip_free(&c.clip);
	free(c.first);
	free(c.last);
	free(c.luma);
	free(c.steps);
	free(c.seconds);
	return code;
}
