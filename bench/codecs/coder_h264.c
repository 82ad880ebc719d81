/* SPDX-License-Identifier: GPL-3.0-or-later */
/* H.264 by OpenH264, whose long-term reference is the IDR picture: no other is ever marked. */
#include "coder.h"

#include <stdio.h>
#include <string.h>

#include <wels/codec_api.h>

#define BYTES_MAX (4 << 20)

static struct settings settings;
static ISVCEncoder *encoder;
static SEncParamExt params;
static uint8_t bytes[BYTES_MAX];
static const unsigned idr_pic_id = 1; /* of its first IDR picture */

static int fault(const char *what)
{
	fprintf(stderr, "OpenH264: %s\n", what);
	return -1;
}

static void quantize(int finest, int coarsest)
{
	params.iRCMode = settings.kbps ? RC_BITRATE_MODE : RC_OFF_MODE;
	params.iTargetBitrate = params.sSpatialLayers[0].iSpatialBitrate = settings.kbps * 1000;
	params.iMaxBitrate = params.sSpatialLayers[0].iMaxSpatialBitrate = UNSPECIFIED_BIT_RATE;
	params.iMinQp = finest;
	params.iMaxQp = coarsest;
	params.sSpatialLayers[0].iDLayerQp = finest;
}

static int start(const struct settings *wanted)
{
	int format = videoFormatI420, quantizer;
	settings = *wanted;
	quantizer = settings.key_quantizer ? settings.key_quantizer : settings.quantizer;
	if (WelsCreateSVCEncoder(&encoder))
		return fault("create");
	(*encoder)->GetDefaultParams(encoder, &params);
	params.iUsageType = CAMERA_VIDEO_REAL_TIME;
	params.iPicWidth = settings.width;
	params.iPicHeight = settings.height;
	params.fMaxFrameRate = (float)settings.fps;
	params.iTemporalLayerNum = params.iSpatialLayerNum = 1;
	params.iComplexityMode = settings.speed ? (ECOMPLEXITY_MODE)settings.speed : LOW_COMPLEXITY;
	params.uiIntraPeriod = 0;
	params.eSpsPpsIdStrategy = CONSTANT_ID;
	params.iEntropyCodingModeFlag = 1;
	params.bEnableFrameSkip = false;
	params.bEnableLongTermReference = settings.is_anchored;
	params.iLTRRefNum = settings.is_anchored ? 1 : 0;
	params.iLtrMarkPeriod = 1u << 30; /* no further one */
	params.iMultipleThreadIdc = 1;
	params.bEnableDenoise = params.bEnableBackgroundDetection = false;
	params.bEnableAdaptiveQuant = params.bEnableSceneChangeDetect = false;
	params.sSpatialLayers[0].iVideoWidth = settings.width;
	params.sSpatialLayers[0].iVideoHeight = settings.height;
	params.sSpatialLayers[0].fFrameRate = (float)settings.fps;
	params.sSpatialLayers[0].uiProfileIdc = PRO_MAIN;
	params.sSpatialLayers[0].sSliceArgument.uiSliceMode = SM_SINGLE_SLICE;
	quantize(quantizer, quantizer);
	if ((*encoder)->InitializeExt(encoder, &params))
		return fault("open");
	if ((*encoder)->SetOption(encoder, ENCODER_OPTION_DATAFORMAT, &format))
		return fault("format");
	return 0;
}

static int refer(void)
{
	SLTRRecoverRequest request = { LTR_RECOVERY_REQUEST, idr_pic_id, 0, -1, 0 };
	return (*encoder)->SetOption(encoder, ENCODER_LTR_RECOVERY_REQUEST, &request) ? fault("recovery") : 0;
}

static void gather(const SFrameBSInfo *info, struct access_unit *unit)
{
	unit->bytes = bytes;
	unit->size = 0;
	for (int i = 0; i < info->iLayerNum; i++) {
		const SLayerBSInfo *layer = &info->sLayerInfo[i];
		size_t size = 0;
		for (int n = 0; n < layer->iNalCount; n++)
			size += (size_t)layer->pNalLengthInByte[n];
		if (unit->size + size > sizeof bytes)
			return;
		memcpy(bytes + unit->size, layer->pBsBuf, size);
		unit->size += size;
	}
}

static int encode(const uint8_t *i420, enum kind kind, int64_t number, struct access_unit *unit)
{
	SFrameBSInfo info;
	SSourcePicture picture = { .iColorFormat = videoFormatI420,
		.iPicWidth = settings.width,
		.iPicHeight = settings.height,
		.uiTimeStamp = number * 1000 / settings.fps };
	size_t luma = (size_t)settings.width * (size_t)settings.height;
	memset(&info, 0, sizeof info);
	picture.iStride[0] = settings.width;
	picture.iStride[1] = picture.iStride[2] = settings.width / 2;
	picture.pData[0] = (uint8_t *)i420;
	picture.pData[1] = picture.pData[0] + luma;
	picture.pData[2] = picture.pData[1] + luma / 4;
	if (number == 1) {
		quantize(settings.quantizer, settings.kbps ? settings.coarsest : settings.quantizer);
		if (settings.key_quantizer &&
			(*encoder)->SetOption(encoder, ENCODER_OPTION_SVC_ENCODE_PARAM_EXT, &params))
			return fault("settings");
	}
	if (kind == KEY && number > 0)
		(*encoder)->ForceIntraFrame(encoder, true);
	/* the first frame behind the anchor predicts from it anyhow, and a request would find nothing */
	if (kind == ENTRY && number > 1 && refer())
		return -1;
	if ((*encoder)->EncodeFrame(encoder, &picture, &info) || info.eFrameType == videoFrameTypeSkip)
		return fault("encode");
	if (number > 0 && kind != KEY && info.eFrameType == videoFrameTypeIDR && settings.is_anchored)
		return fault("an IDR picture that nobody asked for");
	gather(&info, unit);
	return 0;
}

static void stop(void)
{
	(*encoder)->Uninitialize(encoder);
	WelsDestroySVCEncoder(encoder);
}

const struct coder coder_h264 = { "h264", "H264", start, encode, stop };
