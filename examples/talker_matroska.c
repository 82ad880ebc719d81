/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Matroska (RFC 9559), live: a segment of unknown size, and a cluster for each
 * picture with its sound.
 */
#include "talker_containers.h"

/* Times are in units of 10 us, so that 33 frames a second are exact enough. */
#define TICK_NS          INT64_C(10000)
#define TICKS_PER_SECOND (INT64_C(1000000000) / TICK_NS)

#define SIZE_UNKNOWN UINT64_C(0x01ffffffffffffff)

/* An element's ID carries its own length marker. */
static void id(struct dh_bytes *bytes, uint32_t element)
{
	int count = 1;

	while (count < 4 && element >> (8 * count))
		count++;
	dh_bytes_number(bytes, element, count);
}

/* Always eight bytes, which keeps it simple. */
static void size(struct dh_bytes *bytes, uint64_t length)
{
	dh_bytes_number(bytes, UINT64_C(1) << 56 | length, 8);
}

static void number(struct dh_bytes *bytes, uint32_t element, uint64_t value)
{
	id(bytes, element);
	size(bytes, 8);
	dh_bytes_number(bytes, value, 8);
}

static void real(struct dh_bytes *bytes, uint32_t element, double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof(bits));
	number(bytes, element, bits);
}

static void text(struct dh_bytes *bytes, uint32_t element, const char *value)
{
	id(bytes, element);
	size(bytes, strlen(value));
	dh_bytes_put(bytes, value, strlen(value));
}

static void nest(struct dh_bytes *bytes, uint32_t element, const struct dh_bytes *inside)
{
	id(bytes, element);
	size(bytes, inside->size);
	dh_bytes_put(bytes, inside->data, inside->size);
	bytes->full |= inside->full;
}

static void video_track(struct dh_bytes *tracks, const struct dh_mux_format *format)
{
	struct dh_bytes track = { 0 }, video = { 0 };

	number(&video, 0xb0, (uint64_t)format->width);  /* PixelWidth */
	number(&video, 0xba, (uint64_t)format->height); /* PixelHeight */
	text(&video, 0x2eb524, "I420");                 /* UncompressedFourCC */
	number(&track, 0xd7, 1);                        /* TrackNumber */
	number(&track, 0x73c5, 1);                      /* TrackUID */
	number(&track, 0x83, 1);                        /* TrackType: video */
	number(&track, 0x9c, 0);                        /* FlagLacing */
	number(&track, 0x23e383,                        /* DefaultDuration, ns */
		(uint64_t)(INT64_C(1000000000) * format->fps_den / format->fps_num));
	text(&track, 0x86, "V_UNCOMPRESSED"); /* CodecID */
	nest(&track, 0xe0, &video);
	nest(tracks, 0xae, &track);
}

static void audio_track(struct dh_bytes *tracks, const struct dh_mux_format *format)
{
	struct dh_bytes track = { 0 }, audio = { 0 };

	real(&audio, 0xb5, format->sample_rate); /* SamplingFrequency */
	number(&audio, 0x9f, 1);                 /* Channels */
	number(&audio, 0x6264, 16);              /* BitDepth */
	number(&track, 0xd7, 2);
	number(&track, 0x73c5, 2);
	number(&track, 0x83, 2); /* TrackType: audio */
	number(&track, 0x9c, 0);
	text(&track, 0x86, "A_PCM/INT/LIT");
	nest(&track, 0xe1, &audio);
	nest(tracks, 0xae, &track);
}

static void words_track(struct dh_bytes *tracks)
{
	struct dh_bytes track = { 0 };

	number(&track, 0xd7, 3);
	number(&track, 0x73c5, 3);
	number(&track, 0x83, 0x11); /* TrackType: subtitle */
	number(&track, 0x9c, 0);
	text(&track, 0x86, "S_TEXT/UTF8");
	nest(tracks, 0xae, &track);
}

void dh_matroska_header(struct dh_bytes *bytes, const struct dh_mux_format *format)
{
	struct dh_bytes head = { 0 }, info = { 0 }, tracks = { 0 };

	number(&head, 0x4286, 1);        /* EBMLVersion */
	number(&head, 0x42f7, 1);        /* EBMLReadVersion */
	number(&head, 0x42f2, 4);        /* EBMLMaxIDLength */
	number(&head, 0x42f3, 8);        /* EBMLMaxSizeLength */
	text(&head, 0x4282, "matroska"); /* DocType */
	number(&head, 0x4287, 4);        /* DocTypeVersion */
	number(&head, 0x4285, 2);        /* DocTypeReadVersion */
	nest(bytes, 0x1a45dfa3, &head);

	id(bytes, 0x18538067); /* Segment */
	dh_bytes_number(bytes, SIZE_UNKNOWN, 8);
	number(&info, 0x2ad7b1, TICK_NS); /* TimestampScale */
	text(&info, 0x4d80, "dh-talker"); /* MuxingApp */
	text(&info, 0x5741, "dh-talker"); /* WritingApp */
	nest(bytes, 0x1549a966, &info);
	video_track(&tracks, format);
	if (format->sample_rate)
		audio_track(&tracks, format);
	if (format->sample_rate && format->has_words)
		words_track(&tracks);
	nest(bytes, 0x1654ae6b, &tracks);
}

#define BLOCK_HEAD 4 /* track, time within the cluster, flags */
#define BLOCK_COST (1 + 8 + BLOCK_HEAD)

static void block(struct dh_bytes *bytes, int track, int64_t ticks, size_t payload)
{
	id(bytes, 0xa3); /* SimpleBlock */
	size(bytes, BLOCK_HEAD + payload);
	dh_bytes_number(bytes, 0x80 | (uint64_t)track, 1);
	dh_bytes_number(bytes, (uint64_t)ticks, 2);
	dh_bytes_number(bytes, 0x80, 1); /* a key frame */
}

void dh_matroska_frame(struct dh_bytes *before_picture, struct dh_bytes *before_sound,
	const struct dh_mux_format *format, const struct dh_mux_frame *frame)
{
	int64_t start = frame->number * format->fps_den * TICKS_PER_SECOND / format->fps_num;
	struct dh_bytes time = { 0 };
	uint64_t inside;

	number(&time, 0xe7, (uint64_t)start); /* the cluster's Timestamp */
	inside = time.size + BLOCK_COST + frame->picture_size;
	if (frame->sound_size) {
		int64_t sound = frame->first_sample * TICKS_PER_SECOND / format->sample_rate;
		inside += BLOCK_COST + frame->sound_size;
		block(before_sound, 2, sound - start, frame->sound_size);
	}
	id(before_picture, 0x1f43b675); /* Cluster */
	size(before_picture, inside);
	dh_bytes_put(before_picture, time.data, time.size);
	block(before_picture, 1, 0, frame->picture_size);
}

/* In a cluster of its own: the one of its picture need not have space for it. */
void dh_matroska_word(struct dh_bytes *bytes, int64_t ms, const char *value)
{
	struct dh_bytes cluster = { 0 };

	number(&cluster, 0xe7, (uint64_t)(ms * (TICKS_PER_SECOND / 1000)));
	block(&cluster, 3, 0, strlen(value));
	dh_bytes_put(&cluster, value, strlen(value));
	nest(bytes, 0x1f43b675, &cluster);
}
