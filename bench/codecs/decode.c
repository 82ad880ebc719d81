/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Decodes an IVF file with FFmpeg's decoders, and prints for each picture a line of JSON: its number in the file, its
 * checksum, and with a reference (raw I420) its SSIM, of the whole and of one rectangle.
 *
 *     [DECODER=NAME] decode FILE.ivf [REFERENCE.i420 SKIP [X,Y,W,H]]
 *
 * SKIP: so many pictures of the file (the anchor) have no counterpart in the reference. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/mem.h>
#include <libavutil/sha.h>

struct rectangle {
	int x, y, width, height;
};

/* SSIM of 8x8 windows, one every 4 samples, of luma. */
static double ssim(const uint8_t *a, int a_stride, const uint8_t *b, int b_stride, struct rectangle r)
{
	const double c1 = 6.5025 * 64 * 64, c2 = 58.5225 * 64 * 64;
	double sum = 0;
	int windows = 0;
	for (int y = r.y; y + 8 <= r.y + r.height; y += 4)
		for (int x = r.x; x + 8 <= r.x + r.width; x += 4, windows++) {
			int sa = 0, sb = 0, saa = 0, sbb = 0, sab = 0;
			for (int i = 0; i < 8; i++)
				for (int j = 0; j < 8; j++) {
					int p = a[(y + i) * a_stride + x + j], q = b[(y + i) * b_stride + x + j];
					sa += p, sb += q, saa += p * p, sbb += q * q, sab += p * q;
				}
			double ma = sa, mb = sb, va = 64.0 * saa - ma * ma, vb = 64.0 * sbb - mb * mb;
			double cov = 64.0 * sab - ma * mb;
			sum += (2 * ma * mb + c1) * (2 * cov + c2) / ((ma * ma + mb * mb + c1) * (va + vb + c2));
		}
	return windows ? sum / windows : 0;
}

/* SHA-1 of the picture as I420, which a browser can compute, too. */
static void checksum(const AVFrame *frame, char text[41])
{
	struct AVSHA *sha = av_sha_alloc();
	uint8_t sum[20];
	if (!sha || av_sha_init(sha, 160))
		exit(1);
	for (int plane = 0; plane < 3; plane++) {
		int width = plane ? (frame->width + 1) / 2 : frame->width;
		int height = plane ? (frame->height + 1) / 2 : frame->height;
		for (int y = 0; y < height; y++)
			av_sha_update(sha, frame->data[plane] + y * frame->linesize[plane], (size_t)width);
	}
	av_sha_final(sha, sum);
	av_free(sha);
	for (int i = 0; i < 20; i++)
		snprintf(text + 2 * i, 3, "%02x", sum[i]);
}

struct output {
	FILE *reference;
	int skip;
	struct rectangle part;
	uint8_t *picture;
	int64_t shown;
};

static void report(struct output *out, const AVFrame *frame)
{
	size_t luma = (size_t)frame->width * (size_t)frame->height;
	struct rectangle whole = { 0, 0, frame->width, frame->height };
	char sum[41];
	checksum(frame, sum);
	printf("{\"number\": %" PRId64 ", \"sum\": \"%s\"", frame->pts, sum);
	if (out->reference && out->shown++ >= out->skip) {
		if (!out->picture)
			out->picture = malloc(luma * 3 / 2);
		if (out->picture && fread(out->picture, luma * 3 / 2, 1, out->reference) == 1) {
			printf(", \"ssim\": %.5f",
				ssim(frame->data[0], frame->linesize[0], out->picture, frame->width, whole));
			if (out->part.width)
				printf(", \"part\": %.5f",
					ssim(frame->data[0], frame->linesize[0], out->picture, frame->width,
						out->part));
		}
	}
	printf("}\n");
}

static int drain(AVCodecContext *codec, AVFrame *frame, struct output *out)
{
	int err;
	while (!(err = avcodec_receive_frame(codec, frame)))
		report(out, frame);
	return err == AVERROR(EAGAIN) || err == AVERROR_EOF ? 0 : err;
}

static AVCodecContext *open_decoder(AVFormatContext *file)
{
	AVCodecParameters *kind = file->streams[0]->codecpar;
	const char *name = getenv("DECODER");
	const AVCodec *decoder = name ? avcodec_find_decoder_by_name(name) : avcodec_find_decoder(kind->codec_id);
	AVCodecContext *codec = avcodec_alloc_context3(decoder);
	if (!codec || avcodec_parameters_to_context(codec, kind) < 0)
		return NULL;
	codec->thread_count = 1;
	codec->flags |= AV_CODEC_FLAG_LOW_DELAY;
	return avcodec_open2(codec, decoder, NULL) < 0 ? NULL : codec;
}

int main(int argc, char **argv)
{
	AVFormatContext *file = NULL;
	AVPacket *packet = av_packet_alloc();
	AVFrame *frame = av_frame_alloc();
	struct output out = { NULL };
	int errors = 0;
	if (argc < 2 || avformat_open_input(&file, argv[1], NULL, NULL) < 0 || file->nb_streams < 1)
		return 2;
	AVCodecContext *codec = open_decoder(file);
	if (!codec)
		return 2;
	if (argc > 3) {
		out.reference = fopen(argv[2], "rb");
		out.skip = atoi(argv[3]);
	}
	if (argc > 4)
		sscanf(argv[4], "%d,%d,%d,%d", &out.part.x, &out.part.y, &out.part.width, &out.part.height);
	while (av_read_frame(file, packet) >= 0) {
		errors += avcodec_send_packet(codec, packet) < 0;
		errors += drain(codec, frame, &out) < 0;
		av_packet_unref(packet);
	}
	avcodec_send_packet(codec, NULL);
	errors += drain(codec, frame, &out) < 0;
	if (errors)
		fprintf(stderr, "decode: %d errors\n", errors);
	free(out.picture);
	return errors ? 1 : 0;
}
