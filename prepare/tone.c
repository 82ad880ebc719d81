/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tone.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include <libavutil/mastering_display_metadata.h>

#define WHITE_NITS   203.0
#define HLG_NITS     1000.0 /* of the screen that HLG is judged on */
#define PQ_NITS      10000.0
#define SCREEN_GAMMA 2.4
#define STEPS        4096
/* Tables of light are indexed by its square root, since the eye sees dark steps finer. */
#define STEP_OF(light) ((int)(sqrtf(light) * (STEPS - 1) + 0.5F))

struct dh_tone {
	enum AVColorTransferCharacteristic curve;
	double peak_nits;
	bool is_wide;        /* BT.2020's primaries */
	float linear[STEPS]; /* from a code to light: PQ's of 10,000 nits, HLG's of the scene */
	float screen[STEPS]; /* HLG: from the scene's luminance to the factor to PQ_NITS */
	float gain[STEPS];   /* from the largest component to the factor to 1 = white */
	uint8_t code[STEPS]; /* from light to a code for the screen */
};

/* --- curves */

static double pq_to_light(double code)
{
	double p = pow(code, 1 / 78.84375), n = p - 0.8359375;
	return n > 0 ? pow(n / (18.8515625 - 18.6875 * p), 1 / 0.1593017578125) : 0;
}

static double light_to_pq(double light)
{
	double p = pow(light, 0.1593017578125);
	return pow((0.8359375 + 18.8515625 * p) / (1 + 18.6875 * p), 78.84375);
}

static double hlg_to_scene(double code)
{
	return code <= 0.5 ? code * code / 3 : (exp((code - 0.55991073) / 0.17883277) + 0.28466892) / 12;
}

/* BT.2390's curve; both lights of 10,000 nits. */
static double compress(double light, double peak_nits)
{
	double source = light_to_pq(peak_nits / PQ_NITS), most = light_to_pq(WHITE_NITS / PQ_NITS) / source;
	double knee = 1.5 * most - 0.5, e = light_to_pq(light) / source;
	if (most >= 1 || e < knee)
		return light;
	double t = fmin((e - knee) / (1 - knee), 1);
	double t2 = t * t, t3 = t2 * t;
	e = (2 * t3 - 3 * t2 + 1) * knee + (t3 - 2 * t2 + t) * (1 - knee) + (3 * t2 - 2 * t3) * most;
	return pq_to_light(e * source);
}

static double peak_of(const AVFrame *frame)
{
	const AVFrameSideData *side = av_frame_get_side_data(frame, AV_FRAME_DATA_CONTENT_LIGHT_LEVEL);
	double nits = HLG_NITS;
	if (frame->color_trc != AVCOL_TRC_SMPTE2084)
		return nits;
	if (side && ((const AVContentLightMetadata *)side->data)->MaxCLL > 0) {
		nits = ((const AVContentLightMetadata *)side->data)->MaxCLL;
	} else if ((side = av_frame_get_side_data(frame, AV_FRAME_DATA_MASTERING_DISPLAY_METADATA))) {
		const AVMasteringDisplayMetadata *display = (const AVMasteringDisplayMetadata *)side->data;
		if (display->has_luminance && display->max_luminance.den > 0)
			nits = av_q2d(display->max_luminance);
	}
	return nits < WHITE_NITS ? WHITE_NITS : nits > PQ_NITS ? PQ_NITS : nits;
}

/* --- the table */

bool dh_tone_is_needed(const AVFrame *frame)
{
	return frame->color_trc == AVCOL_TRC_SMPTE2084 || frame->color_trc == AVCOL_TRC_ARIB_STD_B67;
}

static bool is_wide(const AVFrame *frame)
{
	return frame->color_primaries != AVCOL_PRI_BT709;
}

bool dh_tone_fits(const struct dh_tone *tone, const AVFrame *frame)
{
	return tone->curve == frame->color_trc && tone->peak_nits == peak_of(frame) && tone->is_wide == is_wide(frame);
}

struct dh_tone *dh_tone_new(const AVFrame *frame)
{
	struct dh_tone *tone = calloc(1, sizeof *tone);
	if (!tone)
		return NULL;
	tone->curve = frame->color_trc;
	tone->peak_nits = peak_of(frame);
	tone->is_wide = is_wide(frame);
	for (int i = 0; i < STEPS; i++) {
		double x = (double)i / (STEPS - 1), light = x * x;
		tone->linear[i] = (float)(tone->curve == AVCOL_TRC_SMPTE2084 ? pq_to_light(x) : hlg_to_scene(x));
		tone->screen[i] = (float)(i ? pow(light, 0.2) * HLG_NITS / PQ_NITS : 0);
		tone->gain[i] = (float)(i ? compress(light, tone->peak_nits) / light * PQ_NITS / WHITE_NITS :
					    PQ_NITS / WHITE_NITS);
		tone->code[i] = (uint8_t)lround(255 * pow(light, 1 / SCREEN_GAMMA));
	}
	return tone;
}

void dh_tone_free(struct dh_tone **tone)
{
	free(*tone);
	*tone = NULL;
}

/* --- pictures */

static void scale(float c[3], float factor)
{
	for (int i = 0; i < 3; i++)
		c[i] *= factor;
}

static void map_pixel(const struct dh_tone *tone, const uint16_t *from, uint8_t *to)
{
	static const float narrow[3][3] = { { 1.660491F, -0.587641F, -0.072850F },
		{ -0.124550F, 1.132900F, -0.008349F }, { -0.018151F, -0.100579F, 1.118730F } };
	float c[3];
	for (int i = 0; i < 3; i++)
		c[i] = tone->linear[from[i] >> 4];
	if (tone->curve == AVCOL_TRC_ARIB_STD_B67)
		scale(c, tone->screen[STEP_OF(0.2627F * c[0] + 0.6780F * c[1] + 0.0593F * c[2])]);
	float most = fmaxf(c[0], fmaxf(c[1], c[2]));
	scale(c, tone->gain[STEP_OF(fminf(most, 1))]);
	for (int i = 0; i < 3; i++) {
		float v = tone->is_wide ? narrow[i][0] * c[0] + narrow[i][1] * c[1] + narrow[i][2] * c[2] : c[i];
		to[i] = tone->code[STEP_OF(fminf(fmaxf(v, 0), 1))];
	}
}

void dh_tone_map(const struct dh_tone *tone, const AVFrame *from, AVFrame *to)
{
	for (int y = 0; y < from->height; y++) {
		const uint16_t *in = (const uint16_t *)(from->data[0] + (ptrdiff_t)y * from->linesize[0]);
		uint8_t *out = to->data[0] + (ptrdiff_t)y * to->linesize[0];
		for (int x = 0; x < from->width; x++, in += 3, out += 3)
			map_pixel(tone, in, out);
	}
}
