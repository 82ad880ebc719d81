#include "early_frames.h"

static size_t bytes_of(const AVFrame *frame)
{
	size_t bytes = sizeof *frame;
	for (int i = 0; i < AV_NUM_DATA_POINTERS && frame->buf[i]; i++)
		bytes += (size_t)frame->buf[i]->size;
	return bytes;
}

int dh_early_frames_keep(struct dh_early_frames *waiting, const struct dh_frame *frame, struct dh_fault *fault)
{
	struct dh_frame *kept = &waiting->frames[waiting->count];
	*kept = *frame;
	kept->av = av_frame_clone(frame->av);
	if (!kept->av)
		return dh_fault_memory(fault);
	waiting->count++;
	waiting->bytes += bytes_of(frame->av);
	return 0;
}

void dh_early_frames_clear(struct dh_early_frames *waiting)
{
	for (int i = 0; i < waiting->count; i++) {
		AVFrame *av = (AVFrame *)waiting->frames[i].av;
		av_frame_free(&av);
	}
	waiting->count = 0;
	waiting->bytes = 0;
}

int dh_early_frames_is_full(const struct dh_early_frames *waiting)
{
	return waiting->count == DH_EARLY_FRAMES || waiting->bytes > DH_EARLY_BYTES;
}

const struct dh_frame *dh_early_frames_first(const struct dh_early_frames *waiting, enum dh_media media)
{
	for (int i = 0; i < waiting->count; i++)
		if (waiting->frames[i].media == media)
			return &waiting->frames[i];
	return NULL;
}
