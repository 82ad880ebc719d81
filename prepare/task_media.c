/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "task_media.h"

#include <stdio.h>
#include <string.h>

#include "playout/matte.h"
#include "playout/timebase.h"
#include "tool_version.h"

/* An input that ends this much before its stated length was cut short. */
#define CUT_TICKS DH_TICKS_PER_SECOND

void dh_task_size(const struct dh_task *task, const struct dh_frame *frame, int *width, int *height)
{
	*width = task->width;
	*height = task->height;
	if (!*width)
		dh_picture_natural_size(frame->av->width, frame->av->height, frame->av->sample_aspect_ratio.num,
			frame->av->sample_aspect_ratio.den, &frame->turn,
			task->background.is_clear ? DH_MATTE_HEIGHT_MAX : DH_STREAM_SIDE_MAX, width, height);
}

/* Where nothing else is said, as thoroughly as a processor does it three times as fast as pictures are shown. */
#define THOROUGH_PIXELS (640 * 480)

static int speed_later(const struct dh_task *task, int pixels)
{
	if (task->speed_later)
		return task->speed_later;
	return pixels <= THOROUGH_PIXELS ? DH_SPEED_MIN : task->speed;
}

struct dh_video_config dh_task_video(const struct dh_task *task, int width, int height, int64_t step_ticks)
{
	int coded_height = dh_background_coded_height(&task->background, height);
	struct dh_video_config config = { .width = width,
		.height = coded_height,
		.has_matte = task->background.is_clear,
		.kbps = { task->kbps, task->kbps_2, task->kbps_3 },
		.is_temporal = task->temporal,
		.speed = task->speed,
		.speed_later = speed_later(task, width * coded_height),
		.known_anchor = task->anchor_frame,
		.known_anchor_size = task->anchor_frame_size };
	int64_t fastest_ticks = DH_TICKS_PER_SECOND / task->fps_max;
	config.entry_ticks = task->entry_ms * DH_TICKS_PER_MS;
	config.frame_ticks = step_ticks > 0 ? step_ticks : 40 * DH_TICKS_PER_MS;
	if (config.frame_ticks < fastest_ticks)
		config.frame_ticks = fastest_ticks;
	return config;
}

struct dh_stream_head dh_task_head(const struct dh_video_config *config)
{
	struct dh_stream_head head = { .has_video = true,
		.width = config->width,
		.height = config->height,
		.has_matte = config->has_matte,
		.rate_den = 1 };
	if (dh_qualities_count(config->kbps) > 1)
		memcpy(head.kbps, config->kbps, sizeof head.kbps);
	return head;
}

void dh_describe(struct dh_stream_head *head, const struct dh_task *task, const struct dh_video *video)
{
	head->has_mark = video && task->mark.i420;
	int used = snprintf(head->encoder, sizeof head->encoder, "%s", dh_prepare_version());
	size_t size;
	if (video) {
		dh_video_anchor(video, &size);
		used += snprintf(head->encoder + used, sizeof head->encoder - (size_t)used, "; video %d", task->kbps);
		for (int quality = 1; quality < DH_QUALITIES_MAX && head->kbps[quality]; quality++)
			used += snprintf(head->encoder + used, sizeof head->encoder - (size_t)used, ", %d",
				head->kbps[quality]);
		used += snprintf(head->encoder + used, sizeof head->encoder - (size_t)used,
			" kb/s, entries every %d ms, %sanchor of %zu bytes at quantizer %d", task->entry_ms,
			task->temporal ? "temporal layers, " : "", size, dh_video_anchor_quantizer(video));
	}
	if (head->has_audio)
		snprintf(head->encoder + used, sizeof head->encoder - (size_t)used, "; audio %d kb/s",
			task->audio_kbps);
}

static int note_cut(struct dh_output *output, const char *name, const struct dh_source *source, int64_t end_ticks,
	bool *is_cut)
{
	int64_t stated_ticks = dh_source_is_still(source) ? 0 : dh_source_stated_ticks(source);
	bool is_short = stated_ticks - end_ticks > CUT_TICKS;
	if (!is_short && !dh_source_is_cut(source))
		return 0;
	*is_cut = true;
	if (is_short)
		return dh_output_note(output, "cut_short",
			"%s was cut short: it states %lld ms, but ends after %lld ms", name,
			(long long)dh_ms_from_ticks(stated_ticks), (long long)dh_ms_from_ticks(end_ticks));
	return dh_output_note(output, "cut_short",
		"%s was cut short: it ends after %lld ms, in the middle of its container", name,
		(long long)dh_ms_from_ticks(end_ticks));
}

