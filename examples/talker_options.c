/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "talker_options.h"

#include "talker_face.h"
#include "talker_voice.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* clang-format off */
static const char usage[] =
"Usage: dh-talker [options] [TEXT]\n"
"Makes a segment in which somebody speaks TEXT, and writes it as it is made.\n"
"Without TEXT it reads standard input, and speaks each sentence as soon as it is\n"
"complete. At most 10000 bytes of UTF-8.\n"
"\n"
"What\n"
"      --audio FILE      somebody speaks with the voice in FILE (WAV; -: standard\n"
"                        input, also without TEXT if DH_INPUT is \"audio\")\n"
"      --idle SECONDS    a clip without speech that loops seamlessly\n"
"      --marks           a flash and a beep together every second, to measure\n"
"                        lip sync\n"
"      --portrait FILE   a still picture (PNG)\n"
"      --seconds N       length of --marks (default 10)\n"
"Who\n"
"      --look NAME       the person, see below\n"
"      --voice NAME      a language or voice of espeak-ng, with a timbre after a\n"
"                        plus sign: de, fr+f4 (default: en-gb, the person's\n"
"                        timbre)\n"
"      --voices          list them\n"
"      --rate WORDS      words a minute, 80 to 450 (default 165)\n"
"      --pitch N         0 to 99 (default: the person's)\n"
"      --seed N          vary blinks and glances\n"
"How\n"
"  -o, --output FILE     instead of standard output\n"
"      --format NAME     nut or matroska (default: from FILE's suffix, else nut)\n"
"      --size WxH        even, 64 to 2304 (default 512x512)\n"
"      --fps N           pictures a second, 1 to 120, or 30000/1001 (default 25)\n"
"  -h, --help\n"
"\n"
"Video is raw I420, audio 16-bit PCM of the same length; an idle clip has no\n"
"audio. Every segment starts and ends in the same pose.\n"
"\n"
"Exit codes: 0 done, 1 a library failed or memory ran out, 2 wrong option, 3 no\n"
"text, too much, not UTF-8, or nothing to speak in it, 4 no such voice, 5 the\n"
"output cannot be written, 6 whoever read the output has gone.\n"
"\n"
"Looks:\n";
/* clang-format on */

