/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "scout.h"

#include <stdlib.h>

#include "input_bytes.h"
#include "open.h"

struct dh_scout {
	struct dh_input_bytes *input;
	AVFormatContext *format;
	AVPacket *packet;
	int index;
	int64_t seen; /* packets of the stream */
	bool is_at_end;
};

int dh_scout_alloc(struct dh_scout **scout, const struct dh_source_config *config, int part, int index,
	struct dh_fault *fault)
{
	struct dh_scout *s = calloc(1, sizeof *s);
	bool is_still;
	if (!s || !(s->packet = av_packet_alloc())) {
		free(s);
		return dh_fault_memory(fault);
	}
	s->index = index;
	int code = dh_input_bytes_alloc(&s->input, config->fd, config->name, 0, -1, fault);
	for (int i = 0; i < part && !code && dh_input_bytes_has_next(s->input); i++)
		code = dh_input_bytes_next(s->input, fault);
	if (!code)
		code = dh_open(&s->format, &is_still, s->input, config, fault);
	if (code) {
		dh_scout_free(&s);
		return code;
	}
	for (unsigned i = 0; i < s->format->nb_streams; i++)
		s->format->streams[i]->discard = (int)i == index ? AVDISCARD_DEFAULT : AVDISCARD_ALL;
	*scout = s;
	return 0;
}

void dh_scout_free(struct dh_scout **scout)
{
	struct dh_scout *s = *scout;
	*scout = NULL;
	if (!s)
		return;
	avformat_close_input(&s->format);
	dh_input_bytes_free(&s->input);
	av_packet_free(&s->packet);
	free(s);
}

bool dh_scout_finds_more(struct dh_scout *s, int64_t packets)
{
	while (s->seen <= packets && !s->is_at_end) {
		s->is_at_end = av_read_frame(s->format, s->packet) < 0;
		s->seen += !s->is_at_end && s->packet->stream_index == s->index;
		av_packet_unref(s->packet);
	}
	return s->seen > packets || dh_input_bytes_has_next(s->input);
}
