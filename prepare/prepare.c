#include "prepare.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/log.h>
#include <libavutil/mem.h>
#include <libswresample/swresample.h>
#include <libswscale/swscale.h>
#include <opus.h>
#include <vpx/vpx_codec.h>

#include "accept.h"
#include "task_media.h"
#include "playout/timebase.h"
#include "voice.h"

#ifndef DH_VERSION
#define DH_VERSION "0"
#endif

/* A single block of memory for a decoder: eight bytes a pixel of the largest
 * picture, and a floor for what codecs need beside pictures. */
#define BLOCK_MIN (64u * 1024 * 1024)

/* Where an input stops this much before the length it states, it was cut. */
#define CUT_TICKS DH_TICKS_PER_SECOND

const char *dh_prepare_version(void)
{
	static char text[200];
	snprintf(text, sizeof text,
		"dh-prepare %s (format %d; %s; %s; libavcodec %u; libswscale %u; libswresample %u)",
		DH_VERSION, DH_STREAM_VERSION, vpx_codec_version_str(), opus_get_version_string(),
		avcodec_version(), swscale_version(), swresample_version());
	return text;
}

/* --------------------------------------------------------------- for the kinds */

void dh_task_size(const struct dh_task *task, const struct dh_frame *frame, int *width, int *height)
{
	*width = task->width;
	*height = task->height;
	if (!*width)
		dh_picture_natural_size(frame->av->width, frame->av->height, frame->av->sample_aspect_ratio.num,
			frame->av->sample_aspect_ratio.den, &frame->turn, DH_STREAM_SIDE_MAX, width, height);
}

struct dh_video_config dh_task_video(const struct dh_task *task, int width, int height, int64_t step_ticks)
{
	struct dh_video_config config = { .width = width, .height = height, .kbps = task->kbps };
	int64_t fastest_ticks = DH_TICKS_PER_SECOND / task->fps_max;
	config.entry_ticks = task->entry_ms * DH_TICKS_PER_MS;
	config.frame_ticks = step_ticks > 0 ? step_ticks : 40 * DH_TICKS_PER_MS;
	if (config.frame_ticks < fastest_ticks)
		config.frame_ticks = fastest_ticks;
	return config;
}

void dh_describe(struct dh_stream_head *head, const struct dh_task *task, const struct dh_video *video)
{
	int used = snprintf(head->encoder, sizeof head->encoder, "%s", dh_prepare_version());
	size_t size;
	if (video) {
		dh_video_anchor(video, &size);
		used += snprintf(head->encoder + used, sizeof head->encoder - (size_t)used,
			"; video %d kb/s, entries every %d ms, anchor of %zu bytes at quantizer %d", task->kbps,
			task->entry_ms, size, dh_video_anchor_quantizer(video));
	}
	if (head->has_audio)
		snprintf(head->encoder + used, sizeof head->encoder - (size_t)used, "; audio %d kb/s",
			task->audio_kbps);
}

int dh_note_source(struct dh_output *output, const char *name, const struct dh_source *source,
	int64_t end_ticks)
{
	int damaged = dh_source_damaged(source), rc = 0;
	int64_t stated_ticks = dh_source_stated_ticks(source);
	if (damaged)
		rc = dh_output_note(output, "%s: %d damaged packet%s left out", name, damaged,
			damaged > 1 ? "s" : "");
	if (!rc && !dh_source_is_still(source) && stated_ticks - end_ticks > CUT_TICKS)
		rc = dh_output_note(output, "%s was cut short: it states %lld ms, and ends after %lld ms", name,
			(long long)dh_ms_from_ticks(stated_ticks), (long long)dh_ms_from_ticks(end_ticks));
	return rc;
}

int dh_note_film(struct dh_output *output, const struct dh_film *film)
{
	const char *why = NULL;
	int restarts = film ? dh_video_restarts(dh_film_video(film), &why) : 0;
	return restarts ? dh_output_note(output, "The encoder broke the rule of anchored video %d time%s "
		"(a frame %s) and was started again from the anchor", restarts, restarts > 1 ? "s" : "", why) : 0;
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
	};
}

/* ------------------------------------------------------------------- the task */

/* The size that the warm-up encodes. */
#define WARM_SIDE 512

static int drop_unit(void *arg, struct dh_unit *unit)
{
	(void)arg;
	dh_unit_unref(&unit);
	return 0;
}

static void warm_decoders(void)
{
	static const enum AVCodecID common[] = { AV_CODEC_ID_H264, AV_CODEC_ID_AAC };
	for (size_t i = 0; i < sizeof common / sizeof *common; i++) {
		const AVCodec *decoder = dh_accept_decoder(common[i]);
		AVCodecContext *codec = decoder ? avcodec_alloc_context3(decoder) : NULL;
		if (codec)
			avcodec_open2(codec, decoder, NULL);
		avcodec_free_context(&codec);
	}
}

static void warm_video(void)
{
	struct dh_video_config config = { WARM_SIDE, WARM_SIDE, 800, DH_TICKS_PER_SECOND, 40 * DH_TICKS_PER_MS };
	struct dh_fault fault = { 0 };
	struct dh_video *video = NULL;
	struct dh_unit *unit = NULL;
	size_t size = dh_picture_size(WARM_SIDE, WARM_SIDE);
	uint8_t *i420 = malloc(size);
	if (!i420)
		return;
	/* a slope with something to code in it, so that the usual paths are taken */
	for (size_t i = 0; i < size; i++)
		i420[i] = (uint8_t)(64 + i % WARM_SIDE / 8 + i / WARM_SIDE / 16 + (i * i >> 9) % 8);
	if (!dh_video_alloc(&video, &config, i420, &fault))
		for (int n = 0; n < 3; n++) {
			i420[size / 2 + (size_t)n] ^= 0x40;
			if (!dh_video_encode(video, i420, n * config.frame_ticks, config.frame_ticks, &unit, &fault))
				dh_unit_unref(&unit);
		}
	dh_video_free(&video);
	free(i420);
}

static void warm_voice(void)
{
	struct dh_fault fault = { 0 };
	struct dh_voice *voice = NULL;
	if (!dh_voice_alloc(&voice, 48, drop_unit, NULL, &fault))
		dh_voice_push(voice, NULL, DH_VOICE_PACKET * 4, &fault);
	dh_voice_free(&voice);
}

void dh_prepare_warm_up(void)
{
	/* what the warm-up has touched stays with the process */
	mallopt(M_MMAP_THRESHOLD, 32 * 1024 * 1024);
	mallopt(M_TRIM_THRESHOLD, 256 * 1024 * 1024);
	av_log_set_level(AV_LOG_QUIET);
	warm_decoders();
	warm_video();
	warm_voice();
}

int dh_prepare(const struct dh_task *task, const struct dh_stream_writer *writer,
	const struct dh_progress *progress, struct dh_fault *fault)
{
	static const struct dh_progress nobody;
	struct dh_output output;
	size_t side = (size_t)task->max_side + 64, block = side * side * 8;
	av_log_set_level(AV_LOG_QUIET);
	av_max_alloc(block > BLOCK_MIN ? block : BLOCK_MIN);
	dh_output_init(&output, writer, fault);
	int rc = task->kind == DH_TASK_SEGMENT ?
		dh_prepare_segment(task, &output, progress ? progress : &nobody, fault) :
		dh_prepare_idle(task, &output, progress ? progress : &nobody, fault);
	dh_output_clear(&output);
	return rc;
}
