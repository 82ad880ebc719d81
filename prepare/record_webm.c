/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "record_webm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libavformat/avformat.h>

#include "opus_head.h"
#include "playout/continuity.h"
#include "playout/timebase.h"
#include "playout/vp8.h"

#define BUFFER_BYTES   (64 * 1024)
#define PICTURE_MAX    (8 * 1024 * 1024)
#define KEY_FRAME_HEAD 10
/* How far one medium may be behind the other, or behind itself: pictures take less than a second to be sent. */
#define BEHIND_TICKS (60 * DH_TICKS_PER_SECOND)
/* How late a packet may come; longer than this process is stopped, or gets no processor. */
#define LATE_TICKS (12 * 3600 * DH_TICKS_PER_SECOND)
/* In the first byte of a picture (RFC 6386, 9.1), and of its descriptor (RFC 7741). */
#define IS_NO_KEY_FRAME 0x01
#define BEGINS_PICTURE  0x10

struct dh_record_webm {
	AVFormatContext *context;
	AVPacket *packet;
	int fd;
	int64_t written; /* bytes */
	bool has_header;
	int64_t latest_ticks, latest_received_us; /* of both media */
	int64_t time[2];                          /* timestamps as they are without their wrapping */
	int64_t next_pts[2];                      /* the first that is behind all in the file */
	uint16_t next_sequence;
	bool has_sequence, is_broken; /* of pictures; is_broken: until the next key frame */
	uint8_t *picture;
	size_t size;
};

/* --- the file */

#if LIBAVFORMAT_VERSION_MAJOR >= 61
typedef const uint8_t write_byte;
#else
typedef uint8_t write_byte;
#endif

static int write_bytes(void *arg, write_byte *bytes, int size)
{
	const struct dh_record_webm *webm = arg;

	for (int done = 0; done < size;) {
		ssize_t n = write(webm->fd, bytes + done, (size_t)(size - done));
		if (n < 0 && errno != EINTR)
			return AVERROR(errno);
		done += n > 0 ? (int)n : 0;
	}
	return size;
}

static int64_t seek(void *arg, int64_t offset, int whence)
{
	const struct dh_record_webm *webm = arg;
	struct stat st;

	if (whence == AVSEEK_SIZE)
		return fstat(webm->fd, &st) < 0 ? AVERROR(errno) : st.st_size;
	off_t at = lseek(webm->fd, offset, whence & ~AVSEEK_FORCE);
	return at < 0 ? AVERROR(errno) : at;
}

static int add_stream(struct dh_record_webm *webm, enum dh_media media)
{
	AVStream *stream = avformat_new_stream(webm->context, NULL);

	if (!stream)
		return AVERROR(ENOMEM);
	if (media == DH_AUDIO)
		return dh_opus_head_set(stream->codecpar);
	stream->codecpar->codec_type = AVMEDIA_TYPE_VIDEO;
	stream->codecpar->codec_id = AV_CODEC_ID_VP8;
	return 0;
}

static int open_file(struct dh_record_webm *webm, int folder, const char *name)
{
	uint8_t *buffer;

	webm->fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (webm->fd < 0)
		return AVERROR(errno);
	buffer = av_malloc(BUFFER_BYTES);
	if (buffer)
		webm->context->pb = avio_alloc_context(buffer, BUFFER_BYTES, 1, webm, NULL, write_bytes, seek);
	if (webm->context->pb)
		return 0;
	av_free(buffer);
	return AVERROR(ENOMEM);
}

static void set_tag(struct dh_record_webm *webm, const char *name, const char *value)
{
	if (value)
		av_dict_set(&webm->context->metadata, name, value, 0);
}

static int begin(struct dh_record_webm *webm, int folder, const char *name)
{
	int err = avformat_alloc_output_context2(&webm->context, NULL, "webm", NULL);

	webm->packet = av_packet_alloc();
	if (err >= 0 && !webm->packet)
		err = AVERROR(ENOMEM);
	for (int media = 0; media < 2 && err >= 0; media++)
		err = add_stream(webm, (enum dh_media)media);
	if (err < 0)
		return err;
	webm->context->flags |= AVFMT_FLAG_CUSTOM_IO;
	return open_file(webm, folder, name);
}

static int errno_of(int err)
{
	return err >= 0 ? 0 : AVUNERROR(err) > 0 && AVUNERROR(err) < 4096 ? err : -EIO;
}

int dh_record_webm_open(struct dh_record_webm **out, int folder, const char *name, int64_t begun_us, const char *title,
	const char *comment)
{
	struct dh_record_webm *webm = calloc(1, sizeof(*webm));

	*out = webm;
	if (!webm)
		return -ENOMEM;
	webm->fd = -1;
	webm->latest_received_us = begun_us;
	int err = errno_of(begin(webm, folder, name));
	if (err) {
		dh_record_webm_close(out);
		return err;
	}
	set_tag(webm, "title", title);
	set_tag(webm, "comment", comment);
	return 0;
}

int dh_record_webm_close(struct dh_record_webm **out)
{
	struct dh_record_webm *webm = *out;
	int err = 0;

	*out = NULL;
	if (!webm)
		return 0;
	if (webm->has_header)
		err = errno_of(av_write_trailer(webm->context));
	if (webm->context && webm->context->pb) {
		avio_flush(webm->context->pb);
		if (!err)
			err = errno_of(webm->context->pb->error);
		av_freep(&webm->context->pb->buffer);
		avio_context_free(&webm->context->pb);
	}
	if (webm->fd >= 0 && close(webm->fd) < 0 && !err)
		err = -errno;
	avformat_free_context(webm->context);
	av_packet_free(&webm->packet);
	free(webm->picture);
	free(webm);
	return err;
}

