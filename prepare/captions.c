/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "captions.h"

#include <stdlib.h>
#include <string.h>

#include <libavcodec/avcodec.h>
#include <libavutil/mem.h>

#include "accept.h"
#include "cue.h"
#include "frame.h"
#include "playout/timebase.h"

/* The last cue, if it does not say how long it lasts: the usual pace of speech. */
#define CHARACTER_TICKS (DH_TICKS_PER_SECOND / 15)
/* A longer cue is not read to its end. */
#define CUE_BYTES 65536

struct dh_captions {
	AVStream *stream; /* the format context's; NULL: none */
	AVCodecContext *codec;
	char *held; /* a cue whose end is not known; NULL: none */
	int64_t held_ticks;
	struct dh_stream_word *words; /* not taken yet */
	int first, count, capacity;
	int placed;   /* so many of them */
	unsigned all; /* so many there have been */
	bool is_full;
};

static const AVRational ticks_base = { 1, (int)DH_TICKS_PER_SECOND };

int dh_captions_alloc(struct dh_captions **captions, struct dh_fault *fault)
{
	*captions = calloc(1, sizeof **captions);
	return *captions ? 0 : dh_fault_memory(fault);
}

void dh_captions_free(struct dh_captions **captions)
{
	struct dh_captions *c = *captions;

	*captions = NULL;
	if (!c)
		return;
	avcodec_free_context(&c->codec);
	free(c->held);
	free(c->words);
	free(c);
}

int dh_captions_begin(struct dh_captions *c, AVStream *stream, struct dh_fault *fault)
{
	const AVCodec *decoder = dh_accept_captions(stream->codecpar->codec_id);

	c->codec = avcodec_alloc_context3(decoder);
	if (!c->codec || avcodec_parameters_to_context(c->codec, stream->codecpar) < 0) {
		avcodec_free_context(&c->codec);
		return dh_fault_memory(fault);
	}
	c->stream = stream;
	c->codec->pkt_timebase = stream->time_base;
	if (avcodec_open2(c->codec, decoder, NULL) < 0)
		avcodec_free_context(&c->codec);
	return 0;
}

void dh_captions_end(struct dh_captions *c)
{
	avcodec_free_context(&c->codec);
	c->stream = NULL;
	free(c->held);
	c->held = NULL;
	c->count = c->placed;
}

int dh_captions_stream(const struct dh_captions *c)
{
	return c->stream ? c->stream->index : -1;
}

/* --- the words of a cue */

static int add(struct dh_captions *c, const struct dh_cue_word *word, int64_t from_ticks, int64_t to_ticks,
	struct dh_fault *fault)
{
	if (c->first + c->count == c->capacity) {
		int capacity = c->count * 2 + 64;
		struct dh_stream_word *words = malloc((size_t)capacity * sizeof *words);
		if (!words)
			return dh_fault_memory(fault);
		if (c->count)
			memcpy(words, c->words + c->first, (size_t)c->count * sizeof *words);
		free(c->words);
		c->words = words;
		c->capacity = capacity;
		c->first = 0;
	}
	struct dh_stream_word *new = &c->words[c->first + c->count++];
	*new = (struct dh_stream_word){ .from_ticks = from_ticks, .to_ticks = to_ticks };
	size_t size = word->size < DH_STREAM_WORD_MAX ? word->size : DH_STREAM_WORD_MAX;
	while (size < word->size && (word->text[size] & 0xc0) == 0x80)
		size--;
	memcpy(new->text, word->text, size);
	c->all++;
	return 0;
}

static int spread(struct dh_captions *c, const char *text, int64_t from_ticks, int64_t to_ticks, struct dh_fault *fault)
{
	int length = dh_cue_length(text), done = 0, code = 0;
	int64_t ticks = to_ticks > from_ticks ? to_ticks - from_ticks : 0;
	struct dh_cue_word word;

	while (!code && dh_cue_next(&text, &word)) {
		if (c->all >= DH_STREAM_WORDS_MAX) {
			c->is_full = true;
			break;
		}
		int begin = done + (word.is_apart && done > 0);
		done = begin + word.characters;
		code = add(c, &word, from_ticks + av_rescale(ticks, begin, length),
			from_ticks + av_rescale(ticks, done, length), fault);
	}
	return code;
}