/* What somebody wrote behind the place that was being read may be missing, or not. */
static int note_changed(struct dh_output *output, const char *name, const struct dh_source *source, bool *is_cut)
{
	if (!dh_source_has_changed(source))
		return 0;
	*is_cut = true;
	return dh_output_note(output, "changed", "%s changed while it was prepared", name);
}

static int note_late(struct dh_output *output, const char *name, const struct dh_source *source, bool *is_cut)
{
	int code = 0;
	for (int media = DH_AUDIO; media <= DH_VIDEO && !code; media++)
		if (dh_source_is_late(source, media)) {
			*is_cut = true;
			code = dh_output_note(output, "left_out",
				"%s: %s of a file that was appended to it is left out, because the first has none",
				name, media == DH_VIDEO ? "the picture" : "the sound");
		}
	return code;
}

static int note_left(struct dh_output *output, const char *name, const struct dh_source *source, bool *is_cut)
{
	int64_t left = dh_source_left_bytes(source);
	if (left <= 0 && !dh_source_is_broken_off(source))
		return 0;
	*is_cut = true;
	if (left <= 0)
		return dh_output_note(output, "left_out", "%s: another file that was appended to it cannot be read",
			name);
	return dh_output_note(output, "left_out", "%s: %lld bytes behind its end are no media of its kind", name,
		(long long)left);
}

/* Streams of codecs that are not accepted. */
static int note_unplayed(struct dh_output *output, const char *name, const struct dh_source *source)
{
	int code = 0;
	for (int media = DH_AUDIO; media <= DH_VIDEO && !code; media++)
		if (dh_source_unplayed(source, media))
			code = dh_output_note(output, "not_accepted", "%s: %s in %s cannot be played", name,
				media == DH_VIDEO ? "video" : "sound", dh_source_unplayed(source, media));
	return code;
}

int dh_note_source(struct dh_output *output, const char *name, const struct dh_source *source, int64_t end_ticks,
	bool *is_cut)
{
	int damaged = dh_source_damaged(source), restarts = dh_source_restarts(source), code = 0;
	if (dh_source_has_too_many_words(source))
		code = dh_output_note(output, "too_many_words", "%s: only the first %u of its words are used", name,
			DH_STREAM_WORDS_MAX);
	if (!code && damaged)
		code = dh_output_note(output, "damaged", "%s: %d damaged packet%s skipped", name, damaged,
			damaged > 1 ? "s" : "");
	if (!code && restarts)
		code = dh_output_note(output, "time_jump", "%s: its time stamps start again or jump (%d time%s)", name,
			restarts, restarts > 1 ? "s" : "");
	if (!code)
		code = note_unplayed(output, name, source);
	if (!code)
		code = note_cut(output, name, source, end_ticks, is_cut);
	if (!code)
		code = note_changed(output, name, source, is_cut);
	if (!code)
		code = note_late(output, name, source, is_cut);
	return code ? code : note_left(output, name, source, is_cut);
}

int dh_note_film(struct dh_output *output, const struct dh_film *film)
{
	const char *why = NULL;
	int restarts = film ? dh_film_restarts(film, &why) : 0;
	return restarts ? dh_output_note(output, "anchor_lost",
				  "The encoder broke the rule of anchored video %d time%s "
				  "(a frame %s) and was restarted from the anchor",
				  restarts, restarts > 1 ? "s" : "", why) :
			  0;
}

int dh_write_words(struct dh_output *output, struct dh_source *source, int64_t origin_ticks,
	struct dh_task_words *words)
{
	struct dh_stream_word word;
	int code = 0;
	while (!code && dh_source_next_word(source, &word)) {
		word.from_ticks -= origin_ticks;
		word.to_ticks -= origin_ticks;
		/* cues may overlap; the stream is in order */
		if (word.from_ticks < words->from_ticks)
			word.from_ticks = words->from_ticks;
		if (word.to_ticks < word.from_ticks)
			word.to_ticks = word.from_ticks;
		if (word.to_ticks > DH_STREAM_TICKS_MAX)
			continue;
		words->from_ticks = word.from_ticks;
		if (word.to_ticks > words->end_ticks)
			words->end_ticks = word.to_ticks;
		code = dh_output_word(output, &word);
	}
	return code;
}

const char *dh_task_input_name(const struct dh_task *task, int input)
{
	const char *slash = strrchr(task->inputs[input].name, '/');
	return slash && slash[1] ? slash + 1 : task->inputs[input].name;
}

struct dh_source_config dh_task_source(const struct dh_task *task, int input, int want)
{
	return (struct dh_source_config){
		.fd = task->inputs[input].fd,
		.name = task->inputs[input].name,
		.raw = &task->inputs[input].raw,
		.want = want,
		.max_side = task->max_side,
		.max_ms = task->max_ms,
		.silence_ms = task->silence_ms,
		.first_fd = task->first_fd,
	};
}
