/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "track.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libavcodec/avcodec.h>
#include <libavutil/display.h>

#include "accept.h"
#include "coded_order.h"
#include "frame_times.h"
#include "padding.h"
#include "still.h"
#include "webp_film.h"

/* Decoders round sides up to whole blocks. */
#define SIDE_SLACK 64
/* A higher rate is a wrong guess. */
#define RATE_MAX 1000
/* Gives up on a decoder after so many errors. */
#define ERRORS_IN_A_ROW 64

struct dh_track {
	enum dh_media media;
	const char *name;
	AVStream *stream; /* the format context's */
	AVCodecContext *codec;
	int max_side;
	struct dh_turn turn;
	struct dh_frame_times times;
	bool is_avi;
	bool has_alpha, has_colour;  /* a picture had some; one without alpha had */
	struct dh_coded_order order; /* of AVI's pictures */
	bool is_flushing, is_ended, is_too_large, is_tag, is_still;
	int damaged;
	int64_t bad_width, bad_height;
	bool has_packet;
	int64_t first_packet;      /* time of the first packet, in the stream's time base */
	int64_t packets;           /* length of all packets, likewise */
	bool has_padding;          /* the container states when sound starts and ends */
	struct dh_webp_film *film; /* NULL: none */
	AVFrame *held, *spare;     /* with padding: a frame that may be the last; for swapping */
};

static AVRational nominal_rate(const AVStream *st)
{
	AVRational rate = st->avg_frame_rate.num > 0 ? st->avg_frame_rate : st->r_frame_rate;
	if (rate.num <= 0 || rate.den <= 0 || rate.num / rate.den > RATE_MAX)
		return (AVRational){ 0, 1 };
	return rate;
}

/* --- opening */

static bool is_too_large(struct dh_track *t, int64_t width, int64_t height, int slack)
{
	if (t->media != DH_VIDEO || (width <= t->max_side + slack && height <= t->max_side + slack))
		return false;
	t->is_too_large = true;
	t->bad_width = width;
	t->bad_height = height;
	return true;
}

static int fault_too_large(const struct dh_track *t, struct dh_fault *fault)
{
	return dh_fault_set(fault, DH_PREPARE_LIMIT, "%s has pictures of %lldx%lld, at most %d a side is accepted",
		t->name, (long long)t->bad_width, (long long)t->bad_height, t->max_side);
}

/* Called before memory for a picture is allocated. */
static int get_buffer(AVCodecContext *codec, AVFrame *frame, int flags)
{
	struct dh_track *t = codec->opaque;
	if (is_too_large(t, frame->width, frame->height, SIDE_SLACK))
		return AVERROR(EINVAL);
	return avcodec_default_get_buffer2(codec, frame, flags);
}

static const int32_t *stream_matrix(const AVStream *st)
{
	size_t size = 0;
	const uint8_t *data = NULL;
#if LIBAVCODEC_VERSION_INT >= AV_VERSION_INT(60, 31, 102) /* FFmpeg 6.1 */
	const AVPacketSideData *side = av_packet_side_data_get(st->codecpar->coded_side_data,
		st->codecpar->nb_coded_side_data, AV_PKT_DATA_DISPLAYMATRIX);
	data = side ? side->data : NULL;
	size = side ? side->size : 0;
#else
	data = av_stream_get_side_data(st, AV_PKT_DATA_DISPLAYMATRIX, &size);
#endif
	return size >= 9 * sizeof(int32_t) ? (const int32_t *)data : NULL;
}

