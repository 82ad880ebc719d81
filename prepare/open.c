/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "open.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>
#include <libavutil/imgutils.h>

#include "accept.h"
#include "wav_pipe.h"

/* How much to read ahead if a container's header does not describe everything. */
#define ANALYZE_BYTES (4 * 1024 * 1024)
#define ANALYZE_US    (3 * 1000 * 1000)
/* The largest file of a picture that is taken from a pipe. */
#define STILL_BYTES (32 * 1024 * 1024)
/* Where Y4M states its size. */
#define Y4M_HEAD 128

/* A segment never refers to another file. */
static int refuse_open(AVFormatContext *format, AVIOContext **io, const char *url, int flags, AVDictionary **options)
{
	(void)format, (void)io, (void)url, (void)flags, (void)options;
	return AVERROR(EPERM);
}

/* Of a short file any byte 0x47, a letter G, is an MPEG-TS packet's beginning to FFmpeg. */
static bool is_guess(const AVInputFormat *found, int score)
{
	return strcmp(found->name, "mpegts") == 0 && score < AVPROBE_SCORE_RETRY;
}

static int detect(const AVInputFormat **found, bool *is_still, struct dh_input_bytes *input, const char *name,
	struct dh_fault *fault)
{
	int err = av_probe_input_buffer2(dh_input_bytes_io(input), found, "", NULL, 0, 0);
	if (err == AVERROR(ENOMEM))
		return dh_fault_memory(fault);
	if (err >= 0 && is_guess(*found, err))
		err = AVERROR_INVALIDDATA;
	if (err >= 0 && dh_accept_container(*found, is_still))
		return 0;
	if (dh_input_bytes_verdict(input, fault))
		return fault->code;
	if (err < 0)
		return dh_fault_set(fault, DH_PREPARE_FORMAT, "%s is not a media file, expected %s", name,
			dh_accept_containers_text());
	return dh_fault_set(fault, DH_PREPARE_FORMAT, "%s looks like %s (%s), which is not accepted, expected %s", name,
		(*found)->long_name ? (*found)->long_name : "an unknown format", (*found)->name,
		dh_accept_containers_text());
}

/* --- arrays */

static int raw_options(AVDictionary **options, const struct dh_raw *raw)
{
	char text[32];
	int err;
	if (raw->is_video) {
		err = av_dict_set(options, "pixel_format", raw->format, 0);
		snprintf(text, sizeof text, "%dx%d", raw->width, raw->height);
		err = err < 0 ? err : av_dict_set(options, "video_size", text, 0);
		snprintf(text, sizeof text, "%d/%d", raw->rate_num, raw->rate_den);
		return err < 0 ? err : av_dict_set(options, "framerate", text, 0);
	}
	err = av_dict_set_int(options, "sample_rate", raw->sample_rate, 0);
	snprintf(text, sizeof text,
		raw->channels == 1         ? "mono" :
			raw->channels == 2 ? "stereo" :
					     "%d channels",
		raw->channels);
	return err < 0 ? err : av_dict_set(options, "ch_layout", text, 0);
}

/* The length of the file reveals a wrong size or format. */
static int check_array(const struct dh_raw *raw, const struct dh_input_bytes *input, const char *name,
	struct dh_fault *fault)
{
	int64_t size = dh_input_bytes_file_size(input);
	if (!raw->is_video || !dh_input_bytes_is_file(input))
		return 0;
	int one = av_image_get_buffer_size(av_get_pix_fmt(raw->format), raw->width, raw->height, 1);
	if (one > 0 && size % one == 0)
		return 0;
	return dh_fault_set(fault, DH_PREPARE_FORMAT,
		"%s has %lld bytes, which is not a whole number of %s pictures of %dx%d (%d bytes each)", name,
		(long long)size, raw->format, raw->width, raw->height, one);
}

static int describe_array(const AVInputFormat **found, AVDictionary **options, const struct dh_raw *raw,
	struct dh_input_bytes *input, const char *name, struct dh_fault *fault)
{
	*found = av_find_input_format(raw->is_video ? "rawvideo" : raw->format);
	if (!*found)
		return dh_fault_set(fault, DH_PREPARE_USAGE, "%s: no such raw format: %s", name, raw->format);
	if (raw_options(options, raw) < 0)
		return dh_fault_memory(fault);
	return check_array(raw, input, name, fault);
}

/* --- opening */

/* The demuxer of Y4M refuses pictures of more bytes than may be allocated, without saying so. */
static int check_y4m(struct dh_input_bytes *input, const struct dh_source_config *config, struct dh_fault *fault)
{
	AVIOContext *io = dh_input_bytes_io(input);
	int64_t start = avio_tell(io);
	char head[Y4M_HEAD + 1];
	long width = 0, height = 0;
	int n = avio_read(io, (unsigned char *)head, Y4M_HEAD);
	head[n > 0 ? n : 0] = '\0';
	head[strcspn(head, "\n")] = '\0';
	for (const char *at = head; (at = strchr(at, ' ')); at++)
		if (at[1] == 'W')
			width = strtol(at + 2, NULL, 10);
		else if (at[1] == 'H')
			height = strtol(at + 2, NULL, 10);
	avio_seek(io, start, SEEK_SET); /* within its buffer */
	if (width <= config->max_side && height <= config->max_side)
		return 0;
	return dh_fault_set(fault, DH_PREPARE_LIMIT, "%s has pictures of %ldx%ld, at most %d a side is accepted",
		config->name, width, height, config->max_side);
}

