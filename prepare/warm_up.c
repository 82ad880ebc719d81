/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "warm_up.h"

#include <inttypes.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <libavcodec/avcodec.h>
#include <libavutil/log.h>

#include "accept.h"
#include "job.h"
#include "placement.h"
#include "playout/timebase.h"
#include "video.h"
#include "voice.h"

#define WARM_SIDE 512

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

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
	struct dh_video_config config = { .width = WARM_SIDE,
		.height = WARM_SIDE,
		.kbps = { 800 },
		.entry_ticks = DH_TICKS_PER_SECOND,
		.frame_ticks = 40 * DH_TICKS_PER_MS,
		.speed = DH_SPEED_MIN,
		.speed_later = DH_SPEED_MIN };
	struct dh_fault fault = { 0 };
	struct dh_video *video = NULL;
	struct dh_unit *unit = NULL;
	size_t size = dh_picture_size(WARM_SIDE, WARM_SIDE);
	uint8_t *i420 = malloc(size);
	if (!i420)
		return;
	/* a gradient with some detail, so that the usual code runs */
	for (size_t i = 0; i < size; i++)
		i420[i] = (uint8_t)(64 + i % WARM_SIDE / 8 + i / WARM_SIDE / 16 + (i * i >> 9) % 8);
	if (!dh_video_alloc(&video, &config, i420, &fault))
		for (int n = 0; n < 3; n++) {
			i420[size / 2 + (size_t)n] ^= 0x40;
			if (!dh_video_encode(video, i420, n * config.frame_ticks, config.frame_ticks, NULL, &unit,
				    &fault))
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
	/* keep the memory that the warm-up has touched */
	mallopt(M_MMAP_THRESHOLD, 32 * 1024 * 1024);
	mallopt(M_TRIM_THRESHOLD, 256 * 1024 * 1024);
	av_log_set_level(AV_LOG_QUIET);
	warm_decoders();
	warm_video();
	warm_voice();
}

void dh_prepare_warm_copy(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512];
	uintptr_t begin, end;
	if (!maps)
		return;
	while (fgets(line, sizeof line, maps))
		if (strstr(line, "[heap]") && sscanf(line, "%" SCNxPTR "-%" SCNxPTR, &begin, &end) == 2)
			/* NOLINTNEXTLINE(performance-no-int-to-ptr): the kernel says where it is */
			madvise((void *)begin, end - begin, MADV_POPULATE_WRITE); /* fails before Linux 5.14 */
	fclose(maps);
}
