/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dh-talker: text in, a spoken segment out.
 *
 * A generator, as this project calls them: a program that makes matching picture
 * and speech. This one needs no network and no graphics card and is meant to be
 * read; yours does the same with better models:
 *
 *     text ─► voice ─► sound, phonemes ─► mouth ─┐
 *                               time ─► motion ─► pose ─► face ─► mux ─► output
 *
 * Each picture is written as soon as it is drawn. See docs/generators.md.
 */
#include "talker_options.h"

#include "talker_face.h"
#include "talker_motion.h"
#include "talker_mux.h"
#include "talker_speech.h"
#include "talker_spoken.h"
#include "talker_text.h"
#include "talker_voice.h"
#include "talker_wav.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The mouth gets ready before the first sound and relaxes after the last. */
#define LEAD_S 0.10
#define TAIL_S 0.12
/* Between sentences that are spoken one by one; espeak-ng's own pause, nearly. */
#define PAUSE_S 0.16

/* How much of the speech must be known beyond a picture to draw it. */
#define LOOK_AHEAD_S DH_MOTION_REACH_S

/* Sample rate of idle and marked clips: espeak-ng's. */
#define PLAIN_RATE 22050

/* Marks: once a second a flash and a beep start together. */
#define MARK_PHASE_S 0.52
#define FLASH_S      0.12
#define BEEP_S       0.10
#define BEEP_HZ      1000.0
#define BEEP_LEVEL   0.6

struct film {
	const struct dh_talker_options *options;
	struct dh_speech speech;
	struct dh_spoken spoken;
	struct dh_motion motion;
	struct dh_face *face;
	struct dh_mux *mux;
	int fd;
	int64_t frames;       /* written so far */
	size_t first_phoneme; /* dh_mouth_at's memory */
	double piece_s;       /* when the sentences begin that are being spoken */
};

static double frame_s(const struct film *film, int64_t number)
{
	return (double)number * film->options->fps_den / film->options->fps_num;
}

static size_t frame_sample(const struct film *film, int64_t number)
{
	return (size_t)(number * film->options->fps_den * film->speech.rate / film->options->fps_num);
}

/* The frame with which the n-th mark begins: the first one at or after its time. */
static int64_t mark_frame(const struct film *film, int64_t n)
{
	double at = ((double)n + MARK_PHASE_S) * film->options->fps_num / film->options->fps_den;

	return (int64_t)ceil(at - 1e-6);
}

static bool is_flash(const struct film *film, int64_t number)
{
	double now = frame_s(film, number);
	int64_t n = (int64_t)now;

	for (int64_t mark = n > 0 ? n - 1 : 0; mark <= n; mark++) {
		double since = now - frame_s(film, mark_frame(film, mark));
		if (since > -1e-6 && since < FLASH_S - 1e-6)
			return true;
	}
	return false;
}

