/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "clip.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "picture.h"
#include "playout/timebase.h"
#include "source.h"
#include "stack.h"
#include "task_media.h"

#define CACHE_BYTES (192u * 1024 * 1024)
#define FRAMES_MAX  (60 * 60 + 60)
/* Candidates for the medoid: comparing all pictures would take quadratic time. */
#define CANDIDATES_MAX 600

struct entry {
	int64_t pts_ticks, duration_ticks;
	uint8_t luma[DH_LUMA_BYTES];
};

struct dh_clip {
	struct dh_task task;
	int input;
	bool first_only;
	int width, height;
	int coded_height; /* with its matte */
	int64_t rate_num, rate_den;
	struct entry *entries;
	int count, capacity;
	int damaged;
	bool is_cut;
	struct dh_picture *picture;
	struct dh_mark_place place; /* of a mark, whose corner is all there is of it */
	uint8_t *uncut;             /* of a background: I420 of uncut_width x uncut_height */
	int uncut_width, uncut_height;
	/* I420 of the frames from cache_first on */
	uint8_t **cache;
	int cache_first, cache_count, cache_capacity;
	/* where a pass has stopped that may go on; NULL: there is none */
	struct dh_source *source;
	int next;           /* the number of its next frame */
	int64_t last_ticks; /* pts of the one before */
};

static int add_entry(struct dh_clip *c, const struct dh_frame *frame, const uint8_t *i420, struct dh_fault *fault)
{
	const char *name = c->task.inputs[c->input].name;
	if (c->count == FRAMES_MAX ||
		(c->count > 0 &&
			frame->pts_ticks + frame->duration_ticks - c->entries[0].pts_ticks >
				c->task.max_ms * DH_TICKS_PER_MS))
		return dh_fault_set(fault, DH_PREPARE_LIMIT,
			"%s is longer than an idle clip may be: %d ms and %d pictures", name, c->task.max_ms,
			FRAMES_MAX);
	if (c->count == c->capacity) {
		int capacity = c->capacity * 2 + 64;
		struct entry *entries = realloc(c->entries, (size_t)capacity * sizeof *entries);
		if (!entries)
			return dh_fault_memory(fault);
		c->entries = entries;
		c->capacity = capacity;
	}
	struct entry *e = &c->entries[c->count++];
	e->pts_ticks = frame->pts_ticks;
	e->duration_ticks = frame->duration_ticks;
	dh_stack_thumbnail(i420, c->width, c->coded_height, c->task.background.is_clear, e->luma);
	return 0;
}

/* A background covers the whole picture, so that it is converted larger, and cut. */
static int set_up_uncut(struct dh_clip *c, const struct dh_frame *frame, struct dh_fault *fault)
{
	const AVFrame *av = frame->av;
	dh_picture_cover(av->width, av->height, av->sample_aspect_ratio.num, av->sample_aspect_ratio.den, &frame->turn,
		c->width, c->height, &c->uncut_width, &c->uncut_height);
	c->uncut = malloc(dh_picture_size(c->uncut_width, c->uncut_height));
	if (!c->uncut)
		return dh_fault_memory(fault);
	return dh_picture_alloc(&c->picture, c->uncut_width, c->uncut_height, &c->task.background, NULL, fault);
}

/* Called with the first frame, when the size is known. */
static int set_up(struct dh_clip *c, const struct dh_source *source, const struct dh_frame *frame,
	struct dh_fault *fault)
{
	dh_task_size(&c->task, frame, &c->width, &c->height);
	if (c->task.kind == DH_TASK_MARK) {
		c->place = dh_mark_place(c->width, c->height);
		c->width = c->place.width;
		c->height = c->place.height;
	}
	c->task.width = c->width;
	c->task.height = c->height;
	c->coded_height = dh_background_coded_height(&c->task.background, c->height);
	dh_source_rate(source, &c->rate_num, &c->rate_den);
	c->cache_capacity = (int)(CACHE_BYTES / dh_picture_size(c->width, c->coded_height));
	if (c->cache_capacity > FRAMES_MAX)
		c->cache_capacity = FRAMES_MAX;
	c->cache = calloc((size_t)c->cache_capacity, sizeof *c->cache);
	if (!c->cache)
		return dh_fault_memory(fault);
	if (c->task.kind == DH_TASK_BACKGROUND)
		return set_up_uncut(c, frame, fault);
	return dh_picture_alloc(&c->picture, c->width, c->height, &c->task.background, &c->task.mark, fault);
}

static void drop_cache(struct dh_clip *c)
{
	for (int i = 0; i < c->cache_count; i++)
		free(c->cache[i]);
	c->cache_count = 0;
}