/* Whether the header has all that the decoders need. Then nothing is read ahead, so
 * that a live input starts at once. */
static bool is_described(const AVFormatContext *format)
{
	if (format->ctx_flags & AVFMTCTX_NOHEADER)
		return false;
	for (unsigned i = 0; i < format->nb_streams; i++) {
		const AVCodecParameters *par = format->streams[i]->codecpar;
		if (par->codec_type == AVMEDIA_TYPE_VIDEO && (par->codec_id == AV_CODEC_ID_NONE || par->width <= 0))
			return false;
		if (par->codec_type == AVMEDIA_TYPE_AUDIO &&
			(par->codec_id == AV_CODEC_ID_NONE || par->sample_rate <= 0))
			return false;
	}
	return true;
}

/* Reads ahead, with options for the decoders that it opens. */
static int analyze(AVFormatContext *format, int max_side)
{
	AVDictionary **options = av_calloc(format->nb_streams + 1, sizeof *options);
	unsigned streams = format->nb_streams;
	int err = options ? 0 : AVERROR(ENOMEM);
	for (unsigned i = 0; i < streams && err >= 0; i++) {
		err = av_dict_set_int(&options[i], "max_pixels", (int64_t)(max_side + 64) * (max_side + 64), 0);
		if (err >= 0)
			err = av_dict_set_int(&options[i], "threads", 1, 0);
	}
	if (err >= 0)
		err = avformat_find_stream_info(format, options);
	for (unsigned i = 0; options && i < streams; i++)
		av_dict_free(&options[i]);
	av_free(options);
	return err;
}

static AVFormatContext *make_context(struct dh_input_bytes *input)
{
	AVFormatContext *format = avformat_alloc_context();
	if (!format)
		return NULL;
	format->pb = dh_input_bytes_io(input);
	format->flags |= AVFMT_FLAG_CUSTOM_IO;
	format->io_open = refuse_open;
	format->probesize = ANALYZE_BYTES;
	format->max_analyze_duration = ANALYZE_US;
	format->fps_probe_size = 3;
	format->max_streams = 64;
	format->codec_whitelist = dh_accept_decoder_names();
	format->protocol_whitelist = av_strdup("none");
	if (!format->codec_whitelist || !format->protocol_whitelist) {
		avformat_free_context(format);
		return NULL;
	}
	return format;
}

static int open_as(AVFormatContext **format, const AVInputFormat *found, AVDictionary **options, bool is_still,
	struct dh_input_bytes *input, const struct dh_source_config *config, struct dh_fault *fault)
{
	AVFormatContext *f = make_context(input);
	if (!f)
		return dh_fault_memory(fault);
	/* without a size, a demuxer of pictures asks for that of the file */
	if (is_still && !dh_input_bytes_is_file(input))
		av_dict_set_int(options, "frame_size", STILL_BYTES, 0);
	int err = avformat_open_input(&f, "", found, options); /* frees and clears `f` on failure */
	if (err >= 0 && !is_still && !is_described(f))
		err = analyze(f, config->max_side);
	if (err >= 0 && config->raw->is_video) /* which its demuxer does not set */
		f->streams[0]->avg_frame_rate = (AVRational){ config->raw->rate_num, config->raw->rate_den };
	if (err >= 0) {
		*format = f;
		return 0;
	}
	avformat_close_input(&f);
	if (err == AVERROR(ENOMEM))
		return dh_fault_memory(fault);
	if (dh_input_bytes_verdict(input, fault))
		return fault->code;
	if (err == AVERROR_EOF)
		return dh_fault_set(fault, DH_PREPARE_EMPTY,
			"%s has neither picture nor sound: it ends after its header", config->name);
	char why[AV_ERROR_MAX_STRING_SIZE];
	av_make_error_string(why, sizeof why, err);
	return dh_fault_set(fault, DH_PREPARE_FORMAT, "%s cannot be opened as %s: %s", config->name, found->name, why);
}

int dh_open(AVFormatContext **format, bool *is_still, struct dh_input_bytes *input,
	const struct dh_source_config *config, struct dh_fault *fault)
{
	const AVInputFormat *found = NULL;
	AVDictionary *options = NULL;
	struct dh_raw samples;
	int code;
	*is_still = false;
	if (config->raw->is_video || config->raw->is_audio)
		code = describe_array(&found, &options, config->raw, input, config->name, fault);
	else
		code = detect(&found, is_still, input, config->name, fault);
	if (!code && strcmp(found->name, "wav") == 0 && !dh_input_bytes_is_file(input) &&
		dh_wav_pipe(&samples, dh_input_bytes_io(input)))
		code = describe_array(&found, &options, &samples, input, config->name, fault);
	if (!code && strcmp(found->name, "yuv4mpegpipe") == 0)
		code = check_y4m(input, config, fault);
	if (!code)
		code = open_as(format, found, &options, *is_still, input, config, fault);
	av_dict_free(&options);
	return code;
}
