/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The containers of an input: how each is opened, and what is known once it is read. */
#include "source_private.h"

#include <string.h>

#include "accept.h"
#include "open.h"
#include "playout/stream.h"
#include "playout/timebase.h"

/* So long a gap in sound and picture is a jump in the times of a recording. In transport streams
 * such jumps are common. */
#define JUMP_TICKS    (60 * DH_TICKS_PER_SECOND)
#define TS_JUMP_TICKS (10 * DH_TICKS_PER_SECOND)
/* Fewer bytes behind the end are tags, or nothing. */
#define LEFT_BYTES 1024

/* --- opening */

static bool is_usable(const AVStream *st, enum AVMediaType type)
{
	if (type == AVMEDIA_TYPE_SUBTITLE && !dh_accept_captions(st->codecpar->codec_id))
		return false;
	return st->codecpar->codec_type == type &&
		!(st->disposition & (AV_DISPOSITION_ATTACHED_PIC | AV_DISPOSITION_TIMED_THUMBNAILS));
}

/* Whether two streams are in one program of a transport stream. */
static bool share_program(AVFormatContext *format, int one, int other)
{
	for (AVProgram *program = NULL; (program = av_find_program_from_stream(format, program, one));)
		for (unsigned i = 0; i < program->nb_stream_indexes; i++)
			if (program->stream_index[i] == (unsigned)other)
				return true;
	return false;
}

/* The first default stream, or else the first, of those not in `tried`; before all others those
 * in the program of the stream `related`, or -1. */
static int pick_stream(AVFormatContext *format, enum AVMediaType type, uint64_t tried, int related)
{
	int best = -1, best_rank = -1;
	for (unsigned i = 0; i < format->nb_streams && i < 64; i++) {
		const AVStream *st = format->streams[i];
		if (!is_usable(st, type) || tried & UINT64_C(1) << i)
			continue;
		bool is_related = related >= 0 && share_program(format, related, (int)i);
		int rank = (is_related ? 2 : 0) + (st->disposition & AV_DISPOSITION_DEFAULT ? 1 : 0);
		if (rank > best_rank) {
			best = (int)i;
			best_rank = rank;
		}
	}
	return best;
}

static enum AVMediaType type_of(enum dh_media media)
{
	return media == DH_VIDEO ? AVMEDIA_TYPE_VIDEO : AVMEDIA_TYPE_AUDIO;
}

/* -1: none is open. */
static int stream_of(const struct dh_source *s, enum dh_media media)
{
	return s->tracks[media] ? dh_track_stream(s->tracks[media]) : -1;
}

/* Opens the best stream that can be played. `refusal`: why others cannot. */
static int open_track(struct dh_source *s, enum dh_media media, struct dh_fault *refusal, struct dh_fault *fault)
{
	struct dh_track_kind kind = { .is_mp4 = dh_container_is(s->format, "mov"),
		.states_durations = dh_container_is(s->format, "mov") || dh_container_is(s->format, "matroska"),
		.counts_samples = dh_container_counts_samples(s->format),
		.divides_packets = s->format->iformat->flags & AVFMT_TS_DISCONT,
		.is_avi = dh_container_is(s->format, "avi") };
	enum AVMediaType type = type_of(media);
	uint64_t tried = 0;
	int related = stream_of(s, !media);
	bool is_refused = false; /* one in the same program was */
	for (int index; !s->tracks[media] && (index = pick_stream(s->format, type, tried, related)) >= 0;) {
		AVStream *st = s->format->streams[index];
		bool is_related = related >= 0 && share_program(s->format, related, index);
		/* what is left is another program's */
		if (is_refused && !is_related)
			break;
		struct dh_fault why = { 0 };
		int code = dh_track_alloc(&s->tracks[media], st, media, s->config.name, s->config.max_side, &kind,
			&why);
		if (code && code != DH_PREPARE_FORMAT)
			return dh_fault_set(fault, code, "%s", why.text);
		if (code) {
			s->unplayed[media] = avcodec_get_name(st->codecpar->codec_id);
			dh_fault_set(refusal, code, "%s", why.text);
			tried |= UINT64_C(1) << index;
			is_refused |= is_related;
			continue;
		}
		st->discard = AVDISCARD_DEFAULT;
		if (s->is_still)
			dh_track_set_still(s->tracks[media]);
	}
	return 0;
}