/* The middle of a plane. */
static void cut_plane(const uint8_t *from, int from_width, int from_height, uint8_t *to, int width, int height)
{
	from += (size_t)((from_height - height) / 2) * from_width + (from_width - width) / 2;
	for (int y = 0; y < height; y++)
		memcpy(to + (size_t)y * width, from + (size_t)y * from_width, (size_t)width);
}

static int convert_mark(struct dh_clip *c, const struct dh_frame *frame, uint8_t *i420, struct dh_fault *fault)
{
	const AVFrame *av = frame->av;
	const struct dh_rect rect = dh_mark_rect(av->width, av->height, av->sample_aspect_ratio.num,
		av->sample_aspect_ratio.den, &frame->turn, &c->place, c->task.mark.at);
	int code = dh_picture_place(c->picture, av, &frame->turn, &rect, i420, fault);
	if (!code && dh_mark_is_empty(i420, &c->place))
		code = dh_fault_set(fault, DH_PREPARE_EMPTY,
			"%s is transparent everywhere, so that it would mark nothing", c->task.inputs[c->input].name);
	return code;
}

static int convert(struct dh_clip *c, const struct dh_frame *frame, uint8_t *i420, struct dh_fault *fault)
{
	if (c->task.kind == DH_TASK_MARK)
		return convert_mark(c, frame, i420, fault);
	if (!c->uncut)
		return dh_picture_convert(c->picture, frame->av, &frame->turn, i420, fault);
	int code = dh_picture_convert(c->picture, frame->av, &frame->turn, c->uncut, fault);
	const uint8_t *from = c->uncut;
	for (int i = 0; i < 3 && !code; i++) {
		int half = i > 0, w = c->uncut_width >> half, h = c->uncut_height >> half;
		cut_plane(from, w, h, i420, c->width >> half, c->height >> half);
		from += (size_t)w * h;
		i420 += (size_t)(c->width >> half) * (c->height >> half);
	}
	return code;
}

/* Takes one decoded frame, number `n` of the input. */
static int take(struct dh_clip *c, const struct dh_frame *frame, int n, bool is_scan, struct dh_fault *fault)
{
	int code = c->picture ? 0 : set_up(c, c->source, frame, fault);
	bool is_wanted = n == c->cache_first + c->cache_count && c->cache_count < c->cache_capacity;
	if (code || (!is_scan && !is_wanted))
		return code;
	uint8_t *i420 = malloc(dh_picture_size(c->width, c->coded_height));
	if (!i420)
		return dh_fault_memory(fault);
	code = convert(c, frame, i420, fault);
	if (!code && is_scan)
		code = add_entry(c, frame, i420, fault);
	if (!code && is_wanted)
		c->cache[c->cache_count++] = i420;
	else
		free(i420);
	return code;
}

/* Goes on where the last pass has stopped, unless that is behind `first`. */
static int open_source(struct dh_clip *c, int first, struct dh_fault *fault)
{
	struct dh_source_config config = dh_task_source(&c->task, c->input, DH_WANT_VIDEO);
	if (c->source && c->next <= first)
		return 0;
	dh_source_free(&c->source);
	c->next = 0;
	c->last_ticks = INT64_MIN;
	return dh_source_alloc(&c->source, &config, fault);
}

/* Reads the input. The first pass also collects the entries; later ones only fill the
 * cache from `first` on. */
static int pass(struct dh_clip *c, int first, const struct dh_progress *progress, struct dh_fault *fault)
{
	bool is_scan = c->count == 0, may_go_on = false;
	int code = open_source(c, first, fault);
	drop_cache(c);
	c->cache_first = first;
	while (!code && !may_go_on) {
		struct dh_frame frame;
		code = dh_source_next(c->source, &frame, fault);
		if (code || !frame.av)
			break;
		if (frame.pts_ticks <= c->last_ticks)
			continue;
		c->last_ticks = frame.pts_ticks;
		code = take(c, &frame, c->next++, is_scan, fault);
		if (!code && progress && progress->report)
			progress->report(progress->arg, 0, dh_source_stated_ticks(c->source), c->next);
		if (c->first_only)
			break;
		may_go_on = !code && !is_scan && c->cache_count == c->cache_capacity;
	}
	if (c->source && is_scan) {
		c->damaged = dh_source_damaged(c->source);
		c->is_cut = dh_source_is_cut(c->source);
	}
	if (!may_go_on)
		dh_source_free(&c->source);
	return code;
}

/* Each picture lasts until the next. */
static void set_durations(struct dh_clip *c)
{
	for (int i = 0; i + 1 < c->count; i++)
		c->entries[i].duration_ticks = c->entries[i + 1].pts_ticks - c->entries[i].pts_ticks;
	struct entry *last = &c->entries[c->count - 1];
	if (last->duration_ticks <= 0)
		last->duration_ticks = c->count > 1 ? last[-1].duration_ticks : 40 * DH_TICKS_PER_MS;
}