/* The cue that is held lasts until `to_ticks`. */
static int release(struct dh_captions *c, int64_t to_ticks, struct dh_fault *fault)
{
	int code = c->held ? spread(c, c->held, c->held_ticks, to_ticks, fault) : 0;

	free(c->held);
	c->held = NULL;
	return code;
}

/* --- cues */

/* Behind "ReadOrder,Layer,Style,Name,MarginL,MarginR,MarginV,Effect,". */
static const char *text_of_event(const char *event)
{
	for (int i = 0; i < 8 && event; i++) {
		event = strchr(event, ',');
		event = event ? event + 1 : NULL;
	}
	return event ? event : "";
}

/* Decodes a packet. *text: what it says, to be freed. */
static int decode(struct dh_captions *c, const AVPacket *packet, char **text, struct dh_fault *fault)
{
	AVSubtitle subtitle = { 0 };
	AVPacket *copy = av_packet_clone(packet);
	int got = 0; /* FFmpeg wants no bool */
	size_t used = 0;

	*text = calloc(1, CUE_BYTES);
	if (!copy || !*text) {
		av_packet_free(&copy);
		free(*text);
		*text = NULL;
		return dh_fault_memory(fault);
	}
	if (c->codec)
		avcodec_decode_subtitle2(c->codec, &subtitle, &got, copy);
	for (unsigned i = 0; got && i < subtitle.num_rects; i++) {
		const char *event = subtitle.rects[i]->ass ? text_of_event(subtitle.rects[i]->ass) : "";
		size_t size = strnlen(event, CUE_BYTES - 2 - used);
		memcpy(*text + used, event, size);
		used += size;
		if (used < CUE_BYTES - 2)
			(*text)[used++] = ' ';
	}
	if (got)
		avsubtitle_free(&subtitle);
	av_packet_free(&copy);
	dh_cue_clean(*text);
	return 0;
}

static int take_cue(struct dh_captions *c, const AVPacket *packet, struct dh_fault *fault)
{
	int64_t from_ticks = av_rescale_q(packet->pts, c->stream->time_base, ticks_base);
	int64_t length_ticks = av_rescale_q(packet->duration, c->stream->time_base, ticks_base);
	char *text = NULL;
	int code = release(c, from_ticks, fault);

	if (!code)
		code = decode(c, packet, &text, fault);
	if (code || !text)
		return code;
	if (packet->duration > 0 && dh_time_is_sane(length_ticks)) {
		code = spread(c, text, from_ticks, from_ticks + length_ticks, fault);
	} else {
		c->held = strdup(text);
		c->held_ticks = from_ticks;
		code = c->held ? 0 : dh_fault_memory(fault);
	}
	free(text);
	return code;
}

int dh_captions_send(struct dh_captions *c, const AVPacket *packet, struct dh_fault *fault)
{
	if (!packet)
		return c->held ? release(c, c->held_ticks + dh_cue_length(c->held) * CHARACTER_TICKS, fault) : 0;
	if (c->is_full)
		return 0;
	return take_cue(c, packet, fault);
}

void dh_captions_place(struct dh_captions *c, int64_t origin_ticks)
{
	for (; c->placed < c->count; c->placed++) {
		struct dh_stream_word *word = &c->words[c->first + c->placed];
		word->from_ticks -= origin_ticks;
		word->to_ticks -= origin_ticks;
	}
}

bool dh_captions_next(struct dh_captions *c, struct dh_stream_word *word)
{
	if (!c->placed)
		return false;
	c->placed--;
	*word = c->words[c->first++];
	if (--c->count == 0)
		c->first = 0;
	return true;
}

bool dh_captions_is_full(const struct dh_captions *c)
{
	return c->is_full;
}