int dh_complain(int code, const char *format, ...)
{
	va_list args;

	fputs("dh-talker: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return code;
}

static int help(void)
{
	const struct dh_look *look;

	fputs(usage, stdout);
	for (unsigned i = 0; (look = dh_look_at(i)) != NULL; i++)
		printf("  %-6s %s\n", look->name, look->about);
	return fflush(stdout) ? DH_EXIT_OUTPUT : DH_EXIT_OK;
}

/* --- numbers */

/* A whole number. *end is set to what follows it; with `end` NULL nothing may. */
static int read_int(const char *text, long min, long max, int *value, const char **end)
{
	char *stop;
	long number;

	errno = 0;
	number = strtol(text, &stop, 10);
	if (stop == text || errno || number < min || number > max || (!end && *stop))
		return -1;
	*value = (int)number;
	if (end)
		*end = stop;
	return 0;
}

static int read_seconds(const char *text, double *value)
{
	char *stop;

	*value = strtod(text, &stop);
	return stop == text || *stop || !(*value > 0) || *value > DH_SECONDS_MAX ? -1 : 0;
}

static int read_size(const char *text, int *width, int *height)
{
	if (read_int(text, DH_FACE_SIDE_MIN, DH_FACE_SIDE_MAX, width, &text) || *text != 'x')
		return -1;
	if (read_int(text + 1, DH_FACE_SIDE_MIN, DH_FACE_SIDE_MAX, height, NULL))
		return -1;
	return *width % 2 || *height % 2 ? -1 : 0;
}

static int read_fps(const char *text, int *num, int *den)
{
	*den = 1;
	if (read_int(text, 1, 1000000, num, &text))
		return -1;
	if (*text && (*text != '/' || read_int(text + 1, 1, 1000000, den, NULL)))
		return -1;
	return *num < *den || *num > 120L * *den ? -1 : 0;
}

static int read_seed(const char *text, uint64_t *value)
{
	char *stop;

	errno = 0;
	*value = strtoull(text, &stop, 10);
	return stop == text || *stop || errno || *text == '-' ? -1 : 0;
}

/* --- options */

enum {
	OPT_IDLE = 256,
	OPT_AUDIO,
	OPT_MARKS,
	OPT_PORTRAIT,
	OPT_SECONDS,
	OPT_LOOK,
	OPT_VOICE,
	OPT_VOICES,
	OPT_RATE,
	OPT_PITCH,
	OPT_SEED,
	OPT_FORMAT,
	OPT_SIZE,
	OPT_FPS
};

static const struct option long_options[] = {
	{ "audio", required_argument, NULL, OPT_AUDIO },
	{ "idle", required_argument, NULL, OPT_IDLE },
	{ "marks", no_argument, NULL, OPT_MARKS },
	{ "portrait", required_argument, NULL, OPT_PORTRAIT },
	{ "seconds", required_argument, NULL, OPT_SECONDS },
	{ "look", required_argument, NULL, OPT_LOOK },
	{ "voice", required_argument, NULL, OPT_VOICE },
	{ "voices", no_argument, NULL, OPT_VOICES },
	{ "rate", required_argument, NULL, OPT_RATE },
	{ "pitch", required_argument, NULL, OPT_PITCH },
	{ "seed", required_argument, NULL, OPT_SEED },
	{ "format", required_argument, NULL, OPT_FORMAT },
	{ "size", required_argument, NULL, OPT_SIZE },
	{ "fps", required_argument, NULL, OPT_FPS },
	{ "output", required_argument, NULL, 'o' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

static int read_format(const char *text, enum dh_container *container)
{
	if (!strcmp(text, "nut"))
		*container = DH_NUT;
	else if (!strcmp(text, "matroska"))
		*container = DH_MATROSKA;
	else
		return -1;
	return 0;
}

/* 0, or -1 for a value that the option does not take. */
static int set_option(struct dh_talker_options *o, int option, const char *value)
{
	switch (option) {
	case OPT_AUDIO:
		o->kind = DH_MAKE_SOUND;
		o->audio = strcmp(value, "-") ? value : NULL;
		return *value ? 0 : -1;
	case OPT_IDLE:
		o->kind = DH_MAKE_IDLE;
		return read_seconds(value, &o->seconds);
	case OPT_MARKS:
		o->kind = DH_MAKE_MARKS;
		return 0;
	case OPT_PORTRAIT:
		o->kind = DH_MAKE_PORTRAIT;
		o->portrait = value;
		return *value ? 0 : -1;
	case OPT_SECONDS:
		return read_seconds(value, &o->seconds);
	case OPT_LOOK:
		o->look = dh_look_find(value);
		return o->look ? 0 : -1;
	case OPT_VOICE:
		if (*value) /* "" is the default */
			o->voice = value;
		return 0;
	case OPT_RATE:
		return read_int(value, DH_VOICE_RATE_MIN, DH_VOICE_RATE_MAX, &o->rate_wpm, NULL);
	case OPT_PITCH:
		return read_int(value, 0, 99, &o->pitch, NULL);
	case OPT_SEED:
		return read_seed(value, &o->seed);
	case OPT_FORMAT:
		return read_format(value, &o->container);
	case OPT_SIZE:
		return read_size(value, &o->width, &o->height);
	case OPT_FPS:
		return read_fps(value, &o->fps_num, &o->fps_den);
	case 'o':
		o->output = strcmp(value, "-") ? value : NULL;
		return *value ? 0 : -1;
	}
	return -1;
}

static int list_voices(void)
{
	if (dh_voice_list(stdout))
		return dh_complain(DH_EXIT_INTERNAL, "espeak-ng cannot be started");
	return fflush(stdout) ? DH_EXIT_OUTPUT : DH_EXIT_OK;
}

static int by_suffix(const char *path)
{
	const char *dot = path ? strrchr(path, '.') : NULL;

	return dot && (!strcmp(dot, ".mkv") || !strcmp(dot, ".mka") || !strcmp(dot, ".webm")) ? DH_MATROSKA : DH_NUT;
}

/* Whether the output would replace `input`, NULL: standard input. */
static bool is_output(const struct dh_talker_options *o, const char *input)
{
	struct stat in, out;

	if (!o->output || stat(o->output, &out) < 0 || (input ? stat(input, &in) : fstat(STDIN_FILENO, &in)) < 0)
		return false;
	return S_ISREG(in.st_mode) && in.st_dev == out.st_dev && in.st_ino == out.st_ino;
}

int dh_talker_options_read(struct dh_talker_options *o, int argc, char **argv)
{
	int option, index, kinds = 0;
	bool has_format = false;

	*o = (struct dh_talker_options){
		.voice = "en-gb",
		.look = dh_look_find(NULL),
		.width = 512,
		.height = 512,
		.fps_num = 25,
		.fps_den = 1,
		.rate_wpm = 165,
		.pitch = -1,
		.seconds = 10,
		.seed = 1,
	};
	opterr = 0; /* reported below */
	while ((option = getopt_long(argc, argv, ":o:h", long_options, &index)) != -1) {
		if (option == 'h')
			return help();
		if (option == OPT_VOICES)
			return list_voices();
		if (option == ':')
			return dh_complain(DH_EXIT_USAGE, "%s needs a value; see --help", argv[optind - 1]);
		if (option == '?')
			return dh_complain(DH_EXIT_USAGE, "unknown option %s; see --help", argv[optind - 1]);
		if (set_option(o, option, optarg))
			return dh_complain(DH_EXIT_USAGE, "invalid --%s '%s'; see --help",
				option == 'o' ? "output" : long_options[index].name, optarg);
		has_format |= option == OPT_FORMAT;
		kinds += option == OPT_AUDIO || option == OPT_IDLE || option == OPT_MARKS || option == OPT_PORTRAIT;
	}
	if (!has_format)
		o->container = by_suffix(o->output);
	if (o->pitch < 0)
		o->pitch = o->look->pitch;
	if (kinds > 1 || (kinds && optind < argc))
		return dh_complain(DH_EXIT_USAGE,
			"TEXT, --audio, --idle, --marks and --portrait are mutually exclusive");
	if (o->kind == DH_MAKE_SOUND && is_output(o, o->audio))
		return dh_complain(DH_EXIT_USAGE, "%s is both input and output", o->output);
	if (kinds)
		return DH_TALKER_OPTIONS_GO;
	const char *input = getenv("DH_INPUT");
	if (optind == argc && input && !strcmp(input, "audio"))
		o->kind = DH_MAKE_SOUND;
	o->word_count = argc - optind;
	o->words = argv + optind;
	return DH_TALKER_OPTIONS_GO;
}
