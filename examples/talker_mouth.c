/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "talker_mouth.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

/* One row for all sounds that look alike. `weight`: how much the shape dominates
 * its neighbours: a vowel gives way, lips that must meet do not. */
struct viseme {
	const char *symbols; /* IPA, code point by code point */
	double weight;
	struct dh_mouth shape;
};

static const struct viseme table[] = {
	/* symbols                weight   open   wide  round  teeth tongue press tuck */
	{ "pbmɓʙ", 2.5, { 0.00, 0.05, 0.10, 0.0, 0.0, 1.0, 0.0 } },
	{ "fvɱʋ", 2.2, { 0.14, 0.10, 0.05, 1.0, 0.0, 0.0, 1.0 } },
	{ "θð", 1.6, { 0.24, 0.10, 0.00, 0.7, 1.0, 0.0, 0.0 } },
	{ "szʦʣ", 1.5, { 0.15, 0.35, 0.00, 1.0, 0.2, 0.0, 0.0 } },
	{ "tdnɾʈɖɳlɭɫɬʎɲ", 1.1, { 0.24, 0.15, 0.00, 0.8, 0.8, 0.0, 0.0 } },
	{ "ʃʒɕʑʂʐʧʤ", 1.8, { 0.22, -0.35, 0.65, 0.9, 0.1, 0.0, 0.0 } },
	{ "rɹɻɽ", 1.1, { 0.24, -0.25, 0.45, 0.5, 0.5, 0.0, 0.0 } },
	{ "wʍɥ", 1.7, { 0.14, -0.80, 1.00, 0.0, 0.1, 0.0, 0.0 } },
	{ "jʝç", 0.9, { 0.22, 0.50, 0.00, 0.7, 0.5, 0.0, 0.0 } },
	{ "kɡgŋxɣqɢχʁhɦħʕcɟʔɴʀ", 0.6, { 0.30, 0.05, 0.05, 0.4, 0.3, 0.0, 0.0 } },
	{ "iɪɨ", 1.0, { 0.32, 0.75, 0.00, 0.8, 0.4, 0.0, 0.0 } },
	{ "eɛɘ", 1.0, { 0.55, 0.50, 0.00, 0.7, 0.3, 0.0, 0.0 } },
	{ "æa", 1.0, { 0.90, 0.35, 0.00, 0.6, 0.2, 0.0, 0.0 } },
	{ "ɑɐʌɶ", 1.0, { 0.85, 0.05, 0.05, 0.5, 0.2, 0.0, 0.0 } },
	{ "əɜɚɝɤɵ", 0.8, { 0.45, 0.05, 0.10, 0.5, 0.3, 0.0, 0.0 } },
	{ "ɔɒ", 1.1, { 0.75, -0.35, 0.55, 0.2, 0.1, 0.0, 0.0 } },
	{ "oøœ", 1.1, { 0.52, -0.55, 0.80, 0.1, 0.2, 0.0, 0.0 } },
	{ "uʊyʏʉɯ", 1.2, { 0.28, -0.80, 1.00, 0.0, 0.2, 0.0, 0.0 } },
};
#define ROWS (sizeof(table) / sizeof(table[0]))

static const struct viseme rest = { .symbols = "", .weight = 0.9 };

/* How fast a shape fades outside its sound, and the same for lips that meet, which
 * open and close quickly. */
#define FADE_S 0.055
/* A long sound keeps its shape until shortly before its end. */
#define EDGE_S      0.030
#define LIPS_FADE_S 0.040
/* Lips stay closed for at least one frame at 25 fps, or nobody would see it. */
#define LIPS_HOLD_S 0.021
/* The lips move before the sound is heard. */
#define LEAD_S 0.020

/* The next code point of `text`; 0 at its end or where it is not UTF-8. */
static uint32_t next_symbol(const char **text)
{
	const unsigned char *byte = (const unsigned char *)*text;
	int more = *byte >= 0xf0 ? 3 : *byte >= 0xe0 ? 2 : *byte >= 0xc0 ? 1 : 0;
	uint32_t symbol = more ? *byte & (0x3fu >> more) : *byte;

	if (!*byte)
		return 0;
	while (more--) {
		if ((*++byte & 0xc0) != 0x80)
			return 0;
		symbol = symbol << 6 | (*byte & 0x3f);
	}
	*text = (const char *)byte + 1;
	return symbol;
}

static const struct viseme *look_up(uint32_t symbol)
{
	for (size_t i = 0; i < ROWS; i++) {
		const char *symbols = table[i].symbols;
		uint32_t candidate;
		while ((candidate = next_symbol(&symbols)) != 0)
			if (candidate == symbol)
				return &table[i];
	}
	return NULL;
}

