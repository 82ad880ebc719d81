/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "export.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libavformat/avformat.h>

#include "export_alpha.h"
#include "file.h"
#include "opus_head.h"
#include "playout/matte.h"
#include "playout/timebase.h"

#define BUFFER_BYTES (64 * 1024)

struct export
{
	AVFormatContext *webm;
	AVIOContext *io;
	AVPacket *packet;
	struct dh_file_writer file;
	bool has_file;
	const char *output, *to; /* as given; for messages */
	struct dh_fault *fault;
	int stream[2]; /* by enum dh_media */
	struct dh_unit *anchor;
	struct dh_export_alpha *alpha; /* NULL: the pictures are opaque */
	bool has_header;
	int pictures;
};

static int wrong(struct export *e, const char *what, int err)
{
	char why[AV_ERROR_MAX_STRING_SIZE];
	av_make_error_string(why, sizeof why, err);
	dh_fault_set(e->fault, err == AVERROR(ENOMEM) ? DH_PREPARE_MEMORY : DH_PREPARE_OUTPUT, "%s: %s: %s", e->to,
		what, why);
	return -EIO;
}

static int add_stream(struct export *e, enum dh_media media, const struct dh_stream_head *head)
{
	AVStream *st = avformat_new_stream(e->webm, NULL);
	if (!st)
		return wrong(e, "stream", AVERROR(ENOMEM));
	AVCodecParameters *par = st->codecpar;
	e->stream[media] = st->index;
	if (media == DH_VIDEO) {
		par->codec_type = AVMEDIA_TYPE_VIDEO;
		par->codec_id = AV_CODEC_ID_VP8;
		par->width = head->width;
		par->height = dh_head_height(head);
		if (e->alpha)
			par->format = AV_PIX_FMT_YUVA420P; /* the file says so */
		st->avg_frame_rate = (AVRational){ (int)head->rate_num, (int)head->rate_den };
		return 0;
	}
	return dh_opus_head_set(par) < 0 ? wrong(e, "stream", AVERROR(ENOMEM)) : 0;
}

/* --- the file */

#if LIBAVFORMAT_VERSION_MAJOR >= 61
typedef const uint8_t write_byte;
#else
typedef uint8_t write_byte;
#endif

static int write_bytes(void *arg, write_byte *bytes, int size)
{
	int err = dh_file_write(arg, bytes, (size_t)size);
	return err < 0 ? AVERROR(-err) : size;
}

static int64_t seek(void *arg, int64_t offset, int whence)
{
	const struct dh_file_writer *file = arg;
	struct stat st;
	if (whence == AVSEEK_SIZE)
		return fstat(file->fd, &st) < 0 ? AVERROR(errno) : st.st_size;
	off_t at = lseek(file->fd, offset, whence & ~AVSEEK_FORCE);
	return at < 0 ? AVERROR(errno) : at;
}

/* What is not a file of our own cannot be gone back in. */
static int open_file(struct export *e)
{
	int code = dh_file_create(&e->file, e->output, e->fault);
	if (code)
		return -EIO;
	e->has_file = true;
	uint8_t *buffer = av_malloc(BUFFER_BYTES);
	if (buffer)
		e->io = avio_alloc_context(buffer, BUFFER_BYTES, 1, &e->file, NULL, write_bytes,
			e->file.aside ? seek : NULL);
	if (!e->io) {
		av_free(buffer);
		return wrong(e, "cannot be written", AVERROR(ENOMEM));
	}
	e->webm->pb = e->io;
	e->webm->flags |= AVFMT_FLAG_CUSTOM_IO;
	return 0;
}

static int close_file(struct export *e, int code)
{
	if (e->io) {
		avio_flush(e->io);
		if (e->io->error < 0 && !code) {
			wrong(e, "cannot be written", e->io->error);
			code = e->fault->code;
		}
		av_freep(&e->io->buffer);
		avio_context_free(&e->io);
	}
	int finish = e->has_file ? dh_file_finish(&e->file, code == 0, e->fault) : 0;
	return code ? code : finish;
}

/* --- the segment */

