/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "source_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "playout/stream.h"
#include "playout/timebase.h"

/* --- opening */

int dh_source_alloc(struct dh_source **source, const struct dh_source_config *config, struct dh_fault *fault)
{
	struct dh_source *s = calloc(1, sizeof *s);
	int code;
	if (!s)
		return dh_fault_memory(fault);
	s->config = *config;
	s->packet = av_packet_alloc();
	s->frame = av_frame_alloc();
	code = s->packet && s->frame ? 0 : dh_fault_memory(fault);
	if (!code)
		code = dh_input_bytes_alloc(&s->input, config->fd, config->name, config->silence_ms, config->first_fd,
			fault);
	if (!code)
		code = dh_source_open(s, fault);
	if (code) {
		dh_source_free(&s);
		return code;
	}
	*source = s;
	return 0;
}

void dh_source_free(struct dh_source **source)
{
	struct dh_source *s = *source;
	*source = NULL;
	if (!s)
		return;
	dh_source_close(s);
	dh_captions_free(&s->captions);
	dh_input_bytes_free(&s->input);
	av_packet_free(&s->packet);
	av_frame_free(&s->frame);
	free(s);
}

/* --- reading */

static struct dh_track *track_of_packet(const struct dh_source *s)
{
	for (int i = 0; i < 2; i++)
		if (s->tracks[i] && dh_track_stream(s->tracks[i]) == s->packet->stream_index)
			return s->tracks[i];
	return NULL;
}

/* Whether the input ended in the packet just read. */
static bool is_packet_cut(const struct dh_source *s)
{
	/* the NUT demuxer does not flag it, but reads packet by packet */
	if (dh_container_is(s->format, "nut"))
		return !s->is_read_ahead && s->format->pb->eof_reached;
	/* WAV's flags it for unknown sizes too; there the bytes tell */
	return s->packet->flags & AV_PKT_FLAG_CORRUPT && !dh_container_is(s->format, "wav");
}

/* Whether it is known when a packet is decoded. */
static bool knows_dts(const struct dh_source *s, enum dh_media media)
{
	if (media == DH_AUDIO)
		return true;
	/* theirs are made up by the demuxer: HEVC's is when it is shown */
	if (dh_container_is(s->format, "matroska") || dh_container_is(s->format, "nut"))
		return false;
	/* the demuxer drops some that go back; without B-frames it is when it is shown */
	return s->packet->dts != AV_NOPTS_VALUE ||
		s->format->streams[s->packet->stream_index]->codecpar->video_delay == 0;
}

/* Makes times go on where they start again or jump. An MP4's index has no such faults. */
static void correct_times(struct dh_source *s, enum dh_media media)
{
	AVRational base = s->format->streams[s->packet->stream_index]->time_base;
	AVRational ticks_base = { 1, (int)DH_TICKS_PER_SECOND };
	int64_t time = s->packet->dts != AV_NOPTS_VALUE ? s->packet->dts : s->packet->pts;
	if (time == AV_NOPTS_VALUE || dh_container_is(s->format, "mov") || dh_container_counts_samples(s->format))
		return;
	int64_t ticks = av_rescale_q(time, base, ticks_base),
		duration = av_rescale_q(s->packet->duration, base, ticks_base);
	bool is_sane = s->packet->pts == AV_NOPTS_VALUE ||
		dh_time_is_sane(av_rescale_q(s->packet->pts, base, ticks_base));
	if (!is_sane || !dh_time_is_sane(ticks) || duration < 0 || !dh_time_is_sane(duration))
		return;
	int64_t shift = dh_restart_shift(&s->restart, media, ticks, duration, knows_dts(s, media));
	shift = av_rescale_q(shift, ticks_base, base);
	if (s->packet->dts != AV_NOPTS_VALUE)
		s->packet->dts += shift;
	if (s->packet->pts != AV_NOPTS_VALUE)
		s->packet->pts += shift;
}

/* They are corrected as sound and picture were last. */
static int take_words(struct dh_source *s, struct dh_fault *fault)
{
	AVRational base = s->format->streams[s->packet->stream_index]->time_base;
	AVRational ticks_base = { 1, (int)DH_TICKS_PER_SECOND };
	if (!s->captions || dh_captions_stream(s->captions) != s->packet->stream_index)
		return 0;
	/* without a time, or a sane one, nobody knows when they are spoken */
	if (!dh_time_is_sane(av_rescale_q(s->packet->pts, base, ticks_base)))
		return 0;
	s->packet->pts += av_rescale_q(dh_restart_newest(&s->restart), ticks_base, base);
	return dh_captions_send(s->captions, s->packet, fault);
}

/* Reads one packet and passes it to its track. */
static int read_packet(struct dh_source *s, struct dh_fault *fault)
{
	int code = av_read_frame(s->format, s->packet);
	if (code == AVERROR(EAGAIN))
		return 0;
	if (code == AVERROR(ENOMEM))
		return dh_fault_memory(fault);
	if (code < 0) {
		s->at_end = true;
		/* what came before is used, unless the bytes could not be read */
		if (code != AVERROR_EOF) {
			s->damaged++;
			s->has_failed = true;
		}
		s->has_next = dh_input_bytes_has_next(s->input);
		code = s->captions ? dh_captions_send(s->captions, NULL, fault) : 0;
		return code ? code : dh_input_bytes_verdict(s->input, fault);
	}
	struct dh_track *track = track_of_packet(s);
	s->read_to = avio_tell(s->format->pb);
	if (track) {
		enum dh_media media = dh_track_media(track);
		s->packets[media]++;
		correct_times(s, media);
		s->is_last_cut[media] = is_packet_cut(s);
		s->damaged_before[media] = dh_track_damaged(track);
	}
	code = track ? dh_track_send(track, s->packet, fault) : take_words(s, fault);
	s->draining = track ? (int)dh_track_media(track) : -1;
	av_packet_unref(s->packet);
	return code;
}

