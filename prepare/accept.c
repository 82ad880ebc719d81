/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "accept.h"

#include <string.h>

#include <libavutil/avstring.h>
#include <libavutil/bprint.h>

static const struct {
	const char *name; /* one of the demuxer's names */
	bool is_still;
} containers[] = {
	{ "mov", false },
	{ "matroska", false },
	{ "avi", false },
	{ "mpegts", false },
	{ "flv", false },
	{ "yuv4mpegpipe", false },
	{ "nut", false },
	{ "wav", false },
	{ "mp3", false },
	{ "flac", false },
	{ "ogg", false },
	{ "aac", false },
	{ "aiff", false },
	{ "caf", false },
	{ "au", false },
	{ "w64", false },
	{ "ac3", false },
	{ "eac3", false },
	{ "amr", false },
	{ "mpeg", false },
	{ "ivf", false },
	{ "gif", false },
	{ "apng", false },
	{ "png_pipe", true },
	{ "jpeg_pipe", true },
	{ "webp_pipe", true },
	{ "bmp_pipe", true },
	{ "tiff_pipe", true },
};

/* Named decoders, since FFmpeg may have several for a codec, some of them hardware. */
static const struct {
	enum AVCodecID codec;
	const char *decoder;
} codecs[] = {
	{ AV_CODEC_ID_H264, "h264" },
	{ AV_CODEC_ID_HEVC, "hevc" },
	{ AV_CODEC_ID_VP8, "vp8" },
	{ AV_CODEC_ID_VP9, "vp9" },
	{ AV_CODEC_ID_AV1, "libdav1d" },
	{ AV_CODEC_ID_AV1, "libaom-av1" },
	{ AV_CODEC_ID_MJPEG, "mjpeg" },
	{ AV_CODEC_ID_PRORES, "prores" },
	{ AV_CODEC_ID_RAWVIDEO, "rawvideo" },
	{ AV_CODEC_ID_PNG, "png" },
	{ AV_CODEC_ID_FFV1, "ffv1" },
	{ AV_CODEC_ID_MPEG4, "mpeg4" },
	{ AV_CODEC_ID_MPEG2VIDEO, "mpeg2video" },
	{ AV_CODEC_ID_MPEG1VIDEO, "mpeg1video" },
	{ AV_CODEC_ID_FLV1, "flv" },
	{ AV_CODEC_ID_H263, "h263" },
	{ AV_CODEC_ID_THEORA, "theora" },
	{ AV_CODEC_ID_QTRLE, "qtrle" },
	{ AV_CODEC_ID_DNXHD, "dnxhd" },
	{ AV_CODEC_ID_CFHD, "cfhd" },
	{ AV_CODEC_ID_HUFFYUV, "huffyuv" },
	{ AV_CODEC_ID_FFVHUFF, "ffvhuff" },
	{ AV_CODEC_ID_UTVIDEO, "utvideo" },
	{ AV_CODEC_ID_V210, "v210" },
	{ AV_CODEC_ID_GIF, "gif" },
	{ AV_CODEC_ID_APNG, "apng" },
	{ AV_CODEC_ID_WEBP, "webp" },
	{ AV_CODEC_ID_BMP, "bmp" },
	{ AV_CODEC_ID_TIFF, "tiff" },
	{ AV_CODEC_ID_AAC, "aac" },
	{ AV_CODEC_ID_MP3, "mp3float" },
	{ AV_CODEC_ID_MP3, "mp3" },
	{ AV_CODEC_ID_MP2, "mp2float" },
	{ AV_CODEC_ID_OPUS, "opus" },
	{ AV_CODEC_ID_VORBIS, "vorbis" },
	{ AV_CODEC_ID_FLAC, "flac" },
	{ AV_CODEC_ID_ALAC, "alac" },
	{ AV_CODEC_ID_AC3, "ac3" },
	{ AV_CODEC_ID_EAC3, "eac3" },
	{ AV_CODEC_ID_AMR_NB, "amrnb" },
	{ AV_CODEC_ID_AMR_WB, "amrwb" },
	{ AV_CODEC_ID_ADPCM_IMA_WAV, "adpcm_ima_wav" },
	{ AV_CODEC_ID_ADPCM_IMA_QT, "adpcm_ima_qt" },
	{ AV_CODEC_ID_ADPCM_MS, "adpcm_ms" },
	{ AV_CODEC_ID_ADPCM_SWF, "adpcm_swf" },
	{ AV_CODEC_ID_ADPCM_YAMAHA, "adpcm_yamaha" },
	{ AV_CODEC_ID_ADPCM_G722, "g722" },
	{ AV_CODEC_ID_ADPCM_G726, "g726" },
	{ AV_CODEC_ID_PCM_U8, "pcm_u8" },
	{ AV_CODEC_ID_PCM_S8, "pcm_s8" },
	{ AV_CODEC_ID_PCM_S16LE, "pcm_s16le" },
	{ AV_CODEC_ID_PCM_S16BE, "pcm_s16be" },
	{ AV_CODEC_ID_PCM_S24LE, "pcm_s24le" },
	{ AV_CODEC_ID_PCM_S24BE, "pcm_s24be" },
	{ AV_CODEC_ID_PCM_S32LE, "pcm_s32le" },
	{ AV_CODEC_ID_PCM_S32BE, "pcm_s32be" },
	{ AV_CODEC_ID_PCM_F32LE, "pcm_f32le" },
	{ AV_CODEC_ID_PCM_F32BE, "pcm_f32be" },
	{ AV_CODEC_ID_PCM_F64LE, "pcm_f64le" },
	{ AV_CODEC_ID_PCM_F64BE, "pcm_f64be" },
	{ AV_CODEC_ID_PCM_ALAW, "pcm_alaw" },
	{ AV_CODEC_ID_PCM_MULAW, "pcm_mulaw" },
	{ AV_CODEC_ID_PCM_DVD, "pcm_dvd" },
};