static int on_head(void *arg, const struct dh_stream_head *head)
{
	struct export *e = arg;
	int err = avformat_alloc_output_context2(&e->webm, NULL, "webm", NULL);
	if (err < 0)
		return wrong(e, "cannot be written as WebM", err);
	if (head->has_video && head->has_matte && dh_export_alpha_alloc(&e->alpha, head, e->fault))
		return -EIO;
	err = head->has_video ? add_stream(e, DH_VIDEO, head) : 0;
	if (!err && head->has_audio)
		err = add_stream(e, DH_AUDIO, head);
	if (err)
		return err;
	err = open_file(e);
	if (err)
		return err;
	err = avformat_write_header(e->webm, NULL);
	if (err < 0)
		return wrong(e, "cannot be written", err);
	e->has_header = true;
	return 0;
}

/* Writes e->packet, which is the unit's. */
static int write_as(struct export *e, const struct dh_unit *unit, int64_t pts_ticks)
{
	AVStream *st = e->webm->streams[e->stream[unit->media]];
	AVRational ticks = { 1, (int)DH_TICKS_PER_SECOND };
	e->packet->stream_index = st->index;
	e->packet->pts = e->packet->dts = av_rescale_q(pts_ticks, ticks, st->time_base);
	e->packet->duration = av_rescale_q(unit->duration_ticks, ticks, st->time_base);
	int err = av_interleaved_write_frame(e->webm, e->packet);
	return err < 0 ? wrong(e, "cannot be written", err) : 0;
}

static int write_packet(struct export *e, const struct dh_unit *unit, int64_t pts_ticks, int key)
{
	int err = av_new_packet(e->packet, (int)unit->size);
	if (err < 0)
		return wrong(e, "packet", err);
	memcpy(e->packet->data, unit->data, unit->size);
	e->packet->flags = key ? AV_PKT_FLAG_KEY : 0;
	return write_as(e, unit, pts_ticks);
}

static int write_transparent(struct export *e, const struct dh_unit *unit)
{
	if (e->pictures++ == 0 && dh_export_alpha_push(e->alpha, e->anchor, true, e->packet, e->fault))
		return -EIO;
	if (dh_export_alpha_push(e->alpha, unit, false, e->packet, e->fault))
		return -EIO;
	return write_as(e, unit, unit->pts_ticks);
}

static int on_anchor(void *arg, struct dh_unit *anchor)
{
	struct export *e = arg;
	e->anchor = dh_unit_ref(anchor);
	return 0;
}

static int on_unit(void *arg, struct dh_unit *unit)
{
	struct export *e = arg;
	if (unit->flags & DH_UNIT_LEAD)
		return 0;
	if (unit->media == DH_AUDIO)
		return write_packet(e, unit, unit->pts_ticks, 1);
	if (e->alpha)
		return write_transparent(e, unit);
	if (e->pictures++ > 0)
		return write_packet(e, unit, unit->pts_ticks, 0);
	int err = write_packet(e, e->anchor, unit->pts_ticks, 1);
	return err ? err : write_packet(e, unit, unit->pts_ticks + DH_TICKS_PER_MS, 0);
}

static int on_failure(void *arg, int code, const char *text)
{
	struct export *e = arg;
	dh_fault_set(e->fault, DH_PREPARE_FORMAT, "the preparation of this segment failed: %s (code %d)", text, code);
	return -EIO;
}

int dh_export(const char *path, const char *to, struct dh_fault *fault)
{
	static const struct dh_stream_sink sink = { .head = on_head,
		.anchor = on_anchor,
		.unit = on_unit,
		.failure = on_failure };
	struct export e = { .output = to,
		.to = strcmp(to, "-") ? to : "standard output",
		.fault = fault,
		.packet = av_packet_alloc() };
	int code = e.packet ? 0 : dh_fault_memory(fault);
	if (!code)
		code = dh_file_read(path, &sink, &e, fault);
	if (e.has_header) {
		int trailer = av_write_trailer(e.webm);
		if (trailer < 0 && !code) {
			wrong(&e, "cannot be written", trailer);
			code = fault->code;
		}
	}
	code = close_file(&e, code);
	avformat_free_context(e.webm);
	av_packet_free(&e.packet);
	dh_export_alpha_free(&e.alpha);
	dh_unit_unref(&e.anchor);
	return code;
}