/* The shapes of a phoneme, at most two (a diphthong, an affricate). Length and tone
 * marks have none; a name without a shape is a pause. */
static int shapes_of(const char *ipa, const struct viseme *found[2])
{
	int count = 0;
	uint32_t symbol;

	while (count < 2 && (symbol = next_symbol(&ipa)) != 0) {
		const struct viseme *row = look_up(symbol);
		if (row && (!count || found[0] != row))
			found[count++] = row;
	}
	if (!count)
		found[count++] = &rest;
	return count;
}

/* The weighted sum of the shapes around an instant. */
struct blend {
	double weight;
	struct dh_mouth sum;
	double press, tuck;
};

static double fade(double distance_s, double scale_s)
{
	return distance_s <= 0 ? 1 : exp(-(distance_s / scale_s) * (distance_s / scale_s));
}

static void add(struct blend *blend, const struct viseme *viseme, double from_s, double to_s, double now_s)
{
	double middle = (from_s + to_s) / 2, half = (to_s - from_s) / 2;
	double away = fabs(now_s - middle);
	double pull = viseme->weight * fade(away - fmax(half / 2, half - EDGE_S), FADE_S);
	double lips = fade(away - fmax(half * 0.6, LIPS_HOLD_S), LIPS_FADE_S);
	const struct dh_mouth *shape = &viseme->shape;

	blend->weight += pull;
	blend->sum.open += pull * shape->open;
	blend->sum.wide += pull * shape->wide;
	blend->sum.round += pull * shape->round;
	blend->sum.teeth += pull * shape->teeth;
	blend->sum.tongue += pull * shape->tongue;
	blend->press = fmax(blend->press, lips * shape->press);
	blend->tuck = fmax(blend->tuck, lips * shape->tuck);
}

void dh_mouth_at(struct dh_mouth *mouth, const struct dh_phoneme *phonemes, size_t count, double end_s, double now_s,
	size_t *first)
{
	struct blend blend = { .weight = 1e-6 };
	double at_s = now_s + LEAD_S;

	while (*first + 1 < count && phonemes[*first + 1].start_s < at_s - DH_MOUTH_REACH_S)
		++*first;
	if (!count || at_s < phonemes[0].start_s + DH_MOUTH_REACH_S)
		add(&blend, &rest, -1, count ? phonemes[0].start_s : 1, at_s);
	for (size_t i = *first; i < count && phonemes[i].start_s < at_s + DH_MOUTH_REACH_S; i++) {
		const struct viseme *shape[2];
		double from = phonemes[i].start_s;
		double to = i + 1 < count ? phonemes[i + 1].start_s : fmin(end_s, from + 0.2);
		double turn = from + (to - from) * 0.55;

		if (shapes_of(phonemes[i].ipa, shape) == 1) {
			add(&blend, shape[0], from, to, at_s);
		} else {
			add(&blend, shape[0], from, turn, at_s);
			add(&blend, shape[1], turn, to, at_s);
		}
	}
	if (at_s > end_s - DH_MOUTH_REACH_S)
		add(&blend, &rest, end_s, end_s + 1, at_s);

	mouth->open = blend.sum.open / blend.weight * (1 - blend.press) * (1 - 0.6 * blend.tuck);
	mouth->wide = blend.sum.wide / blend.weight;
	mouth->round = blend.sum.round / blend.weight;
	mouth->teeth = fmax(blend.sum.teeth / blend.weight, blend.tuck);
	mouth->tongue = blend.sum.tongue / blend.weight;
	mouth->press = blend.press;
	mouth->tuck = blend.tuck;
}

int dh_mouth_sample(size_t index, const char **ipa, struct dh_mouth *mouth)
{
	if (index > ROWS)
		return -1;
	*ipa = index ? table[index - 1].symbols : "";
	*mouth = index ? table[index - 1].shape : rest.shape;
	return 0;
}

/* Opens quickly and closes slowly, as a jaw does. What is hardly heard does not move it. */
void dh_mouth_loud(struct dh_mouth *mouth, double now, double before)
{
	double loud = fmax(now, 0.6 * before);

	*mouth = (struct dh_mouth){ 0 };
	if (loud < 0.06)
		return;
	mouth->open = 0.85 * pow(loud, 0.6);
	mouth->wide = 0.25 * (now - before);
	mouth->teeth = 0.35 * loud;
	mouth->tongue = 0.2 * loud;
}
