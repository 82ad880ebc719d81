/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What dh-prepare makes of the times that containers state: sound against its samples, times
 * that start again. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/check.h"
#include "playout/stream.h"
#include "playout/timebase.h"
#include "prepare/captions.h"
#include "prepare/coded_order.h"
#include "prepare/film.h"
#include "prepare/job.h"
#include "prepare/output.h"
#include "prepare/restart.h"
#include "prepare/seam.h"
#include "prepare/sound_clock.h"
#include "prepare/track.h"
#include "prepare/voice.h"

/* --- sound against its samples */

#define MS(ms) ((ms) * (DH_VOICE_RATE / 1000))

/* Ten minutes of sound. */
static const struct clock_row {
	const char *name;
	int frame; /* samples */
	double jitter_ms, round_ms, drift_ppm;
	double gap_ms; /* after five minutes */
	int gaps;
	double lips_ms; /* how far sound may be off at the end */
} clock_rows[] = {
	{ "exact", 1024, 0, 0, 0, 0, 0, 0.1 },
	{ "jitter of 8 ms", 1024, 8, 0, 0, 0, 0, 20 },
	{ "jitter of 20 ms", 960, 20, 0, 0, 0, 0, 20 },
	{ "jitter of 20 ms, long frames", 2880, 20, 0, 0, 0, 0, 20 },
	{ "in milliseconds", 1024, 0, 1, 0, 0, 0, 2 },
	{ "in 10 ms", 1024, 0, 10, 0, 0, 0, 20 },
	{ "in 21 ms", 1024, 0, 21, 0, 0, 0, 20 },
	{ "in 23 ms, 44.1 kHz", 1115, 0, 23, 0, 0, 0, 20 },
	{ "in 40 ms", 960, 0, 40, 0, 0, 0, 20 },
	{ "in 40 ms, 24 kHz", 2048, 0, 40, 0, 0, 0, 20 },
	{ "in 40 ms with jitter", 1024, 10, 40, 0, 0, 0, 25 },
	{ "slow drift", 1024, 0, 0, 200, 0, 0, 20 },
	{ "fast drift, other way", 960, 5, 0, -1000, 0, 0, 20 },
	{ "a gap", 1024, 0, 0, 0, 300, 1, 0.1 },
	{ "a gap in jitter", 960, 20, 0, 0, 300, 1, 20 },
	{ "a gap in rounded times", 1024, 0, 40, 0, 300, 1, 20 },
	{ "an overlap", 1024, 2, 0, 0, -100, 1, 20 },
	{ "a lost packet", 960, 0, 0, 0, 20, 0, 20 },
};

struct played {
	int64_t position; /* of the next sample */
	int64_t stretch, stretch_left;
	int gaps;
	double worst_ms; /* from where the last half-minute should be */
};

/* Plays what is certain; `truth`: when each frame that waits should be heard. */
static void play(struct dh_sound_clock *clock, struct played *played, double *truth, int *waiting, int frame,
	bool is_end, bool is_late)
{
	int64_t shift;
	while (dh_sound_clock_next(clock, is_end, &shift)) {
		played->gaps += shift != 0;
		played->position += shift;
		double off_ms = fabs((double)played->position - truth[0]) / MS(1);
		if (is_late && off_ms > played->worst_ms)
			played->worst_ms = off_ms;
		*waiting -= 1;
		memmove(truth, truth + 1, (size_t)*waiting * sizeof *truth);
		played->position += frame;
		/* spread evenly */
		if (played->stretch_left > 0) {
			int64_t part = played->stretch * frame / played->stretch_left;
			played->stretch -= part;
			played->stretch_left -= frame;
			played->position += part;
		}
		int64_t stretch = dh_sound_clock_stretch(clock);
		CHECK(llabs(stretch) <= DH_SOUND_STRETCH / 180, "%lld samples would be heard", (long long)stretch);
		if (stretch) {
			played->stretch += stretch;
			played->stretch_left = DH_SOUND_STRETCH;
		}
	}
}

