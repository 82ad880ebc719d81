/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libavutil/avstring.h>

#include "captions.h"
#include "accept.h"
#include "input_bytes.h"
#include "open.h"
#include "playout/timebase.h"
#include "track.h"

struct dh_source {
	struct dh_source_config config;
	struct dh_input_bytes *input;
	AVFormatContext *format;
	AVPacket *packet;
	AVFrame *frame;
	struct dh_track *tracks[2];   /* by enum dh_media; NULL where there is none */
	struct dh_captions *captions; /* NULL: none */
	int64_t packets[2];           /* by medium: passed to its track */
	int64_t looked_at[2];         /* by medium: `packets` at the last look ahead */
	int ending;                   /* medium without further packets, or -1 */
	int draining;                 /* medium whose decoder may hold frames, or -1 */
	bool at_end;                  /* no more packets */
	bool is_last_cut[2];          /* by medium: its last packet is shorter than stated */
	int damaged_before[2];        /* by medium: damaged packets before its last one */
	bool has_failed;              /* the demuxer stopped with an error */
	bool is_read_ahead;           /* opening it has reached the end of the input */
	int64_t read_to;              /* end of the last packet */
	bool is_still;
	int damaged; /* packets that the demuxer gave up on */
};

/* --- opening */

static bool is_container(const struct dh_source *s, const char *name)
{
	return av_match_name(name, s->format->iformat->name);
}

static int pick_stream(const AVFormatContext *format, enum AVMediaType type)
{
	int best = -1;
	for (unsigned i = 0; i < format->nb_streams; i++) {
		const AVStream *st = format->streams[i];
		if (st->codecpar->codec_type != type ||
			st->disposition & (AV_DISPOSITION_ATTACHED_PIC | AV_DISPOSITION_TIMED_THUMBNAILS))
			continue;
		if (type == AVMEDIA_TYPE_SUBTITLE && !dh_accept_captions(st->codecpar->codec_id))
			continue;
		if (best < 0 ||
			(st->disposition & AV_DISPOSITION_DEFAULT &&
				!(format->streams[best]->disposition & AV_DISPOSITION_DEFAULT)))
			best = (int)i;
	}
	return best;
}

static int open_captions(struct dh_source *s, struct dh_fault *fault)
{
	int index = s->config.want & DH_WANT_WORDS ? pick_stream(s->format, AVMEDIA_TYPE_SUBTITLE) : -1;
	if (index < 0)
		return 0;
	s->format->streams[index]->discard = AVDISCARD_DEFAULT;
	return dh_captions_alloc(&s->captions, s->format->streams[index], fault);
}

static int open_tracks(struct dh_source *s, struct dh_fault *fault)
{
	for (unsigned i = 0; i < s->format->nb_streams; i++)
		s->format->streams[i]->discard = AVDISCARD_ALL;
	for (int media = DH_AUDIO; media <= DH_VIDEO; media++) {
		enum AVMediaType type = media == DH_VIDEO ? AVMEDIA_TYPE_VIDEO : AVMEDIA_TYPE_AUDIO;
		int index = s->config.want & 1 << media ? pick_stream(s->format, type) : -1;
		if (index < 0)
			continue;
		AVStream *st = s->format->streams[index];
		st->discard = AVDISCARD_DEFAULT;
		bool is_mp4 = is_container(s, "mov");
		int code = dh_track_alloc(&s->tracks[media], st, media, s->config.name, s->config.max_side, is_mp4,
			fault);
		if (code)
			return code;
	}
	/* an index that was cut short may list no streams */
	if (!s->tracks[DH_AUDIO] && !s->tracks[DH_VIDEO])
		return dh_input_bytes_verdict(s->input, fault);
	return open_captions(s, fault);
}