static int open_decoder(struct dh_track *t, const AVStream *st, bool is_mp4, struct dh_fault *fault)
{
	const AVDictionaryEntry *alpha = av_dict_get(st->metadata, "alpha_mode", NULL, 0); /* WebM's */
	bool has_alpha = alpha && strcmp(alpha->value, "1") == 0;
	const AVCodec *decoder = has_alpha ? dh_accept_alpha_decoder(st->codecpar->codec_id) : NULL;
	if (!decoder)
		decoder = dh_accept_decoder(st->codecpar->codec_id);
	if (!decoder)
		return dh_fault_set(fault, DH_PREPARE_FORMAT, "%s: codec %s is not accepted: expected %s", t->name,
			avcodec_get_name(st->codecpar->codec_id), dh_accept_codecs_text());
	if (is_too_large(t, st->codecpar->width, st->codecpar->height, 0))
		return fault_too_large(t, fault);
	t->codec = avcodec_alloc_context3(decoder);
	if (!t->codec || avcodec_parameters_to_context(t->codec, st->codecpar) < 0)
		return dh_fault_memory(fault);
	t->codec->pkt_timebase = st->time_base;
	t->codec->thread_count = 1; /* frame threads delay pictures */
	t->codec->opaque = t;
	t->codec->get_buffer2 = get_buffer;
	/* dav1d allocates by itself; the others call get_buffer, which can say why */
	if (decoder->id == AV_CODEC_ID_AV1)
		t->codec->max_pixels = (int64_t)(t->max_side + SIDE_SLACK) * (t->max_side + SIDE_SLACK);
	/* unless container or stream state how pictures are reordered, the H.264
	 * decoder guesses, and drops some while it learns */
	if (!is_mp4 && decoder->id == AV_CODEC_ID_H264)
		t->codec->strict_std_compliance = FF_COMPLIANCE_STRICT;
	int err = avcodec_open2(t->codec, decoder, NULL);
	if (err == AVERROR(ENOMEM))
		return dh_fault_memory(fault);
	if (err < 0)
		return dh_fault_set(fault, DH_PREPARE_FORMAT, "%s: its %s cannot be decoded", t->name, decoder->name);
	return 0;
}

int dh_track_alloc(struct dh_track **track, AVStream *stream, enum dh_media media, const char *name, int max_side,
	const struct dh_track_kind *kind, struct dh_fault *fault)
{
	struct dh_track *t = calloc(1, sizeof *t);
	int code;
	if (!t)
		return dh_fault_memory(fault);
	t->media = media;
	t->name = name;
	t->stream = stream;
	t->times.media = media;
	t->times.time_base = stream->time_base;
	t->times.rate = media == DH_VIDEO ? nominal_rate(stream) : (AVRational){ 0, 1 };
	t->times.states_durations = kind->states_durations;
	t->times.counts_samples = media == DH_AUDIO && kind->counts_samples;
	t->times.divides_packets = media == DH_AUDIO && kind->divides_packets;
	t->is_avi = kind->is_avi;
	t->max_side = max_side;
	t->turn = dh_turn_from_matrix(media == DH_VIDEO ? stream_matrix(stream) : NULL);
	t->has_padding = media == DH_AUDIO && kind->is_mp4;
	t->held = av_frame_alloc();
	t->spare = av_frame_alloc();
	code = t->held && t->spare ? open_decoder(t, stream, kind->is_mp4, fault) : dh_fault_memory(fault);
	if (code) {
		dh_track_free(&t);
		return code;
	}
	*track = t;
	return 0;
}

void dh_track_free(struct dh_track **track)
{
	struct dh_track *t = *track;
	*track = NULL;
	if (!t)
		return;
	avcodec_free_context(&t->codec);
	dh_webp_film_free(&t->film);
	av_frame_free(&t->held);
	av_frame_free(&t->spare);
	free(t);
}

/* --- decoding */

static void count_packet(struct dh_track *t, const AVPacket *packet)
{
	if (!t->has_packet)
		t->first_packet = packet->pts;
	t->has_packet = true;
	if (packet->duration > 0 && packet->duration < INT32_MAX)
		t->packets += packet->duration;
}