int dh_clip_alloc(struct dh_clip **clip, const struct dh_task *task, int input, bool first_only,
	const struct dh_progress *progress, struct dh_fault *fault)
{
	struct dh_clip *c = calloc(1, sizeof *c);
	if (!c)
		return dh_fault_memory(fault);
	c->task = *task;
	c->task.anchor = NULL; /* the background's picture and the mark stay the caller's */
	c->input = input;
	c->first_only = first_only;
	int code = pass(c, 0, progress, fault);
	if (!code && c->count == 0)
		code = dh_fault_set(fault, c->damaged ? DH_PREPARE_FORMAT : DH_PREPARE_EMPTY, "%s has no picture%s",
			task->inputs[input].name, c->damaged ? " that can be decoded" : "");
	if (code) {
		dh_clip_free(&c);
		return code;
	}
	set_durations(c);
	*clip = c;
	return 0;
}

void dh_clip_free(struct dh_clip **clip)
{
	struct dh_clip *c = *clip;
	*clip = NULL;
	if (!c)
		return;
	drop_cache(c);
	dh_source_free(&c->source);
	free(c->cache);
	free(c->uncut);
	free(c->entries);
	dh_picture_free(&c->picture);
	free(c);
}

void dh_clip_size(const struct dh_clip *c, int *width, int *height)
{
	*width = c->width;
	*height = c->height;
}

int dh_clip_count(const struct dh_clip *c)
{
	return c->count;
}

void dh_clip_rate(const struct dh_clip *c, int64_t *num, int64_t *den)
{
	*num = c->rate_num;
	*den = c->rate_den;
	if (c->rate_num > c->rate_den * c->task.fps_max) {
		*num = 0;
		*den = 1;
	}
}

int64_t dh_clip_duration(const struct dh_clip *c, int frame)
{
	return c->entries[frame].duration_ticks;
}

static unsigned distance(const uint8_t *a, const uint8_t *b)
{
	unsigned sum = 0;
	for (int i = 0; i < DH_LUMA_BYTES; i++)
		sum += (unsigned)abs(a[i] - b[i]);
	return sum;
}

int dh_clip_medoid(const struct dh_clip *c)
{
	int step = (c->count + CANDIDATES_MAX - 1) / CANDIDATES_MAX, best = 0;
	uint64_t least = UINT64_MAX;
	for (int i = 0; i < c->count; i += step) {
		uint64_t sum = 0;
		for (int k = 0; k < c->count; k += step)
			sum += distance(c->entries[i].luma, c->entries[k].luma);
		if (sum < least) {
			least = sum;
			best = i;
		}
	}
	return best;
}

static bool is_cached(const struct dh_clip *c, int frame)
{
	return frame >= c->cache_first && frame < c->cache_first + c->cache_count;
}

int dh_clip_picture(struct dh_clip *c, int frame, int step, const uint8_t **i420, struct dh_fault *fault)
{
	const struct dh_task_input *input = &c->task.inputs[c->input];
	struct stat st;
	if (!is_cached(c, frame)) {
		if (fstat(input->fd, &st) < 0 || !S_ISREG(st.st_mode))
			return dh_fault_set(fault, DH_PREPARE_INPUT,
				"%s is too long for an idle clip from a pipe (%d pictures of this size fit): "
				"pass it as a file",
				input->name, c->cache_capacity);
		int first = step > 0 ? frame : frame - c->cache_capacity + 1;
		int code = pass(c, first > 0 ? first : 0, NULL, fault);
		if (code)
			return code;
	}
	if (!is_cached(c, frame))
		return dh_fault_set(fault, DH_PREPARE_INPUT, "%s changed while it was read", input->name);
	*i420 = c->cache[frame - c->cache_first];
	return 0;
}

int dh_clip_notes(const struct dh_clip *c, struct dh_output *output, bool *is_cut)
{
	const char *name = dh_task_input_name(&c->task, c->input);
	const struct entry *last = &c->entries[c->count - 1];
	int code = 0;
	if (c->damaged)
		code = dh_output_note(output, "damaged", "%s: %d damaged packet%s skipped", name, c->damaged,
			c->damaged > 1 ? "s" : "");
	if (code || !c->is_cut)
		return code;
	*is_cut = true;
	return dh_output_note(output, "cut_short",
		"%s was cut short: it ends after %lld ms, in the middle of its container", name,
		(long long)dh_ms_from_ticks(last->pts_ticks + last->duration_ticks - c->entries[0].pts_ticks));
}