/* Flushes the next decoder at the end; its medium, or -1. */
static int next_to_flush(struct dh_source *s, struct dh_fault *fault, int *code)
{
	for (int i = 1; i >= 0; i--)
		if (s->tracks[i] && !dh_track_ended(s->tracks[i])) {
			*code = dh_track_send(s->tracks[i], NULL, fault);
			return i;
		}
	return -1;
}

/* Frames of a further container follow those before it. */
static void place(struct dh_source *s, struct dh_frame *frame)
{
	if (!s->has_begun)
		s->begun_ticks = frame->pts_ticks;
	s->has_begun = true;
	if (!s->has_origin)
		s->origin_ticks = s->part > 0 ? frame->pts_ticks - s->base_ticks : 0;
	s->has_origin = true;
	frame->pts_ticks -= s->origin_ticks;
	if (frame->pts_ticks + frame->duration_ticks > s->reached_ticks || s->reached_ticks == 0)
		s->reached_ticks = frame->pts_ticks + frame->duration_ticks;
}

/* --- frames */

/* The next frame of the decoder that may hold some; frame->av NULL: it holds none. */
static int drain(struct dh_source *s, struct dh_frame *frame, struct dh_fault *fault)
{
	bool is_first = !s->has_begun;
	int code = s->draining >= 0 ? dh_track_receive(s->tracks[s->draining], s->frame, frame, fault) : 0;
	if (code)
		return code;
	if (!frame->av) {
		s->draining = -1;
		return 0;
	}
	place(s, frame);
	return is_first ? dh_source_check_length(s, fault) : 0;
}

/* Gives a decoder more; *is_over: there is nothing more to give. */
static int give(struct dh_source *s, bool *is_over, struct dh_fault *fault)
{
	int code = 0;
	if (s->ending >= 0) {
		s->draining = s->ending;
		s->ending = -1;
		return dh_track_send(s->tracks[s->draining], NULL, fault);
	}
	if (!s->at_end)
		return read_packet(s, fault);
	s->draining = next_to_flush(s, fault, &code);
	if (code || s->draining >= 0)
		return code;
	*is_over = !s->has_next;
	return s->has_next ? dh_source_open_next(s, fault) : 0;
}

/* The demuxer of GIF silently drops a picture that ends too early. */
static int check_any(const struct dh_source *s, struct dh_fault *fault)
{
	if (!dh_container_is(s->format, "gif") || s->packets[DH_VIDEO] > 0)
		return 0;
	return dh_fault_set(fault, DH_PREPARE_FORMAT, "%s ends in the middle of the picture", s->config.name);
}

int dh_source_next(struct dh_source *s, struct dh_frame *frame, struct dh_fault *fault)
{
	memset(frame, 0, sizeof *frame);
	for (bool is_over = false; !is_over;) {
		int code = drain(s, frame, fault);
		if (!code && !frame->av)
			code = give(s, &is_over, fault);
		if (code || frame->av)
			return code;
	}
	return check_any(s, fault);
}

int dh_source_look_ahead(struct dh_source *s, enum dh_media media, struct dh_fault *fault)
{
	if (!dh_input_bytes_is_file(s->input) || !s->tracks[media] || dh_track_ended(s->tracks[media]) || s->at_end)
		return 0;
	int code = s->scouts[media] ?
		0 :
		dh_scout_alloc(&s->scouts[media], &s->config, s->part, dh_track_stream(s->tracks[media]), fault);
	if (!code && !dh_scout_finds_more(s->scouts[media], s->packets[media]))
		s->ending = media;
	return code;
}

/* --- asking */

bool dh_source_has(const struct dh_source *s, enum dh_media media)
{
	return s->has[media] && (s->has_next || (s->tracks[media] && !dh_track_ended(s->tracks[media])));
}

bool dh_source_has_words(const struct dh_source *s)
{
	return s->captions != NULL;
}

bool dh_source_next_word(struct dh_source *s, struct dh_stream_word *word)
{
	if (!s->captions)
		return false;
	if (s->has_origin)
		dh_captions_place(s->captions, s->origin_ticks);
	return dh_captions_next(s->captions, word);
}

bool dh_source_has_too_many_words(const struct dh_source *s)
{
	return s->captions && dh_captions_is_full(s->captions);
}

bool dh_source_is_still(const struct dh_source *s)
{
	return s->is_still && !(s->tracks[DH_VIDEO] && dh_track_is_film(s->tracks[DH_VIDEO]));
}

void dh_source_rate(const struct dh_source *s, int64_t *num, int64_t *den)
{
	*num = 0;
	*den = 1;
	if (s->tracks[DH_VIDEO] && !s->is_still)
		dh_track_rate(s->tracks[DH_VIDEO], num, den);
}

int64_t dh_source_stated_ticks(const struct dh_source *s)
{
	int64_t stated_ticks = s->stated_ticks;
	if (!s->is_stated_end)
		return stated_ticks;
	/* where it ends, or how long it is: nobody knows, if it does not begin at 0 */
	if (!s->has_begun)
		return 0;
	stated_ticks -= s->begun_ticks > 0 ? s->begun_ticks : 0;
	return stated_ticks > 0 ? stated_ticks : 0;
}