static bool is_file_of_a_picture(const struct dh_track *t)
{
	return t->is_still || t->codec->codec_id == AV_CODEC_ID_PNG || t->codec->codec_id == AV_CODEC_ID_MJPEG ||
		t->codec->codec_id == AV_CODEC_ID_GIF;
}

static int look_at_picture(struct dh_track *t, const AVPacket *packet, struct dh_fault *fault)
{
	uint32_t width, height;
	size_t size = (size_t)packet->size;
	if (!dh_still_size(packet->data, size, &width, &height) && is_too_large(t, width, height, 0))
		return fault_too_large(t, fault);
	if ((t->is_still || t->codec->codec_id == AV_CODEC_ID_GIF) && dh_still_is_cut(packet->data, size))
		return dh_fault_set(fault, DH_PREPARE_FORMAT, "%s ends in the middle of the picture", t->name);
	if (t->is_still)
		t->turn = dh_turn_from_orientation(dh_still_orientation(packet->data, size));
	return 0;
}

/* From now on it is decoded there. */
static int begin_film(struct dh_track *t, const AVPacket *packet, struct dh_fault *fault)
{
	t->film = dh_webp_film_new(packet->data, (size_t)packet->size);
	t->times.time_base = (AVRational){ 1, 1000 };
	t->times.rate = (AVRational){ 0, 1 };
	return t->film ? 0 : dh_fault_memory(fault);
}

int dh_track_send(struct dh_track *t, const AVPacket *packet, struct dh_fault *fault)
{
	/* some writers end FLAC with an empty packet */
	if (packet ? packet->size == 0 : t->is_flushing)
		return 0;
	t->is_flushing = !packet;
	int code = packet && is_file_of_a_picture(t) ? look_at_picture(t, packet, fault) : 0;
	if (code || t->film)
		return code;
	if (packet && t->is_still && dh_webp_film_is_one(packet->data, (size_t)packet->size))
		return begin_film(t, packet, fault);
	/* the tag of a file that was appended to another */
	t->is_tag = packet && t->codec->codec_id == AV_CODEC_ID_MP3 && packet->size > 10 &&
		(memcmp(packet->data, "ID3", 3) == 0 || memcmp(packet->data, "TAG", 3) == 0);
	if (packet)
		count_packet(t, packet);
	if (packet && t->is_avi)
		dh_coded_order_push(&t->order, packet->dts);
	int err = avcodec_send_packet(t->codec, packet);
	if (t->is_too_large)
		return fault_too_large(t, fault);
	if (err == AVERROR(ENOMEM))
		return dh_fault_memory(fault);
	if (err < 0 && err != AVERROR_EOF)
		t->damaged += !t->is_tag;
	return 0;
}

/* An AVI does not say whether the fourth byte of uncompressed pictures is alpha. Where it is not used,
 * it is 0, and nothing would be seen. A picture all of which is 0 does not tell; what fades in from nothing
 * begins with those. */
static void judge_alpha(struct dh_track *t, AVFrame *av)
{
	if (t->has_alpha || t->codec->codec_id != AV_CODEC_ID_RAWVIDEO || t->codec->codec_tag != 0 ||
		av->format != AV_PIX_FMT_BGRA)
		return;
	for (int y = 0; y < av->height && !t->has_alpha; y++) {
		const uint8_t *row = av->data[0] + (ptrdiff_t)y * av->linesize[0];
		for (int x = 0; x < av->width && !t->has_alpha; x++) {
			t->has_alpha = row[4 * x + 3] != 0;
			t->has_colour |= row[4 * x] || row[4 * x + 1] || row[4 * x + 2];
		}
	}
	if (!t->has_alpha && t->has_colour)
		av->format = AV_PIX_FMT_BGR0;
}