/* A further container goes on with the words of the first. */
static int open_captions(struct dh_source *s, struct dh_fault *fault)
{
	bool is_wanted = s->config.want & DH_WANT_WORDS && (s->part == 0 || s->captions);
	int related = stream_of(s, s->tracks[DH_AUDIO] ? DH_AUDIO : DH_VIDEO);
	int index = is_wanted ? pick_stream(s->format, AVMEDIA_TYPE_SUBTITLE, 0, related) : -1;
	if (index < 0)
		return 0;
	AVStream *st = s->format->streams[index];
	int code = s->captions ? 0 : dh_captions_alloc(&s->captions, fault);
	if (!code)
		code = dh_captions_begin(s->captions, st, fault);
	if (!code)
		st->discard = AVDISCARD_DEFAULT;
	return code;
}

static int open_tracks(struct dh_source *s, struct dh_fault *fault)
{
	struct dh_fault refusal = { 0 };
	for (unsigned i = 0; i < s->format->nb_streams; i++)
		s->format->streams[i]->discard = AVDISCARD_ALL;
	/* the sound is that of the picture */
	for (int media = DH_VIDEO; media >= DH_AUDIO; media--) {
		bool is_wanted = s->config.want & 1 << media, is_late = s->part > 0 && !s->has[media];
		if (is_wanted && is_late)
			s->is_late[media] |= pick_stream(s->format, type_of(media), 0, -1) >= 0;
		int code = is_wanted && !is_late ? open_track(s, media, &refusal, fault) : 0;
		if (code)
			return code;
	}
	/* pictures alone may be a slide show */
	s->restart.jump_ticks = s->format->iformat->flags & AVFMT_TS_DISCONT ? TS_JUMP_TICKS :
		s->tracks[DH_AUDIO]                                          ? JUMP_TICKS :
									       DH_STREAM_TICKS_MAX;
	if (s->tracks[DH_AUDIO] || s->tracks[DH_VIDEO])
		return open_captions(s, fault);
	if (refusal.code)
		return dh_fault_set(fault, refusal.code, "%s", refusal.text);
	/* an index that was cut short may list no streams */
	return dh_input_bytes_verdict(s->input, fault);
}

int dh_source_check_length(const struct dh_source *s, struct dh_fault *fault)
{
	int64_t ms = dh_ms_from_ticks(dh_source_stated_ticks(s));
	if (s->config.max_ms > 0 && ms > s->config.max_ms)
		return dh_fault_set(fault, DH_PREPARE_LIMIT, "%s is %lld ms long, at most %d ms are accepted",
			s->config.name, (long long)ms, s->config.max_ms);
	return 0;
}

static void find_stated_length(struct dh_source *s)
{
	int streams[2], count = 0;
	for (int i = 0; i < 2; i++)
		if (s->tracks[i])
			streams[count++] = dh_track_stream(s->tracks[i]);
	s->stated_ticks = dh_stated_ticks(s->format, streams, count, &s->is_stated_end);
}

static void begin_part(struct dh_source *s)
{
	s->draining = s->ending = -1;
	s->at_end = s->has_failed = s->has_origin = s->has_next = false;
	s->read_to = 0;
	s->base_ticks = s->reached_ticks;
	memset(s->packets, 0, sizeof s->packets);
	memset(s->is_last_cut, 0, sizeof s->is_last_cut);
	memset(s->damaged_before, 0, sizeof s->damaged_before);
	memset(&s->restart, 0, sizeof s->restart);
	s->is_read_ahead = s->format->pb->eof_reached;
}

