/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "segment.h"

#include <stdbool.h>
#include <stdlib.h>

#include "early_frames.h"
#include "joint.h"
#include "playout/timebase.h"
#include "segment_inputs.h"
#include "segment_pictures.h"
#include "sound.h"
#include "task_media.h"

/* A medium that is so far behind the other may have ended, and would hold the other
 * back until the end of the input. */
#define BEHIND_TICKS DH_TICKS_PER_SECOND

struct segment {
	const struct dh_task *task;
	struct dh_output *output;
	const struct dh_progress *progress;
	struct dh_fault *fault;
	struct dh_segment_inputs in;
	struct dh_task_words words;
	struct dh_early_frames early; /* before the start */
	bool is_started;
	int64_t origin_ticks[2];  /* by medium: the source's time that becomes 0 */
	int64_t reached_ticks[2]; /* by medium: end of the last frame */
	bool has_begun[2];
	struct dh_segment_pictures pictures;
	struct dh_sound *sound;
	struct dh_joint *joint; /* the sound waits for the one before it; NULL: it does not */
	bool has_ended[2];      /* by medium: all its units are written */
	struct dh_stream_end end;
};

static const char *name_of(const struct segment *s, enum dh_media media)
{
	return s->task->inputs[s->in.of[media] < 0 ? 0 : s->in.of[media]].name;
}

/* --- frames */

static void report(const struct segment *s)
{
	int64_t total = 0, done = 0;
	for (int media = 0; media < 2; media++) {
		if (s->in.of[media] < 0)
			continue;
		int64_t stated = dh_source_stated_ticks(s->in.sources[s->in.of[media]]);
		total = stated > total ? stated : total;
		done = s->reached_ticks[media] > done ? s->reached_ticks[media] : done;
	}
	if (s->progress->report)
		s->progress->report(s->progress->arg, done, total, s->pictures.count);
}

static int check_length(const struct segment *s, enum dh_media media)
{
	if (s->reached_ticks[media] <= s->task->max_ms * DH_TICKS_PER_MS)
		return 0;
	return dh_fault_set(s->fault, DH_PREPARE_LIMIT, "%s is longer than the accepted %d ms", name_of(s, media),
		s->task->max_ms);
}

static bool is_still(const struct segment *s)
{
	return s->pictures.film && dh_source_is_still(s->in.sources[s->in.of[DH_VIDEO]]);
}

/* Whether the sound can go on. */
static int look_for_lead(struct segment *s, bool must_end)
{
	int64_t most_ticks = DH_JOINT_AHEAD_MS * DH_TICKS_PER_MS;
	bool is_over = false,
	     is_far = s->reached_ticks[DH_AUDIO] >= most_ticks || s->reached_ticks[DH_VIDEO] >= most_ticks;
	int code = s->joint ? dh_joint_look(s->joint, must_end || is_far, &is_over, s->fault) : 0;
	if (is_over)
		dh_joint_free(&s->joint);
	return code;
}

static int take_sound(struct segment *s, const struct dh_frame *frame, int64_t pts_ticks)
{
	int code = s->joint ? dh_joint_hold(s->joint, frame->av, pts_ticks, s->fault) :
			      dh_sound_push(s->sound, frame->av, pts_ticks, s->fault);
	if (!code && is_still(s))
		code = dh_segment_pictures_repeat(&s->pictures, s->reached_ticks[DH_AUDIO], s->fault);
	return code ? code : dh_output_horizon(s->output, DH_AUDIO, dh_sound_emitted_ticks(s->sound));
}

static int take(struct segment *s, const struct dh_frame *frame)
{
	/* it started too late to be in the head, or again after its end */
	if (!s->has_begun[frame->media] || s->has_ended[frame->media])
		return 0;
	if (s->origin_ticks[frame->media] == INT64_MAX)
		s->origin_ticks[frame->media] = frame->pts_ticks;
	int64_t pts_ticks = frame->pts_ticks - s->origin_ticks[frame->media];
	if (s->reached_ticks[frame->media] < pts_ticks + frame->duration_ticks)
		s->reached_ticks[frame->media] = pts_ticks + frame->duration_ticks;
	int code = check_length(s, frame->media);
	if (!code)
		code = look_for_lead(s, false);
	if (code)
		return code;
	report(s);
	if (frame->media == DH_AUDIO)
		return take_sound(s, frame, pts_ticks);
	return dh_segment_pictures_take(&s->pictures, frame, pts_ticks, s->reached_ticks[DH_VIDEO], s->fault);
}

static int write_words(struct segment *s)
{
	if (s->in.words_of < 0)
		return 0;
	int64_t origin_ticks = s->origin_ticks[s->in.of[DH_VIDEO] == s->in.words_of ? DH_VIDEO : DH_AUDIO];
	if (origin_ticks == INT64_MAX)
		return 0;
	return dh_write_words(s->output, s->in.sources[s->in.words_of], origin_ticks, &s->words);
}