static int accept_frame(struct dh_track *t, AVFrame *av, struct dh_frame *frame, struct dh_fault *fault)
{
	if (is_too_large(t, av->width, av->height, 0))
		return fault_too_large(t, fault);
	const AVFrameSideData *side = av_frame_get_side_data(av, AV_FRAME_DATA_DISPLAYMATRIX);
	if (t->media == DH_VIDEO && t->is_avi) {
		dh_coded_order_next(&t->order, t->codec->has_b_frames, &av->best_effort_timestamp);
		judge_alpha(t, av);
	}
	if (t->media == DH_VIDEO)
		av->sample_aspect_ratio = av_guess_sample_aspect_ratio(NULL, t->stream, av);
	frame->media = t->media;
	frame->turn = side && side->size >= 9 * sizeof(int32_t) ? dh_turn_from_matrix((const int32_t *)side->data) :
								  t->turn;
	dh_frame_times_set(&t->times, av, frame);
	frame->av = av;
	return 0;
}

/* The stated end of the track; with fragments, of those read so far. Newer versions of FFmpeg
 * begin a fragmented track at 0, but its length is that of all packets, padding included. */
static int64_t stated_end(const struct dh_track *t)
{
	const AVStream *st = t->stream;
	int64_t end, start = st->start_time;
	if (st->duration <= 0 || start == AV_NOPTS_VALUE)
		return INT64_MAX;
	if (start >= 0 && t->first_packet != AV_NOPTS_VALUE && t->first_packet < 0 && st->duration >= t->packets)
		start = t->first_packet;
	return __builtin_add_overflow(start, st->duration, &end) ? INT64_MAX : end;
}

/* Receives a frame from the decoder. Sound beyond the track's end, and all after it, is
 * held until it is known whether it is the last. */
static int decode(struct dh_track *t, AVFrame *av)
{
	for (;;) {
		int err = t->film ? dh_webp_film_next(t->film, av) : avcodec_receive_frame(t->codec, av);
		if (err == AVERROR_EOF && t->held->buf[0]) {
			av_frame_move_ref(av, t->held);
			dh_padding_cut_end(av, t->times.time_base, stated_end(t));
			return 0;
		}
		if (err < 0 || !t->has_padding)
			return err;
		if (!t->times.has_frame && !dh_padding_cut_start(av, t->times.time_base))
			continue;
		bool is_first = !t->held->buf[0];
		if (is_first && dh_padding_excess(av, t->times.time_base, stated_end(t)) == 0)
			return 0;
		av_frame_move_ref(t->spare, t->held);
		av_frame_move_ref(t->held, av);
		av_frame_move_ref(av, t->spare);
		if (!is_first)
			return 0;
	}
}

int dh_track_receive(struct dh_track *t, AVFrame *av, struct dh_frame *frame, struct dh_fault *fault)
{
	for (int errors = 0; errors < ERRORS_IN_A_ROW; errors++) {
		int err = decode(t, av);
		if (t->is_too_large)
			return fault_too_large(t, fault);
		if (err >= 0)
			return accept_frame(t, av, frame, fault);
		if (err == AVERROR(ENOMEM))
			return dh_fault_memory(fault);
		if (err == AVERROR_EOF)
			t->is_ended = true;
		if (err == AVERROR_EOF || err == AVERROR(EAGAIN))
			return 0;
		t->damaged += !t->is_tag;
	}
	t->is_ended |= t->is_flushing;
	return 0;
}

void dh_track_set_still(struct dh_track *t)
{
	t->is_still = true;
}

int dh_track_stream(const struct dh_track *t)
{
	return t->stream->index;
}

enum dh_media dh_track_media(const struct dh_track *t)
{
	return t->media;
}

bool dh_track_is_film(const struct dh_track *t)
{
	return t->film;
}

bool dh_track_ended(const struct dh_track *t)
{
	return t->is_ended;
}

int dh_track_damaged(const struct dh_track *t)
{
	return t->damaged;
}

void dh_track_rate(const struct dh_track *t, int64_t *num, int64_t *den)
{
	*num = t->times.rate.num;
	*den = t->times.rate.den;
}
