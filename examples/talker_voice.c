/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "talker_voice.h"

#include <errno.h>
#include <espeak-ng/speak_lib.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Sound comes in pieces of this length. */
#define PIECE_MS       60
#define PIECE_PHONEMES 64
#define PIECE_WORDS    16

/* espeak-ng's callback takes no argument, and there is one espeak-ng per process,
 * so this is one per process too. */
static struct {
	dh_voice_fn *hear;
	void *arg;
	const char *text;
	size_t said; /* bytes of it that have been in words */
	int result;
} speech;

static bool same(const char *a, const char *b, size_t length)
{
	return strlen(b) == length && !strncasecmp(a, b, length);
}

/* Whether the voice has that name, file or language. `languages` lists a priority
 * byte and a string for each, and ends with a zero byte. */
static bool answers_to(const espeak_VOICE *voice, const char *name, size_t length)
{
	const char *language = voice->languages;

	if (same(name, voice->name, length) || same(name, voice->identifier, length))
		return true;
	for (; *language; language += strlen(language) + 1)
		if (same(name, ++language, length))
			return true;
	return false;
}

/* Voices of other programs (MBROLA), which may not be installed. */
static bool is_foreign(const espeak_VOICE *voice)
{
	return !strncmp(voice->identifier, "mb/", 3);
}

/* Looks names up in espeak-ng's own list, never as a path from the caller. */
static const espeak_VOICE *find_voice(const char *name, size_t length)
{
	const espeak_VOICE **voice = espeak_ListVoices(NULL);

	for (; voice && *voice; voice++)
		if (!is_foreign(*voice) && answers_to(*voice, name, length))
			return *voice;
	return NULL;
}

/* Timbres are files named "!v/f3". */
static bool has_variant(const char *variant)
{
	espeak_VOICE wanted = { .languages = "variant" };
	const espeak_VOICE **voice = espeak_ListVoices(&wanted);

	for (; voice && *voice; voice++)
		if (!strcmp((*voice)->identifier + strcspn((*voice)->identifier, "/") + 1, variant))
			return true;
	return false;
}

static int select_voice(const struct dh_voice_settings *settings)
{
	const char *plus = strchr(settings->name, '+');
	size_t length = plus ? (size_t)(plus - settings->name) : strlen(settings->name);
	const char *variant = plus ? plus + 1 : settings->variant;
	const espeak_VOICE *voice = find_voice(settings->name, length);
	char file[200];

	if (!voice)
		return -ENOENT;
	/* Copied, since the next call frees the list. */
	snprintf(file, sizeof(file), "%s", voice->identifier);
	if (plus && !has_variant(variant))
		return -ENOENT;
	if (variant && strlen(file) + strlen(variant) + 2 < sizeof(file))
		snprintf(file + strlen(file), sizeof(file) - strlen(file), "+%s", variant);
	return espeak_SetVoiceByName(file) == EE_OK ? 0 : -ENOENT;
}

/* Phonemes have IPA names of at most 8 bytes; "(de)" marks a change of language. */
static bool take_phoneme(struct dh_phoneme *phoneme, const espeak_EVENT *event)
{
	if (event->type != espeakEVENT_PHONEME || event->id.string[0] == '(')
		return false;
	phoneme->start_s = event->audio_position / 1000.0;
	memcpy(phoneme->ipa, event->id.string, 8);
	phoneme->ipa[8] = 0;
	return true;
}

/* Where character number `n` of the text begins, from 0 on. */
static const char *character(const char *at, int n)
{
	for (; *at && n > 0; n--)
		for (at++; (*at & 0xc0) == 0x80; at++)
			;
	return at;
}

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Scripts that put no blanks between words have three bytes or more for a character. So have their punctuation marks,
 * and some of ours: in U+2000, U+3000 and U+FF00, and the 63 behind each. */
static bool is_alone(const char *at)
{
	return (unsigned char)*at >= 0xe0 && strncmp(at, "\xe2\x80", 2) != 0 && strncmp(at, "\xe3\x80", 2) != 0 &&
		strncmp(at, "\xef\xbc", 2) != 0;
}

/* The end of the word in which `at` is, with its punctuation. */
static const char *end_of_word(const char *at)
{
	while (*at && !is_blank(*at) && !is_alone(at))
		at = character(at, 1);
	return at;
}

/* What is spoken from now on. espeak-ng names the first of several words that it speaks as one ("to be"), and a number
 * for each of its parts: so a word is all that has not been in one, up to its end. At the end of a sentence that is
 * nothing, or what was spoken last. */