static void test_clock(const void *arg)
{
	const struct clock_row *row = arg;
	struct dh_sound_clock clock = { 0 };
	struct played played = { 0 };
	double truth[DH_SOUND_WAITING + 1];
	int waiting = 0, count = 600 * DH_VOICE_RATE / row->frame;
	uint32_t random = 1;
	for (int n = 0; n < count; n++) {
		int64_t before = (int64_t)n * row->frame;
		double true_time = (double)before * (1 + row->drift_ppm / 1e6) + (n > count / 2 ? MS(row->gap_ms) : 0);
		random = random * 1664525 + 1013904223;
		double told = true_time + MS(row->jitter_ms) * (random / 2147483648.0 - 1);
		if (n == 0)
			told = 0;
		if (row->round_ms > 0)
			told = floor(told / MS(row->round_ms)) * MS(row->round_ms);
		struct dh_sound_told frame = { llround(told), before, row->frame };
		CHECK(waiting < DH_SOUND_WAITING);
		truth[waiting++] = true_time;
		dh_sound_clock_push(&clock, &frame);
		play(&clock, &played, truth, &waiting, row->frame, false, n > count * 19 / 20);
	}
	play(&clock, &played, truth, &waiting, row->frame, true, true);
	CHECK_INT(waiting, 0);
	CHECK_INT(played.gaps, row->gaps);
	CHECK(played.worst_ms <= row->lips_ms, "%f ms off", played.worst_ms);
}

/* Silence that nobody coded: each packet comes 400 ms after the last. */
static void test_clock_with_pauses(void)
{
	struct dh_sound_clock clock = { 0 };
	int64_t shift, position = 0;
	int played = 0;
	for (int n = 0; n < 10; n++) {
		struct dh_sound_told frame = { MS(400) * n, 960 * n, 960 };
		dh_sound_clock_push(&clock, &frame);
		while (dh_sound_clock_next(&clock, n == 9, &shift)) {
			position += shift;
			CHECK(llabs(position - MS(400) * played) < MS(5), "packet %d at %lld", played,
				(long long)position);
			position += 960;
			played++;
		}
	}
	CHECK_INT(played, 10);
}

/* A single time that is wrong, however much, changes nothing. */
static void test_clock_with_a_wrong_time(void)
{
	static const int64_t wrong[] = { MS(60), -MS(60), MS(1000), INT64_C(1) << 40, -(INT64_C(1) << 40) };
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct dh_sound_clock clock = { 0 };
		int64_t shift;
		int played = 0;
		for (int n = 0; n < 100; n++) {
			struct dh_sound_told frame = { 960 * n + (n == 50 ? wrong[i] : 0), 960 * n, 960 };
			dh_sound_clock_push(&clock, &frame);
			for (; dh_sound_clock_next(&clock, n == 99, &shift); played++)
				CHECK_INT(shift, 0);
		}
		CHECK_INT(played, 100);
		CHECK_INT(dh_sound_clock_stretch(&clock), 0);
	}
}

/* --- seams */

static void test_seam(void)
{
	struct dh_seam seam = { 0 };
	float samples[1000], last;
	for (int i = 0; i < 1000; i++)
		samples[i] = 0.8f;
	dh_seam_apply(&seam, samples, 1000);
	CHECK(samples[999] == 0.8f);
	for (int way = 0; way < 2; way++) { /* into silence, and out of it; in small pieces */
		dh_seam_cut(&seam);
		last = way ? 0 : 0.8f;
		for (int n = 0; n < 100; n++) {
			float piece[7];
			for (int i = 0; i < 7; i++)
				piece[i] = way ? -0.5f : 0;
			dh_seam_apply(&seam, piece, 7);
			for (int i = 0; i < 7; last = piece[i++])
				CHECK(fabsf(piece[i] - last) < 0.01f, "a click of %f", piece[i] - last);
		}
		CHECK(last == (way ? -0.5f : 0));
	}
}

/* --- times that start again */