/* Whose usual decoder ignores it. */
static const struct {
	enum AVCodecID codec;
	const char *decoder;
} alpha_codecs[] = {
	{ AV_CODEC_ID_VP8, "libvpx" },
	{ AV_CODEC_ID_VP9, "libvpx-vp9" },
};

bool dh_accept_container(const AVInputFormat *format, bool *is_still)
{
	for (size_t i = 0; i < sizeof containers / sizeof *containers; i++)
		if (av_match_name(containers[i].name, format->name)) {
			*is_still = containers[i].is_still;
			return true;
		}
	return false;
}

const AVCodec *dh_accept_decoder(enum AVCodecID codec)
{
	for (size_t i = 0; i < sizeof codecs / sizeof *codecs; i++) {
		const AVCodec *decoder = codecs[i].codec == codec ? avcodec_find_decoder_by_name(codecs[i].decoder) :
								    NULL;
		if (decoder)
			return decoder;
	}
	return NULL;
}

const AVCodec *dh_accept_captions(enum AVCodecID codec)
{
	static const struct {
		enum AVCodecID codec;
		const char *decoder;
	} captions[] = {
		{ AV_CODEC_ID_WEBVTT, "webvtt" },
		{ AV_CODEC_ID_SUBRIP, "subrip" },
		{ AV_CODEC_ID_ASS, "ass" },
		{ AV_CODEC_ID_MOV_TEXT, "mov_text" },
		{ AV_CODEC_ID_TEXT, "text" },
	};

	for (size_t i = 0; i < sizeof captions / sizeof *captions; i++)
		if (captions[i].codec == codec)
			return avcodec_find_decoder_by_name(captions[i].decoder);
	return NULL;
}

const AVCodec *dh_accept_alpha_decoder(enum AVCodecID codec)
{
	for (size_t i = 0; i < sizeof alpha_codecs / sizeof *alpha_codecs; i++)
		if (alpha_codecs[i].codec == codec)
			return avcodec_find_decoder_by_name(alpha_codecs[i].decoder);
	return NULL;
}

char *dh_accept_decoder_names(void)
{
	AVBPrint names;
	char *text = NULL;
	av_bprint_init(&names, 512, AV_BPRINT_SIZE_UNLIMITED);
	for (size_t i = 0; i < sizeof codecs / sizeof *codecs; i++)
		av_bprintf(&names, "%s%s", i ? "," : "", codecs[i].decoder);
	for (size_t i = 0; i < sizeof alpha_codecs / sizeof *alpha_codecs; i++)
		av_bprintf(&names, ",%s", alpha_codecs[i].decoder);
	av_bprint_finalize(&names, &text);
	return text;
}

const char *dh_accept_containers_text(void)
{
	return "MP4, MOV, Matroska, WebM, AVI, MPEG-TS, MPEG-PS, FLV, Y4M, NUT, IVF, WAV, W64, AIFF, CAF, AU, MP3, "
	       "FLAC, Ogg, AAC, AC-3, E-AC-3, AMR, GIF, APNG, PNG, JPEG, WebP, AVIF, BMP, TIFF";
}

const char *dh_accept_codecs_text(void)
{
	return "H.264, HEVC, VP8, VP9, AV1, MPEG-4, MPEG-2, MPEG-1, H.263, FLV1, Theora, MJPEG, ProRes, DNxHD, "
	       "CineForm, QuickTime Animation, FFV1, HuffYUV, Ut Video, v210, GIF, PNG, WebP, BMP, TIFF, raw pictures; "
	       "AAC, MP3, MP2, AC-3, E-AC-3, Opus, Vorbis, FLAC, ALAC, AMR, ADPCM, PCM";
}