/* --- start */

static int keep(struct segment *s, const struct dh_frame *frame)
{
	s->has_begun[frame->media] = true;
	return dh_early_frames_keep(&s->early, frame, s->fault);
}

static bool can_start(const struct segment *s)
{
	if (dh_early_frames_is_full(&s->early))
		return true;
	for (int media = 0; media < 2; media++)
		if (s->in.of[media] >= 0 && !s->has_begun[media] &&
			dh_source_has(s->in.sources[s->in.of[media]], media))
			return false;
	return true;
}

/* In one input, the earlier of picture and sound becomes time 0 and both keep their
 * distance; two inputs start together. */
static void set_origin(struct segment *s)
{
	for (int media = 0; media < 2; media++) {
		const struct dh_frame *first = dh_early_frames_first(&s->early, media);
		s->origin_ticks[media] = first ? first->pts_ticks : INT64_MAX;
	}
	if (s->task->inputs_count == 1) {
		int64_t a = s->origin_ticks[DH_AUDIO], v = s->origin_ticks[DH_VIDEO];
		s->origin_ticks[DH_AUDIO] = s->origin_ticks[DH_VIDEO] = a < v ? a : v;
	}
}

/* It lasts as long as its sound, if it has any. */
static int64_t stated_ticks(const struct segment *s, enum dh_media media)
{
	int64_t ticks = dh_source_stated_ticks(s->in.sources[s->in.of[media]]);
	return ticks > s->task->max_ms * DH_TICKS_PER_MS ? 0 : ticks;
}

static int start(struct segment *s)
{
	struct dh_stream_head head = { .rate_den = 1 };
	const struct dh_video *video;
	int code = 0;
	s->is_started = true;
	set_origin(s);
	/* sound that has not come yet may still come */
	s->has_begun[DH_AUDIO] |= s->in.of[DH_AUDIO] >= 0 && dh_source_has(s->in.sources[s->in.of[DH_AUDIO]], DH_AUDIO);
	if (s->has_begun[DH_VIDEO])
		code = dh_segment_pictures_start(&s->pictures, s->task, s->in.sources[s->in.of[DH_VIDEO]],
			dh_early_frames_first(&s->early, DH_VIDEO), s->output, &head, s->fault);
	head.has_audio = s->has_begun[DH_AUDIO];
	if (!code && head.has_audio)
		code = dh_sound_alloc(&s->sound, s->task->audio_kbps, dh_output_unit, s->output, s->fault);
	if (!code && head.has_audio && s->task->tail_fd >= 0)
		dh_sound_followed(s->sound);
	if (!code && head.has_audio && s->task->lead_fd >= 0)
		code = dh_joint_alloc(&s->joint, s->task->lead_fd, s->sound, s->output, s->fault);
	if (code)
		return code;
	head.stated_ticks = stated_ticks(s, head.has_audio ? DH_AUDIO : DH_VIDEO);
	video = s->pictures.film ? dh_film_video(s->pictures.film) : NULL;
	dh_describe(&head, s->task, video);
	code = dh_output_head(s->output, &head, video, NULL);
	for (int media = 0; media < 2 && !code; media++)
		if (!s->has_begun[media])
			code = dh_output_horizon(s->output, media, DH_UNIT_ORDER_NEVER);
	for (int i = 0; i < s->early.count && !code; i++)
		code = take(s, &s->early.frames[i]);
	dh_early_frames_clear(&s->early);
	return code;
}

/* --- end */

static int end_sound(struct segment *s)
{
	struct dh_tail tail;
	int code = look_for_lead(s, true);
	if (!code)
		code = dh_sound_end(s->sound, &s->end.audio_ticks, s->fault);
	if (!code && s->task->tail_fd >= 0 && dh_sound_tail(s->sound, &tail))
		dh_tail_write(&tail, s->task->tail_fd);
	return code;
}

/* Writes the last units of a medium. */
static int end_medium(struct segment *s, enum dh_media media)
{
	int code = 0;
	if (s->has_ended[media])
		return 0;
	s->has_ended[media] = true;
	if (media == DH_VIDEO && s->pictures.film)
		code = dh_film_end(s->pictures.film, &s->end.video_ticks);
	if (media == DH_AUDIO && s->sound)
		code = end_sound(s);
	return code ? code : dh_output_horizon(s->output, media, DH_UNIT_ORDER_NEVER);
}

static int end_media(struct segment *s)
{
	int code = 0;
	for (int media = 0; media < 2 && !code; media++)
		if (s->in.of[media] >= 0 && !dh_source_has(s->in.sources[s->in.of[media]], media) &&
			!(media == DH_VIDEO && is_still(s)))
			code = end_medium(s, media);
	return code;
}