/* Packets of two media as in transport streams: sound of 20 ms, and pictures. */
static const struct restart_row {
	const char *name;
	int64_t first_ms[2], second_ms[2]; /* begin of both pieces, by medium; -1: there is none */
	int64_t length_ms;                 /* of each piece */
	int count;
	int64_t end_ms; /* at which all ends, counted from the first begin */
	int64_t picture_ms;
} restart_rows[] = {
	{ "the same again", { 1400, 1480 }, { 1400, 1480 }, 2000, 1, 4080, 40 },
	{ "sound alone", { 1400, -1 }, { 1400, -1 }, 2000, 1, 4000, 40 },
	{ "from 0", { 5000, 5000 }, { 0, 0 }, 2000, 1, 4000, 40 },
	{ "short pieces", { 1400, 1400 }, { 1400, 1400 }, 400, 1, 800, 40 },
	{ "an hour later", { 1400, 1400 }, { 3601400, 3601400 }, 2000, 1, 4000, 40 },
	{ "a day earlier", { 86400000, 86400000 }, { 0, 0 }, 2000, 1, 4000, 40 },
	{ "it goes on", { 0, 0 }, { 2000, 2000 }, 2000, 0, 4000, 40 },
	{ "after a pause", { 0, 0 }, { 5000, 5000 }, 2000, 0, 7000, 40 },
	{ "two pictures", { 0, 0 }, { 0, 0 }, 10000, 1, 20000, 5000 },
	{ "two pictures alone", { -1, 0 }, { -1, 0 }, 10000, 1, 20000, 5000 },
};

/* The packets of one medium come before those of the other that begin with them. */
static void join_pieces(const struct restart_row *row, enum dh_media before)
{
	struct dh_restart restart = { .jump_ticks = 10 * DH_TICKS_PER_SECOND };
	int64_t end = 0, begin = INT64_MAX, last[2] = { -1, -1 };
	for (int i = 0; i < 2; i++)
		if (row->first_ms[i] >= 0 && row->first_ms[i] < begin)
			begin = row->first_ms[i];
	for (int piece = 0; piece < 2; piece++) {
		for (int64_t ms = 0; ms < row->length_ms; ms += 20)
			for (int i = 0; i < 2; i++) {
				enum dh_media media = i ? !before : before;
				int64_t start = (piece ? row->second_ms : row->first_ms)[media];
				int64_t step = media == DH_AUDIO ? 20 : row->picture_ms;
				if (row->first_ms[media] < 0 || ms % step)
					continue;
				int64_t dts = (start + ms) * DH_TICKS_PER_MS;
				dts += dh_restart_shift(&restart, media, dts, step * DH_TICKS_PER_MS, true);
				CHECK(dts > last[media], "time goes back");
				last[media] = dts;
				end = dts + step * DH_TICKS_PER_MS > end ? dts + step * DH_TICKS_PER_MS : end;
			}
	}
	CHECK_INT(restart.count, row->count);
	CHECK_INT(end / DH_TICKS_PER_MS - begin, row->end_ms);
}

static void test_restart(const void *arg)
{
	join_pieces(arg, DH_AUDIO);
	join_pieces(arg, DH_VIDEO);
}

/* A few pictures at once, and then one that is late, without sound; and all of it again. */
static void test_restart_after_a_late_picture(void)
{
	static const int times_ms[] = { 0, 40, 80, 5000, 0, 40, 80, 5000 };
	struct dh_restart restart = { .jump_ticks = 60 * DH_TICKS_PER_SECOND };
	for (size_t i = 0; i < sizeof times_ms / sizeof *times_ms; i++)
		CHECK_INT(dh_restart_shift(&restart, DH_VIDEO, times_ms[i] * DH_TICKS_PER_MS, 40 * DH_TICKS_PER_MS,
				  true),
			i < 4 ? 0 : 5040 * DH_TICKS_PER_MS);
	CHECK_INT(restart.count, 1);
}

/* Pictures with B-frames whose container tells only when they are shown: mini-GOPs of `depth`
 * pictures, the last of which comes first, and then the others in the order of `order`. */
static const struct reorder_row {
	const char *name;
	int64_t picture_ms;
	int depth, order[8];
	int pieces, pictures; /* the times start again in each piece */
} reorder_rows[] = {
	{ "5 a second, a pyramid", 200, 4, { 4, 2, 1, 3 }, 1, 21 },
	{ "5 a second, in a row", 200, 4, { 4, 1, 2, 3 }, 1, 21 },
	{ "15 a second, 7 B-frames", 67, 8, { 8, 4, 2, 1, 3, 6, 5, 7 }, 1, 81 },
	{ "one in 3 seconds", 3000, 4, { 4, 2, 1, 3 }, 1, 21 },
	{ "25 a second, three times", 40, 4, { 4, 2, 1, 3 }, 3, 21 },
	{ "5 a second, three times", 200, 4, { 4, 2, 1, 3 }, 3, 21 },
	{ "no B-frames, three times", 40, 1, { 1 }, 3, 21 },
};