static int check_length(const struct dh_source *s, struct dh_fault *fault)
{
	int64_t ms = dh_ms_from_ticks(dh_source_stated_ticks(s));
	if (s->config.max_ms > 0 && ms > s->config.max_ms)
		return dh_fault_set(fault, DH_PREPARE_LIMIT, "%s is %lld ms long, at most %d ms are accepted",
			s->config.name, (long long)ms, s->config.max_ms);
	return 0;
}

int dh_source_alloc(struct dh_source **source, const struct dh_source_config *config, struct dh_fault *fault)
{
	struct dh_source *s = calloc(1, sizeof *s);
	int code;
	if (!s)
		return dh_fault_memory(fault);
	s->config = *config;
	s->draining = s->ending = -1;
	s->looked_at[DH_AUDIO] = s->looked_at[DH_VIDEO] = -1;
	s->packet = av_packet_alloc();
	s->frame = av_frame_alloc();
	code = s->packet && s->frame ? 0 : dh_fault_memory(fault);
	if (!code)
		code = dh_input_bytes_alloc(&s->input, config->fd, config->name, config->silence_ms, config->first_fd,
			fault);
	if (!code)
		code = dh_open(&s->format, &s->is_still, s->input, config, fault);
	if (!code)
		s->is_read_ahead = s->format->pb->eof_reached;
	if (!code)
		code = open_tracks(s, fault);
	if (!code)
		code = check_length(s, fault);
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
	for (int i = 0; i < 2; i++)
		dh_track_free(&s->tracks[i]);
	dh_captions_free(&s->captions);
	avformat_close_input(&s->format);
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
	if (is_container(s, "nut"))
		return !s->is_read_ahead && s->format->pb->eof_reached;
	/* WAV's flags it for unknown sizes too; there the bytes tell */
	return s->packet->flags & AV_PKT_FLAG_CORRUPT && !is_container(s, "wav");
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
		code = s->captions ? dh_captions_send(s->captions, NULL, fault) : 0;
		return code ? code : dh_input_bytes_verdict(s->input, fault);
	}
	struct dh_track *track = track_of_packet(s);
	s->read_to = avio_tell(s->format->pb);
	if (track) {
		enum dh_media media = dh_track_media(track);
		s->packets[media]++;
		s->is_last_cut[media] = is_packet_cut(s);
		s->damaged_before[media] = dh_track_damaged(track);
	}
	code = track ? dh_track_send(track, s->packet, fault) : 0;
	if (s->captions && dh_captions_stream(s->captions) == s->packet->stream_index)
		code = dh_captions_send(s->captions, s->packet, fault);
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

int dh_source_next(struct dh_source *s, struct dh_frame *frame, struct dh_fault *fault)
{
	memset(frame, 0, sizeof *frame);
	for (;;) {
		int code = 0;
		if (s->draining >= 0) {
			code = dh_track_receive(s->tracks[s->draining], s->frame, frame, fault);
			if (code || frame->av)
				return code;
			s->draining = -1;
		}
		if (s->ending >= 0) {
			s->draining = s->ending;
			s->ending = -1;
			code = dh_track_send(s->tracks[s->draining], NULL, fault);
			if (code)
				return code;
		} else if (s->at_end) {
			s->draining = next_to_flush(s, fault, &code);
			if (code || s->draining < 0)
				return code;
		} else {
			code = read_packet(s, fault);
			if (code)
				return code;
		}
	}
}

/* --- looking ahead */

/* Whether there are more than `packets` packets of stream `index`. */
static bool has_more(AVFormatContext *format, int index, int64_t packets, AVPacket *packet)
{
	bool more = false;
	for (unsigned i = 0; i < format->nb_streams; i++)
		format->streams[i]->discard = (int)i == index ? AVDISCARD_DEFAULT : AVDISCARD_ALL;
	while (!more && av_read_frame(format, packet) >= 0) {
		more = packet->stream_index == index && packets-- == 0;
		av_packet_unref(packet);
	}
	return more;
}