int dh_source_open(struct dh_source *s, struct dh_fault *fault)
{
	int code = dh_open(&s->format, &s->is_still, s->input, &s->config, fault);
	if (!code) {
		begin_part(s);
		code = open_tracks(s, fault);
	}
	if (!code)
		find_stated_length(s);
	for (int i = 0; i < 2; i++)
		s->has[i] = s->tracks[i] != NULL;
	return code || s->is_stated_end ? code : dh_source_check_length(s, fault);
}

void dh_source_close(struct dh_source *s)
{
	for (int i = 0; i < 2; i++) {
		dh_track_free(&s->tracks[i]);
		dh_scout_free(&s->scouts[i]);
	}
	if (s->captions)
		dh_captions_end(s->captions);
	avformat_close_input(&s->format);
}

/* --- once it is read */

/* Whether the last packet of a medium was cut short or could not be decoded. */
static bool is_last_cut(const struct dh_source *s, enum dh_media media)
{
	return s->tracks[media] &&
		(s->is_last_cut[media] || dh_track_damaged(s->tracks[media]) > s->damaged_before[media]);
}

static bool is_part_cut(const struct dh_source *s)
{
	/* its demuxer drops a partial picture silently */
	if (dh_container_is(s->format, "yuv4mpegpipe") && avio_tell(s->format->pb) > s->read_to)
		return true;
	return s->has_failed || is_last_cut(s, DH_AUDIO) || is_last_cut(s, DH_VIDEO) || dh_input_bytes_is_cut(s->input);
}

static int tracks_damaged(const struct dh_source *s)
{
	int damaged = 0;
	for (int i = 0; i < 2; i++)
		damaged += s->tracks[i] ? dh_track_damaged(s->tracks[i]) : 0;
	return damaged;
}

/* The container is read. */
static void sum_up(struct dh_source *s)
{
	s->was_cut |= !s->is_still && is_part_cut(s);
	s->damaged += tracks_damaged(s);
	s->restarts += s->restart.count;
	s->restart.count = 0;
	if (s->captions && s->has_origin)
		dh_captions_place(s->captions, s->origin_ticks);
}

int dh_source_open_next(struct dh_source *s, struct dh_fault *fault)
{
	struct dh_fault why = { 0 };
	sum_up(s);
	dh_source_close(s);
	int code = dh_input_bytes_next(s->input, fault);
	if (code)
		return code;
	s->part++;
	code = dh_open(&s->format, &s->is_still, s->input, &s->config, &why);
	if (!code) {
		begin_part(s);
		code = open_tracks(s, &why);
	}
	if (!code && (s->tracks[DH_AUDIO] || s->tracks[DH_VIDEO]))
		return 0;
	if (code == DH_PREPARE_MEMORY)
		return dh_fault_memory(fault);
	dh_source_close(s);
	s->is_broken_off = s->at_end = true;
	s->has_next = false;
	return 0;
}

bool dh_source_is_cut(const struct dh_source *s)
{
	return s->was_cut || (s->at_end && s->format && !s->is_still && is_part_cut(s));
}

int64_t dh_source_left_bytes(const struct dh_source *s)
{
	int64_t left = dh_input_bytes_left(s->input);
	return s->is_broken_off || left >= LEFT_BYTES ? left : 0;
}

bool dh_source_is_broken_off(const struct dh_source *s)
{
	return s->is_broken_off;
}

bool dh_source_is_late(const struct dh_source *s, enum dh_media media)
{
	return s->is_late[media];
}

bool dh_source_has_changed(const struct dh_source *s)
{
	return dh_input_bytes_has_changed(s->input);
}

const char *dh_source_unplayed(const struct dh_source *s, enum dh_media media)
{
	return s->unplayed[media];
}

int dh_source_restarts(const struct dh_source *s)
{
	return s->restarts + s->restart.count;
}

int dh_source_damaged(const struct dh_source *s)
{
	return s->damaged + (s->format ? tracks_damaged(s) : 0);
}