static void test_reordered(const void *arg)
{
	const struct reorder_row *row = arg;
	struct dh_restart restart = { .jump_ticks = 60 * DH_TICKS_PER_SECOND };
	int64_t picture_ticks = row->picture_ms * DH_TICKS_PER_MS;
	for (int piece = 0; piece < row->pieces; piece++)
		for (int n = 0; n < row->pictures; n++) {
			int at = n ? (n - 1) / row->depth * row->depth + row->order[(n - 1) % row->depth] : 0;
			int64_t time = at * picture_ticks, shift;
			shift = dh_restart_shift(&restart, DH_VIDEO, time, picture_ticks, false);
			CHECK_INT((time + shift) / picture_ticks, piece * row->pictures + at);
		}
	CHECK_INT(restart.count, row->pieces - 1);
}

/* What was cut out of a longer film may begin with pictures that are shown before the first. */
static void test_leading_pictures(void)
{
	static const int times_ms[] = { 600, 200, 400, 1400, 1000, 800, 1200 };
	struct dh_restart restart = { .jump_ticks = 60 * DH_TICKS_PER_SECOND };
	for (size_t i = 0; i < sizeof times_ms / sizeof *times_ms; i++)
		CHECK_INT(dh_restart_shift(&restart, DH_VIDEO, times_ms[i] * DH_TICKS_PER_MS, 200 * DH_TICKS_PER_MS,
				  false),
			0);
	CHECK_INT(restart.count, 0);
}

/* --- times in the order of decoding */

/* A decoder that holds back `held` pictures; each third packet, or none, has no picture. */
static const struct coded_row {
	const char *name;
	int held;
	bool has_hidden;
	int from, to; /* packets of a still stretch, which have none either; 0: there is none */
} coded_rows[] = {
	{ "no B-frames", 0, false, 0, 0 },
	{ "B-frames", 2, false, 0, 0 },
	{ "as many as there can be", 16, false, 0, 0 },
	{ "hidden pictures", 0, true, 0, 0 },
	{ "a still stretch", 0, false, 11, 40 },
	{ "a still stretch with B-frames", 1, false, 11, 40 },
	{ "a still stretch behind two pictures", 2, false, 11, 40 },
	{ "a still stretch behind as many as there can be", 16, false, 20, 49 },
};

static void test_coded_order(const void *arg)
{
	const struct coded_row *row = arg;
	struct dh_coded_order order = { 0 };
	int sent = 0, seen[59], expected = 0;
	for (int n = 0; n < 59; n++) {
		int64_t time = -1;
		dh_coded_order_push(&order, 40 * n);
		if ((row->has_hidden && n % 3 == 2) || (row->to && n >= row->from && n <= row->to))
			continue;
		seen[sent++] = 40 * n;
		if (sent <= row->held)
			continue;
		dh_coded_order_next(&order, row->held, &time);
		CHECK_INT(time, seen[expected++]);
	}
	while (expected < sent) {
		int64_t time = -1;
		dh_coded_order_next(&order, row->held, &time);
		CHECK_INT(time, seen[expected++]);
	}
	int64_t none = -1;
	dh_coded_order_next(&order, row->held, &none);
	CHECK_INT(none, -1);
}

/* --- notes */

static const struct note_row {
	const char *note, *code, *text;
} note_rows[] = {
	{ "[cut_short] a.mkv was cut short", "cut_short", "a.mkv was cut short" },
	{ "a.mkv was cut short", "other", "a.mkv was cut short" },
	{ "[a.mkv] was cut short", "other", "[a.mkv] was cut short" },
	{ "[] what", "other", "[] what" },
	{ "[x]y", "other", "[x]y" },
	{ "[x", "other", "[x" },
	{ "[abcdefghijklmnopqrstuvwxyz] y", "other", "[abcdefghijklmnopqrstuvwxyz] y" },
	{ "", "other", "" },
};