/* --- packets */

static uint32_t get(const uint8_t *at, int count)
{
	uint32_t value = 0;

	for (int i = 0; i < count; i++)
		value = value << 8 | at[i];
	return value;
}

/* The file counts milliseconds. Who joins may be sent the anchor less than one before the picture that belongs to it;
 * players show only one of two pictures with the same time. */
static int64_t next_pts(struct dh_record_webm *webm, enum dh_media media)
{
	AVRational clock = { 1, media == DH_VIDEO ? 90000 : 48000 };
	int64_t pts = av_rescale_q(webm->time[media], clock, webm->context->streams[media]->time_base);

	if (pts < webm->next_pts[media])
		pts = webm->next_pts[media];
	webm->next_pts[media] = pts + 1;
	return pts;
}

static int write_unit(struct dh_record_webm *webm, enum dh_media media, const uint8_t *bytes, size_t size, bool is_key)
{
	AVStream *stream = webm->context->streams[media];
	int err = av_new_packet(webm->packet, (int)size);

	if (err < 0)
		return -ENOMEM;
	memcpy(webm->packet->data, bytes, size);
	webm->packet->stream_index = stream->index;
	webm->packet->flags = is_key ? AV_PKT_FLAG_KEY : 0;
	webm->packet->pts = webm->packet->dts = next_pts(webm, media);
	return errno_of(av_interleaved_write_frame(webm->context, webm->packet));
}

static int append(struct dh_record_webm *webm, const uint8_t *bytes, size_t size)
{
	uint8_t *more = webm->size + size <= PICTURE_MAX ? realloc(webm->picture, webm->size + size) : NULL;

	if (!more)
		return -ENOMEM;
	memcpy(more + webm->size, bytes, size);
	webm->picture = more;
	webm->size += size;
	return 0;
}

/* Its size is in the key frame (RFC 6386, 9.1). */
static int write_header(struct dh_record_webm *webm)
{
	AVCodecParameters *par = webm->context->streams[DH_VIDEO]->codecpar;

	if (webm->size < KEY_FRAME_HEAD)
		return 0;
	par->width = (webm->picture[6] | webm->picture[7] << 8) & 0x3fff;
	par->height = (webm->picture[8] | webm->picture[9] << 8) & 0x3fff;
	int err = errno_of(avformat_write_header(webm->context, NULL));
	webm->has_header = !err;
	return err;
}

/* All of it has come. */
static int end_picture(struct dh_record_webm *webm)
{
	bool is_key = !(webm->picture[0] & IS_NO_KEY_FRAME);
	size_t size = webm->size;
	int err = is_key && !webm->has_header ? write_header(webm) : 0;

	webm->size = 0;
	webm->is_broken &= !is_key;
	if (err || webm->is_broken || !webm->has_header)
		return err;
	return write_unit(webm, DH_VIDEO, webm->picture, size, is_key);
}

static int picture_packet(struct dh_record_webm *webm, const uint8_t *rtp, size_t size)
{
	const uint8_t *payload = rtp + DH_RTP_HEADER_SIZE;
	size_t payload_size = size - DH_RTP_HEADER_SIZE;
	uint16_t sequence = (uint16_t)get(rtp + 2, 2);
	int err;

	if (payload_size <= DH_VP8_DESCRIPTOR_SIZE)
		return 0;
	if (webm->has_sequence && sequence != webm->next_sequence) {
		webm->is_broken = true;
		webm->size = 0;
	}
	webm->next_sequence = (uint16_t)(sequence + 1);
	webm->has_sequence = true;
	if (payload[0] & BEGINS_PICTURE)
		webm->size = 0;
	else if (!webm->size)
		return 0; /* its beginning is missing */
	err = append(webm, payload + DH_VP8_DESCRIPTOR_SIZE, payload_size - DH_VP8_DESCRIPTOR_SIZE);
	return !err && rtp[1] & 0x80 ? end_picture(webm) : err;
}

/* A timestamp has 32 bits, 13 hours of pictures, and nothing comes of a room as long as it is disabled. It stands for
 * the first time that is not more than BEHIND_TICKS before what has come already, nor earlier than the time of arrival
 * allows. */
static void unwrap(struct dh_record_webm *webm, enum dh_media media, int64_t received_us, uint32_t timestamp)
{
	int64_t clock_ticks = media == DH_VIDEO ? DH_TICKS_PER_VIDEO_CLOCK : DH_TICKS_PER_AUDIO_SAMPLE;
	int64_t passed_ticks = dh_ticks_from_ns((received_us - webm->latest_received_us) * 1000);
	int64_t from_ticks = webm->latest_ticks - BEHIND_TICKS;

	if (passed_ticks > LATE_TICKS)
		from_ticks += passed_ticks - LATE_TICKS;
	int64_t from = from_ticks / clock_ticks;
	webm->time[media] = from + (uint32_t)(timestamp - (uint32_t)from);
	if (webm->time[media] * clock_ticks >= webm->latest_ticks) {
		webm->latest_ticks = webm->time[media] * clock_ticks;
		webm->latest_received_us = received_us;
	}
}

int dh_record_webm_packet(struct dh_record_webm *webm, enum dh_media media, int64_t received_us, const uint8_t *rtp,
	size_t size)
{
	if (size <= DH_RTP_HEADER_SIZE)
		return 0;
	unwrap(webm, media, received_us, get(rtp + 4, 4));
	if (media == DH_VIDEO)
		return picture_packet(webm, rtp, size);
	if (!webm->has_header)
		return 0;
	return write_unit(webm, DH_AUDIO, rtp + DH_RTP_HEADER_SIZE, size - DH_RTP_HEADER_SIZE, true);
}