/* Checks whether a medium that is far behind the other has ended. */
static int look_ahead(struct segment *s, const struct dh_frame *frame)
{
	enum dh_media other = frame->media == DH_AUDIO ? DH_VIDEO : DH_AUDIO;
	if (s->in.of[other] != s->in.of[frame->media] ||
		s->reached_ticks[frame->media] - s->reached_ticks[other] < BEHIND_TICKS)
		return 0;
	return dh_source_look_ahead(s->in.sources[s->in.of[other]], other, s->fault);
}

static int note_all(struct segment *s)
{
	int code = 0, mended = s->sound ? dh_sound_mended(s->sound) : 0;
	for (int i = 0; i < s->task->inputs_count && !code; i++) {
		int64_t reached = s->in.words_of == i ? s->words.end_ticks : 0;
		for (int media = 0; media < 2; media++)
			if (s->in.of[media] == i && s->reached_ticks[media] > reached)
				reached = s->reached_ticks[media];
		code = dh_note_source(s->output, dh_task_input_name(s->task, i), s->in.sources[i], reached,
			&s->end.is_incomplete);
	}
	for (int media = 0; media < 2 && !code; media++)
		if (s->in.of[media] >= 0 && !s->has_begun[media])
			code = dh_output_note(s->output, "not_decoded", "%s: none of its %s can be decoded",
				dh_task_input_name(s->task, s->in.of[media]), media == DH_VIDEO ? "video" : "audio");
	if (!code && mended)
		code = dh_output_note(s->output, "sound_gaps", "%s: its sound had %d gap%s or overlap%s",
			dh_task_input_name(s->task, s->in.of[DH_AUDIO]), mended, mended > 1 ? "s" : "",
			mended > 1 ? "s" : "");
	if (!code && s->sound && dh_sound_was_inverted(s->sound))
		code = dh_output_note(s->output, "inverted_stereo",
			"%s: its two channels are each other's negative, so one of them was taken",
			dh_task_input_name(s->task, s->in.of[DH_AUDIO]));
	return code ? code : dh_note_film(s->output, s->pictures.film);
}

static int finish(struct segment *s)
{
	int code = end_medium(s, DH_VIDEO);
	if (!code)
		code = end_medium(s, DH_AUDIO);
	if (!code)
		code = note_all(s);
	return code ? code : dh_output_end(s->output, &s->end);
}

static int nothing_at_all(struct segment *s)
{
	int damaged = 0;
	for (int i = 0; i < s->task->inputs_count; i++)
		damaged += dh_source_damaged(s->in.sources[i]);
	if (damaged)
		return dh_fault_set(s->fault, DH_PREPARE_FORMAT, "%s: none of it can be decoded",
			s->task->inputs[0].name);
	return dh_fault_set(s->fault, DH_PREPARE_EMPTY, "%s has neither picture nor sound: no frames in it",
		s->task->inputs[0].name);
}

/* --- the loop */

/* Of two inputs, the one that is behind is next. -1: all have ended. */
static int next_source(const struct segment *s, const bool *ended)
{
	if (s->task->inputs_count == 1)
		return ended[0] ? -1 : 0;
	if (ended[0] || ended[1])
		return ended[0] && ended[1] ? -1 : ended[0];
	if (!s->is_started)
		return s->has_begun[DH_VIDEO];
	return s->reached_ticks[DH_AUDIO] < s->reached_ticks[DH_VIDEO];
}

static int run(struct segment *s)
{
	bool ended[DH_TASK_INPUTS] = { false };
	int code = dh_segment_inputs_open(&s->in, s->task, s->fault);
	for (int i; !code && (i = next_source(s, ended)) >= 0;) {
		struct dh_frame frame;
		code = dh_source_next(s->in.sources[i], &frame, s->fault);
		if (code)
			break;
		if (frame.av)
			code = s->is_started ? take(s, &frame) : keep(s, &frame);
		else
			ended[i] = true;
		if (!code && !s->is_started && s->early.count > 0 && can_start(s))
			code = start(s);
		if (!code && s->is_started)
			code = write_words(s);
		if (!code && s->is_started && frame.av)
			code = look_ahead(s, &frame);
		if (!code && s->is_started)
			code = end_media(s);
	}
	if (code)
		return code;
	return s->is_started ? finish(s) : nothing_at_all(s);
}

int dh_prepare_segment(const struct dh_task *task, struct dh_output *output, const struct dh_progress *progress,
	struct dh_fault *fault)
{
	struct segment *s = calloc(1, sizeof *s);
	if (!s)
		return dh_fault_memory(fault);
	s->task = task;
	s->output = output;
	s->progress = progress;
	s->fault = fault;
	int code = run(s);
	dh_early_frames_clear(&s->early);
	dh_segment_pictures_clear(&s->pictures);
	dh_joint_free(&s->joint);
	dh_sound_free(&s->sound);
	dh_segment_inputs_clear(&s->in);
	free(s);
	return code;
}