static void test_notes(const void *arg)
{
	const struct note_row *row = arg;
	char code[DH_STREAM_CODE_MAX + 1];
	CHECK_STR(dh_stream_note_split(row->note, code), row->text);
	CHECK_STR(code, row->code);
}

/* --- times that nothing can hold */

#define FAR (INT64_C(1) << 60) /* in a base of seconds */

static AVStream *new_stream(AVFormatContext **format, enum AVMediaType type, enum AVCodecID codec)
{
	*format = avformat_alloc_context();
	CHECK(*format);
	AVStream *stream = avformat_new_stream(*format, NULL);
	CHECK(stream);
	stream->time_base = (AVRational){ 1, 1 };
	stream->codecpar->codec_type = type;
	stream->codecpar->codec_id = codec;
	return stream;
}

static AVPacket *new_packet(const char *bytes, size_t size, int64_t pts, int64_t duration)
{
	AVPacket *packet = av_packet_alloc();
	CHECK(packet && av_new_packet(packet, (int)size) == 0);
	memcpy(packet->data, bytes, size);
	packet->pts = packet->dts = pts;
	packet->duration = duration;
	return packet;
}

/* When a packet of 20 ms is heard. */
static int64_t time_of(struct dh_track *track, int64_t pts, AVFrame *av)
{
	static const char silence[DH_VOICE_PACKET * 2];
	AVPacket *packet = new_packet(silence, sizeof silence, pts, 1);
	struct dh_frame frame = { 0 };
	struct dh_fault fault = { 0 };
	CHECK_INT(dh_track_send(track, packet, &fault), 0);
	CHECK_INT(dh_track_receive(track, av, &frame, &fault), 0);
	CHECK(frame.av);
	av_packet_free(&packet);
	return frame.pts_ticks / DH_TICKS_PER_MS;
}

/* They follow what came before. */
static void test_absurd_times(void)
{
	static const struct dh_track_kind kind;
	struct dh_fault fault = { 0 };
	struct dh_track *track = NULL;
	AVFormatContext *format;
	AVFrame *av = av_frame_alloc();
	AVStream *stream = new_stream(&format, AVMEDIA_TYPE_AUDIO, AV_CODEC_ID_PCM_S16LE);
	stream->codecpar->sample_rate = DH_VOICE_RATE;
	av_channel_layout_default(&stream->codecpar->ch_layout, 1);
	CHECK_INT(dh_track_alloc(&track, stream, DH_AUDIO, "x", 64, &kind, &fault), 0);
	CHECK_INT(time_of(track, 3, av), 3000);
	CHECK_INT(time_of(track, FAR, av), 3020);
	CHECK_INT(time_of(track, -FAR, av), 3040);
	CHECK_INT(time_of(track, AV_NOPTS_VALUE, av), 3060);
	CHECK_INT(time_of(track, 4, av), 4000);
	dh_track_free(&track);
	av_frame_free(&av);
	avformat_free_context(format);
}

static void test_absurd_cue(void)
{
	struct dh_fault fault = { 0 };
	struct dh_captions *captions = NULL;
	struct dh_stream_word word;
	AVFormatContext *format;
	AVStream *stream = new_stream(&format, AVMEDIA_TYPE_SUBTITLE, AV_CODEC_ID_SUBRIP);
	CHECK_INT(dh_captions_alloc(&captions, &fault), 0);
	CHECK_INT(dh_captions_begin(captions, stream, &fault), 0);
	AVPacket *first = new_packet("One", 3, -2, FAR), *second = new_packet("two", 3, 5, 1);
	CHECK_INT(dh_captions_send(captions, first, &fault), 0);
	CHECK_INT(dh_captions_send(captions, second, &fault), 0);
	dh_captions_place(captions, 0);
	CHECK(dh_captions_next(captions, &word));
	CHECK_STR(word.text, "One");
	CHECK_INT(word.to_ticks, 5 * DH_TICKS_PER_SECOND); /* until the next one */
	CHECK(dh_captions_next(captions, &word));
	CHECK_INT(word.to_ticks, 6 * DH_TICKS_PER_SECOND);
	av_packet_free(&first);
	av_packet_free(&second);
	dh_captions_free(&captions);
	avformat_free_context(format);
}

