/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "early_frames.h"

static size_t bytes_of(const AVFrame *frame)
{
	size_t bytes = sizeof *frame;
	for (int i = 0; i < AV_NUM_DATA_POINTERS && frame->buf[i]; i++)
		bytes += (size_t)frame->buf[i]->size;
	return bytes;
}

int dh_early_frames_keep(struct dh_early_frames *early, const struct dh_frame *frame, struct dh_fault *fault)
{
	struct dh_frame *kept = &early->frames[early->count];
	*kept = *frame;
	kept->av = av_frame_clone(frame->av);
	if (!kept->av)
		return dh_fault_memory(fault);
	early->count++;
	early->bytes += bytes_of(frame->av);
	return 0;
}

void dh_early_frames_clear(struct dh_early_frames *early)
{
	for (int i = 0; i < early->count; i++) {
		AVFrame *av = (AVFrame *)early->frames[i].av;
		av_frame_free(&av);
	}
	early->count = 0;
	early->bytes = 0;
}

bool dh_early_frames_is_full(const struct dh_early_frames *early)
{
	return early->count == DH_EARLY_FRAMES || early->bytes > DH_EARLY_BYTES;
}

const struct dh_frame *dh_early_frames_first(const struct dh_early_frames *early, enum dh_media media)
{
	for (int i = 0; i < early->count; i++)
		if (early->frames[i].media == media)
			return &early->frames[i];
	return NULL;
}