/* Called with the first picture, so that a run without speech creates no file. */
static int open_output(struct film *film)
{
	const struct dh_talker_options *options = film->options;
	struct dh_mux_format format = {
		.container = options->container,
		.width = options->width,
		.height = options->height,
		.fps_num = options->fps_num,
		.fps_den = options->fps_den,
		.sample_rate = options->kind == DH_MAKE_IDLE ? 0 : film->speech.rate,
		.has_words = options->kind == DH_MAKE_SPEECH,
	};

	film->fd = STDOUT_FILENO;
	if (options->output)
		film->fd = open(options->output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	return film->fd < 0 ? -errno : dh_mux_alloc(&film->mux, film->fd, &format);
}

static void shape_mouth(struct film *film, struct dh_mouth *mouth, double now_s, double end_s)
{
	const struct dh_speech *speech = &film->speech;

	dh_mouth_at(mouth, speech->phonemes, speech->phoneme_count, end_s - TAIL_S, now_s, &film->first_phoneme);
	mouth->open *= 0.65 + 0.35 * fmin(1, 2 * dh_speech_loudness(speech, now_s));
}

/* Draws and writes the next picture, and the sound until the one after it. */
static int shoot(struct film *film, double end_s)
{
	const struct dh_speech *speech = &film->speech;
	double now_s = frame_s(film, film->frames);
	size_t from = frame_sample(film, film->frames), to = frame_sample(film, film->frames + 1);
	struct dh_pose pose;
	const uint8_t *picture;

	dh_motion_at(&pose, &film->motion, now_s, end_s, speech->stresses, speech->stress_count);
	if (film->options->kind == DH_MAKE_SOUND)
		dh_mouth_loud(&pose.mouth, dh_speech_loudness(speech, now_s), dh_speech_loudness(speech, now_s - 0.06));
	else
		shape_mouth(film, &pose.mouth, now_s, end_s);
	picture = dh_face_draw(film->face, &pose, film->options->kind == DH_MAKE_MARKS && is_flash(film, film->frames));
	if (!picture)
		return -ENOMEM;
	if (!film->mux) {
		int err = open_output(film);
		if (err)
			return err;
	}
	film->frames++;
	int err = dh_spoken_write(&film->spoken, film->mux, frame_s(film, film->frames));
	if (err)
		return err;
	if (film->options->kind == DH_MAKE_IDLE)
		return dh_mux_write(film->mux, picture, NULL, 0);
	return dh_mux_write(film->mux, picture, speech->samples + from, to - from);
}

/* More speech: draws every picture for which enough is known now. */
static int on_speech(void *arg, const struct dh_voice_piece *piece)
{
	struct film *film = arg;
	int err = dh_spoken_add(&film->spoken, film->piece_s, piece->words, piece->word_count);

	if (!err)
		err = dh_speech_add(&film->speech, film->piece_s, piece->samples, piece->count, piece->phonemes,
			piece->phoneme_count);
	while (!err && frame_s(film, film->frames + 1) + LOOK_AHEAD_S < dh_speech_known_s(&film->speech))
		err = shoot(film, INFINITY);
	return err;
}

/* Draws the rest. The segment lasts `length_s` rounded up to whole pictures; the
 * sound is made equally long. */
static int finish(struct film *film, double length_s)
{
	int64_t total = (int64_t)ceil(length_s * film->options->fps_num / film->options->fps_den - 1e-6);
	int err = dh_speech_resize(&film->speech, frame_sample(film, total));

	while (!err && film->frames < total)
		err = shoot(film, frame_s(film, total));
	return err ? err : dh_mux_end(film->mux);
}

/* --- kinds of segments */

/* Nothing more is known for now: draws what can be heard already. */
static int catch_up(struct film *film)
{
	int err = 0;

	while (!err && frame_s(film, film->frames + 1) <= dh_speech_known_s(&film->speech))
		err = shoot(film, INFINITY);
	return err;
}

static int speak_piece(struct film *film, const char *piece)
{
	const struct dh_phoneme pause = { 0 };
	size_t gap = film->piece_s > 0 ? (size_t)(PAUSE_S * film->speech.rate) : 0;
	int err = dh_speech_resize(&film->speech, film->speech.count + gap);

	film->piece_s = dh_speech_known_s(&film->speech);
	if (!err)
		err = dh_voice_speak(piece, on_speech, film);
	if (err > 0)
		return dh_complain(DH_EXIT_INTERNAL, "espeak-ng cannot speak this");
	/* The mouth closes until the next sentence. */
	return err ? err : dh_speech_add(&film->speech, dh_speech_known_s(&film->speech), NULL, 0, &pause, 1);
}

/* Speaks the text, sentence by sentence while it is being written. */
static int speak_all(struct film *film, struct dh_text *text)
{
	const char *piece = NULL;
	int err;

	for (;;) {
		err = piece && !dh_text_is_ready(text) ? catch_up(film) : 0;
		if (!err)
			err = dh_text_next(text, &piece);
		if (err || !piece)
			return err;
		err = speak_piece(film, piece);
		if (err)
			return err;
	}
}

/* At least as long as the head takes to come to rest. */
static double length_s(const struct film *film)
{
	double speech_s = dh_speech_known_s(&film->speech) + TAIL_S;

	return film->frames ? fmax(speech_s, frame_s(film, film->frames) + DH_MOTION_REACH_S) : speech_s;
}

static int make_speech(struct film *film)
{
	const struct dh_talker_options *options = film->options;
	struct dh_voice_settings settings = {
		.name = options->voice,
		.variant = options->look->voice_variant,
		.rate_wpm = options->rate_wpm,
		.pitch = options->pitch,
	};
	struct dh_text text;
	int rate, err = 0;

	if (options->word_count)
		err = dh_text_set(&text, options->word_count, options->words);
	else
		dh_text_read_from(&text, STDIN_FILENO);
	if (err)
		return err;
	rate = dh_voice_open(&settings);
	if (rate == -ENOENT)
		return dh_complain(DH_EXIT_VOICE, "no voice '%s'; --voices lists them", options->voice);
	if (rate < 0)
		return dh_complain(DH_EXIT_INTERNAL, "espeak-ng cannot be started");
	err = dh_speech_init(&film->speech, rate, LEAD_S);
	if (!err)
		err = speak_all(film, &text);
	if (!err && !film->frames && dh_speech_known_s(&film->speech) <= LEAD_S)
		err = dh_complain(DH_EXIT_TEXT, "nothing in the text can be spoken");
	if (!err)
		err = finish(film, length_s(film));
	dh_voice_close();
	return err;
}

/* A voice that exists already. */
static int make_sound(struct film *film)
{
	const char *path = film->options->audio;
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : STDIN_FILENO;
	int16_t samples[512];
	struct dh_wav wav;
	long n = 0;
	int err;

	if (fd < 0)
		return dh_complain(DH_EXIT_TEXT, "cannot read %s: %s", path, strerror(errno));
	err = dh_wav_open(&wav, fd);
	if (!err)
		err = dh_speech_init(&film->speech, wav.rate, LEAD_S);
	while (!err && (n = dh_wav_read(&wav, samples, sizeof(samples) / sizeof(*samples))) > 0) {
		err = dh_speech_add_sound(&film->speech, samples, (size_t)n);
		while (!err && frame_s(film, film->frames + 1) + LOOK_AHEAD_S < dh_speech_known_s(&film->speech))
			err = shoot(film, INFINITY);
	}
	if (!err && n < 0)
		err = (int)-n;
	if (path)
		close(fd);
	return err ? err : finish(film, length_s(film));
}

static int make_idle(struct film *film)
{
	int err = dh_speech_init(&film->speech, PLAIN_RATE, 0);

	return err ? err : finish(film, film->options->seconds);
}

static int make_marks(struct film *film)
{
	double length_s = film->options->seconds;
	int err = dh_speech_init(&film->speech, PLAIN_RATE, length_s);
	struct dh_speech *speech = &film->speech;

	if (err)
		return err;
	for (int64_t mark = 0; (double)mark < length_s; mark++) {
		size_t start = frame_sample(film, mark_frame(film, mark));
		size_t length = (size_t)(BEEP_S * speech->rate);
		for (size_t i = 0; i < length && start + i < speech->count; i++)
			speech->samples[start + i] = (int16_t)lround(
				BEEP_LEVEL * 32767 * sin(2 * M_PI * BEEP_HZ * (double)i / speech->rate));
	}
	return finish(film, length_s);
}

static int make_portrait(struct film *film)
{
	struct dh_pose rest = { 0 };

	if (!dh_face_draw(film->face, &rest, 0))
		return -ENOMEM;
	if (dh_face_save(film->face, film->options->portrait))
		return dh_complain(DH_EXIT_OUTPUT, "cannot write %s: %s", film->options->portrait,
			errno ? strerror(errno) : "not a picture that PNG can hold");
	return 0;
}

static int make(struct film *film)
{
	switch (film->options->kind) {
	case DH_MAKE_SPEECH:
		return make_speech(film);
	case DH_MAKE_SOUND:
		return make_sound(film);
	case DH_MAKE_IDLE:
		return make_idle(film);
	case DH_MAKE_MARKS:
		return make_marks(film);
	case DH_MAKE_PORTRAIT:
		return make_portrait(film);
	}
	return DH_EXIT_INTERNAL;
}

/* Reports a negative errno; returns the exit code. Only writing fails, except
 * for memory. */
static int explain(const struct film *film, int err)
{
	const char *name = film->options->output ? film->options->output : "standard output";

	if (err == -EPIPE)
		return DH_EXIT_READER; /* nobody is left to read a message */
	if (err == -ENOMEM)
		return dh_complain(DH_EXIT_INTERNAL, "out of memory");
	return dh_complain(DH_EXIT_OUTPUT, "cannot write %s: %s", name, strerror(-err));
}

/* Removes an unfinished file; a device or pipe stays. */
static int close_output(struct film *film, int code)
{
	const char *path = film->options->output;
	struct stat status;

	if (!path || film->fd < 0)
		return code;
	if (code && !fstat(film->fd, &status) && S_ISREG(status.st_mode))
		unlink(path);
	if (close(film->fd) && !code)
		code = dh_complain(DH_EXIT_OUTPUT, "cannot write %s: %s", path, strerror(errno));
	return code;
}

int main(int argc, char **argv)
{
	struct dh_talker_options options;
	struct film film = { .options = &options, .fd = STDOUT_FILENO };
	int code = dh_talker_options_read(&options, argc, argv);

	if (code != DH_TALKER_OPTIONS_GO)
		return code;
	signal(SIGPIPE, SIG_IGN); /* write(2) reports it */
	film.motion.seed = options.seed;
	film.motion.lively = options.kind == DH_MAKE_SPEECH || options.kind == DH_MAKE_SOUND ? 1.4 : 0.8;
	code = dh_face_alloc(&film.face, options.look, options.width, options.height);
	if (!code)
		code = make(&film);
	if (code < 0)
		code = explain(&film, code);
	code = close_output(&film, code);
	dh_mux_free(&film.mux);
	dh_face_free(&film.face);
	dh_speech_clear(&film.speech);
	dh_spoken_clear(&film.spoken);
	return code;
}