int dh_source_look_ahead(struct dh_source *s, enum dh_media media, struct dh_fault *fault)
{
	AVFormatContext *format = NULL;
	struct dh_input_bytes *input = NULL;
	bool is_still;
	if (!dh_input_bytes_is_file(s->input) || !dh_source_has(s, media) || s->at_end ||
		s->looked_at[media] == s->packets[media])
		return 0;
	s->looked_at[media] = s->packets[media];
	int code = dh_input_bytes_alloc(&input, s->config.fd, s->config.name, 0, -1, fault);
	if (!code)
		code = dh_open(&format, &is_still, input, &s->config, fault);
	if (!code && !has_more(format, dh_track_stream(s->tracks[media]), s->packets[media], s->packet))
		s->ending = media;
	avformat_close_input(&format);
	dh_input_bytes_free(&input);
	return code;
}

/* --- asking */

bool dh_source_has(const struct dh_source *s, enum dh_media media)
{
	return s->tracks[media] && !dh_track_ended(s->tracks[media]);
}

bool dh_source_has_words(const struct dh_source *s)
{
	return s->captions != NULL;
}

bool dh_source_next_word(struct dh_source *s, struct dh_stream_word *word)
{
	return s->captions && dh_captions_next(s->captions, word);
}

bool dh_source_has_too_many_words(const struct dh_source *s)
{
	return s->captions && dh_captions_is_full(s->captions);
}

bool dh_source_is_still(const struct dh_source *s)
{
	return s->is_still;
}

void dh_source_rate(const struct dh_source *s, int64_t *num, int64_t *den)
{
	*num = 0;
	*den = 1;
	if (s->tracks[DH_VIDEO] && !s->is_still)
		dh_track_rate(s->tracks[DH_VIDEO], num, den);
}

/* The longest track; 0 if one does not state its length. */
static int64_t longest_track_ticks(const struct dh_source *s)
{
	int64_t longest = 0;
	for (int i = 0; i < 2; i++) {
		if (!s->tracks[i])
			continue;
		const AVStream *st = s->format->streams[dh_track_stream(s->tracks[i])];
		if (st->duration <= 0)
			return 0;
		int64_t ticks = av_rescale_q(st->duration, st->time_base, (AVRational){ 1, (int)DH_TICKS_PER_SECOND });
		longest = ticks > longest ? ticks : longest;
	}
	return longest;
}

int64_t dh_source_stated_ticks(const struct dh_source *s)
{
	/* an AVI written to a pipe states as much as a file could hold */
	if (is_container(s, "avi"))
		return 0;
	int64_t tracks_ticks = longest_track_ticks(s);
	int64_t all_ticks = s->format->duration > 0 ?
		av_rescale(s->format->duration, DH_TICKS_PER_SECOND, AV_TIME_BASE) :
		0;
	return tracks_ticks > 0 && (all_ticks == 0 || tracks_ticks < all_ticks) ? tracks_ticks : all_ticks;
}

/* Whether the last packet of a medium was cut short or could not be decoded. */
static bool is_last_cut(const struct dh_source *s, enum dh_media media)
{
	return s->tracks[media] &&
		(s->is_last_cut[media] || dh_track_damaged(s->tracks[media]) > s->damaged_before[media]);
}

bool dh_source_is_cut(const struct dh_source *s)
{
	if (!s->at_end || s->is_still)
		return false;
	/* its demuxer drops a partial picture silently */
	if (is_container(s, "yuv4mpegpipe") && avio_tell(s->format->pb) > s->read_to)
		return true;
	return s->has_failed || is_last_cut(s, DH_AUDIO) || is_last_cut(s, DH_VIDEO) || dh_input_bytes_is_cut(s->input);
}

int dh_source_damaged(const struct dh_source *s)
{
	int damaged = s->damaged;
	for (int i = 0; i < 2; i++)
		damaged += s->tracks[i] ? dh_track_damaged(s->tracks[i]) : 0;
	return damaged;
}