static bool take_word(struct dh_word *word, const espeak_EVENT *event)
{
	if (event->type != espeakEVENT_WORD && event->type != espeakEVENT_END)
		return false;
	const char *from = speech.text + speech.said, *to = from;
	if (event->text_position > 0)
		to = character(speech.text, event->text_position - 1);
	if (event->type == espeakEVENT_WORD) {
		for (; is_blank(*to); to++)
			;
		const char *end = end_of_word(to);
		to = end > to ? end : end_of_word(character(to, event->length));
		if (to <= from)
			return false;
	} else if (to > from && !is_blank(to[-1])) {
		to = end_of_word(to);
	}
	for (; from < to && is_blank(*from); from++)
		;
	for (; to > from && is_blank(to[-1]); to--)
		;
	size_t size = to > from ? (size_t)(to - from) : 0;
	if (size)
		speech.said = (size_t)(to - speech.text);
	if (size > DH_VOICE_WORD)
		for (size = DH_VOICE_WORD; size > 0 && (from[size] & 0xc0) == 0x80; size--)
			;
	memset(word, 0, sizeof(*word));
	word->start_s = event->audio_position / 1000.0;
	memcpy(word->text, from, size);
	return true;
}

static int on_sound(short *samples, int count, espeak_EVENT *event)
{
	struct dh_phoneme phonemes[PIECE_PHONEMES];
	struct dh_word words[PIECE_WORDS];
	struct dh_voice_piece piece = { .samples = samples, .phonemes = phonemes, .words = words };

	for (; event->type != espeakEVENT_LIST_TERMINATED; event++) {
		if (piece.phoneme_count < PIECE_PHONEMES)
			piece.phoneme_count += (size_t)take_phoneme(&phonemes[piece.phoneme_count], event);
		if (piece.word_count < PIECE_WORDS)
			piece.word_count += (size_t)take_word(&words[piece.word_count], event);
	}
	if (count > 0 && samples)
		piece.count = (size_t)count;
	speech.result = speech.hear(speech.arg, &piece);
	return speech.result < 0; /* 1 stops */
}

/* espeak-ng 1.51 looks for a sound server even when it plays nothing, and libpulse
 * then leaves folders in /tmp and in the home folder, or complains that it cannot. Here
 * it finds no server, and needs neither its configuration nor its cookie from home. */
static int initialise(int piece_ms, int options)
{
	setenv("PULSE_SERVER", "unix:/dev/null", 1);
	setenv("PULSE_CLIENTCONFIG", "/dev/null", 1);
	setenv("PULSE_COOKIE", "/dev/zero", 1);
	return espeak_Initialize(AUDIO_OUTPUT_SYNCHRONOUS, piece_ms, NULL, options | espeakINITIALIZE_DONT_EXIT);
}

int dh_voice_open(const struct dh_voice_settings *settings)
{
	int rate = initialise(PIECE_MS, espeakINITIALIZE_PHONEME_EVENTS | espeakINITIALIZE_PHONEME_IPA);
	int err;

	if (rate <= 0)
		return -EIO;
	err = select_voice(settings);
	if (err) {
		dh_voice_close();
		return err;
	}
	espeak_SetParameter(espeakRATE, settings->rate_wpm, 0);
	espeak_SetParameter(espeakPITCH, settings->pitch, 0);
	espeak_SetSynthCallback(on_sound);
	return rate;
}

void dh_voice_close(void)
{
	espeak_Terminate();
}

int dh_voice_speak(const char *text, dh_voice_fn *hear, void *arg)
{
	espeak_ERROR error;

	speech.hear = hear;
	speech.arg = arg;
	speech.text = text;
	speech.said = 0;
	speech.result = 0;
	error = espeak_Synth(text, strlen(text) + 1, 0, POS_CHARACTER, 0, espeakCHARS_UTF8, NULL, NULL);
	if (speech.result < 0)
		return speech.result;
	return error == EE_OK ? 0 : 1;
}

int dh_voice_list(FILE *file)
{
	const espeak_VOICE **voice;
	espeak_VOICE timbres = { .languages = "variant" };

	if (initialise(0, 0) <= 0)
		return -EIO;
	for (voice = espeak_ListVoices(NULL); voice && *voice; voice++)
		if (!is_foreign(*voice))
			fprintf(file, "%-14s %s\n", (*voice)->languages + 1, (*voice)->name);
	fprintf(file, "\nTimbres, as in en-gb+f3:");
	for (voice = espeak_ListVoices(&timbres); voice && *voice; voice++)
		fprintf(file, " %s", (*voice)->identifier + strcspn((*voice)->identifier, "/") + 1);
	fprintf(file, "\n");
	espeak_Terminate();
	return 0;
}