/* --- pictures that stand */

struct read_film {
	struct dh_stream_reader *reader;
	int pictures;
	int64_t last_ticks, last_duration_ticks, video_ticks;
};

static int feed_film(void *arg, const void *bytes, size_t size)
{
	return dh_stream_reader_push(((struct read_film *)arg)->reader, bytes, size);
}

static int see_film_unit(void *arg, struct dh_unit *unit)
{
	struct read_film *film = arg;
	film->pictures++;
	film->last_ticks = unit->pts_ticks;
	film->last_duration_ticks = unit->duration_ticks;
	return 0;
}

static int see_film_end(void *arg, const struct dh_stream_end *end)
{
	((struct read_film *)arg)->video_ticks = end->video_ticks;
	return 0;
}

#define FILM_SIDE 64
#define HOUR      (3600 * DH_TICKS_PER_SECOND)

/* Two pictures that stand for hours, the first until the second: a stream can say 99 minutes of each. */
static void test_pictures_that_stand(void)
{
	static const struct dh_stream_sink sink = { .unit = see_film_unit, .end = see_film_end };
	static const uint8_t i420[FILM_SIDE * FILM_SIDE * 3 / 2];
	const struct dh_stream_head head = { .has_video = true,
		.width = FILM_SIDE,
		.height = FILM_SIDE,
		.rate_den = 1 };
	const struct dh_video_config config = { .width = FILM_SIDE,
		.height = FILM_SIDE,
		.kbps = { 200 },
		.entry_ticks = DH_TICKS_PER_SECOND,
		.frame_ticks = DH_TICKS_PER_SECOND / 25,
		.speed = DH_SPEED_MAX,
		.speed_later = DH_SPEED_MAX };
	struct read_film film = { .reader = NULL };
	const struct dh_stream_writer writer = { feed_film, &film };
	struct dh_fault fault = { 0 };
	struct dh_stream_end end = { 0 };
	struct dh_output output;
	struct dh_film *made;
	dh_output_init(&output, &writer, &fault);
	CHECK_INT(dh_stream_reader_alloc(&film.reader, NULL, &sink, &film), 0);
	CHECK_INT(dh_film_alloc(&made, &config, 60, i420, &output, &fault), 0);
	CHECK_INT(dh_output_head(&output, &head, dh_film_video(made), NULL), 0);
	CHECK_INT(dh_film_push(made, i420, 0, 2 * HOUR, &fault), 0);
	CHECK_INT(dh_film_push(made, i420, 2 * HOUR, 3 * HOUR, &fault), 0);
	int code = dh_film_end(made, &end.video_ticks);
	CHECK(code == 0, "%d: %s", code, fault.text);
	code = dh_output_end(&output, &end);
	CHECK(code == 0, "%d: %s, %s", code, fault.text, dh_stream_reader_error(film.reader));
	CHECK_INT(dh_stream_reader_finish(film.reader), 0);
	CHECK_INT(film.pictures, 2);
	CHECK_INT(film.last_ticks, 2 * HOUR);
	CHECK_INT(film.last_duration_ticks, UINT32_MAX);
	CHECK_INT(film.video_ticks, 2 * HOUR + UINT32_MAX);
	dh_film_free(&made);
	dh_output_clear(&output);
	dh_stream_reader_free(&film.reader);
}

static const struct check_test tests[] = {
	TABLE(test_clock, clock_rows),
	TEST(test_clock_with_pauses),
	TEST(test_clock_with_a_wrong_time),
	TEST(test_seam),
	TABLE(test_restart, restart_rows),
	TEST(test_restart_after_a_late_picture),
	TABLE(test_reordered, reorder_rows),
	TEST(test_leading_pictures),
	TABLE(test_coded_order, coded_rows),
	TABLE(test_notes, note_rows),
	TEST(test_absurd_times),
	TEST(test_absurd_cue),
	TEST(test_pictures_that_stand),
};

int main(int argc, char **argv)
{
	return CHECK_MAIN(argc, argv, tests);
}
