/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "options.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "task_fields.h"

/* The tool's default limit of length, higher than a job's. */
#define TOOL_MAX_MS (4 * 3600 * 1000)

enum option_code {
	OPT_FIRST = 256,
	OPT_AVATAR,
	OPT_BACKGROUND,
	OPT_MARK,
	OPT_MARK_AT,
	OPT_SIZE,
	OPT_IDLE,
	OPT_PORTRAIT,
	OPT_PINGPONG,
	OPT_TEMPORAL,
	OPT_RAW_VIDEO,
	OPT_RAW_AUDIO,
	OPT_INFO,
	OPT_JSON,
	OPT_EXPORT,
	OPT_CHECK_IDLE,
	OPT_MOUTH,
	OPT_FORK_SERVER,
	OPT_LEAD_FD,
	OPT_TAIL_FD,
	OPT_QUIET,
	OPT_HELP,
	OPT_VERSION,
	OPT_PARENT,
	OPT_MEMORY,
	OPT_CPU,
	OPT_NICE,
	OPT_USER,
	/* a field of the task, by name */
	OPT_SETTING
};

static const struct option table[] = {
	{ "output", required_argument, NULL, 'o' },
	{ "avatar", required_argument, NULL, OPT_AVATAR },
	{ "background", required_argument, NULL, OPT_BACKGROUND },
	{ "disclosure-mark", required_argument, NULL, OPT_MARK },
	{ "disclosure-mark-at", required_argument, NULL, OPT_MARK_AT },
	{ "size", required_argument, NULL, OPT_SIZE },
	{ "idle", no_argument, NULL, OPT_IDLE },
	{ "portrait", required_argument, NULL, OPT_PORTRAIT },
	{ "pingpong", no_argument, NULL, OPT_PINGPONG },
	{ "temporal", no_argument, NULL, OPT_TEMPORAL },
	{ "raw-video", required_argument, NULL, OPT_RAW_VIDEO },
	{ "raw-audio", required_argument, NULL, OPT_RAW_AUDIO },
	{ "info", required_argument, NULL, OPT_INFO },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "export", required_argument, NULL, OPT_EXPORT },
	{ "check-idle", no_argument, NULL, OPT_CHECK_IDLE },
	{ "mouth", required_argument, NULL, OPT_MOUTH },
	{ "fork-server", no_argument, NULL, OPT_FORK_SERVER },
	{ "lead-fd", required_argument, NULL, OPT_LEAD_FD },
	{ "tail-fd", required_argument, NULL, OPT_TAIL_FD },
	{ "quiet", no_argument, NULL, OPT_QUIET },
	{ "help", no_argument, NULL, OPT_HELP },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ "parent", required_argument, NULL, OPT_PARENT },
	{ "memory-mb", required_argument, NULL, OPT_MEMORY },
	{ "cpu-s", required_argument, NULL, OPT_CPU },
	{ "nice", required_argument, NULL, OPT_NICE },
	{ "user", required_argument, NULL, OPT_USER },
	{ "kbps", required_argument, NULL, OPT_SETTING },
	{ "kbps-2", required_argument, NULL, OPT_SETTING },
	{ "kbps-3", required_argument, NULL, OPT_SETTING },
	{ "audio-kbps", required_argument, NULL, OPT_SETTING },
	{ "entry-ms", required_argument, NULL, OPT_SETTING },
	{ "fps-max", required_argument, NULL, OPT_SETTING },
	{ "speed", required_argument, NULL, OPT_SETTING },
	{ "speed-later", required_argument, NULL, OPT_SETTING },
	{ "portrait-ms", required_argument, NULL, OPT_SETTING },
	{ "max-ms", required_argument, NULL, OPT_SETTING },
	{ "max-side", required_argument, NULL, OPT_SETTING },
	{ "silence-ms", required_argument, NULL, OPT_SETTING },
	{ NULL, 0, NULL, 0 },
};

static int to_number(const char *text, long long *value)
{
	char *end;
	errno = 0;
	*value = strtoll(text, &end, 10);
	return !errno && end != text && !*end ? 0 : -EINVAL;
}

/* --audio-kbps sets the task's audio_kbps. */
static int take_setting(struct dh_options *o, const char *option, const char *text, struct dh_fault *fault)
{
	char name[32];
	long long value;
	snprintf(name, sizeof name, "%s", option);
	for (char *c = name; *c; c++)
		if (*c == '-')
			*c = '_';
	if (to_number(text, &value))
		return dh_fault_set(fault, DH_PREPARE_USAGE, "--%s is %s, expected a number", option, text);
	return dh_task_set(&o->task, name, value, fault);
}

static int take_size(struct dh_options *o, const char *text, struct dh_fault *fault)
{
	int width, height, used = 0;
	if (sscanf(text, "%dx%d%n", &width, &height, &used) != 2 || text[used])
		return dh_fault_set(fault, DH_PREPARE_USAGE, "--size is %s, expected WIDTHxHEIGHT, as in 512x512",
			text);
	int code = dh_task_set(&o->task, "width", width, fault);
	return code ? code : dh_task_set(&o->task, "height", height, fault);
}

static int take_mark_at(struct dh_options *o, const char *text, struct dh_fault *fault)
{
	o->has_mark_at = true;
	if (dh_mark_at_parse(&o->mark_at, text))
		return 0;
	return dh_fault_set(fault, DH_PREPARE_USAGE, "--disclosure-mark-at is %s, expected " DH_MARK_CORNERS, text);
}

static int take_limit(struct dh_options *o, int option, const char *text, struct dh_fault *fault)
{
	long long value;
	if (option == OPT_USER) {
		o->confine.user = text;
		return 0;
	}
	if (to_number(text, &value) || value < 0 || value > INT32_MAX || (option == OPT_NICE && value > 19))
		return dh_fault_set(fault, DH_PREPARE_USAGE, "%s is out of range, or not a number", text);
	if (option == OPT_PARENT)
		o->confine.parent = (pid_t)value;
	else if (option == OPT_MEMORY)
		o->confine.memory_mb = (int)value;
	else if (option == OPT_CPU)
		o->confine.cpu_s = (int)value;
	else
		o->confine.nice = (int)value;
	return 0;
}

static int take_descriptor(int *fd, const char *option, const char *text, struct dh_fault *fault)
{
	long long value;
	if (to_number(text, &value) || value < 3 || value > INT32_MAX || fcntl((int)value, F_GETFD) < 0)
		return dh_fault_set(fault, DH_PREPARE_USAGE, "--%s is %s, expected an open descriptor from 3 on",
			option, text);
	*fd = (int)value;
	return 0;
}

static int take_file(struct dh_options *o, const char *file, struct dh_fault *fault)
{
	if (o->files_count == DH_TASK_INPUTS)
		return dh_fault_set(fault, DH_PREPARE_USAGE,
			"%s is one file too many, expected one file, or a video and an audio file", file);
	o->files[o->files_count++] = file;
	return 0;
}

/* Describes the next file. */
static int take_raw(struct dh_options *o, int option, const char *text, struct dh_fault *fault)
{
	struct dh_raw *raw = &o->raws[o->files_count];
	if (o->files_count == DH_TASK_INPUTS || raw->is_video || raw->is_audio)
		return dh_fault_set(fault, DH_PREPARE_USAGE,
			"%s: expected a file after each --raw-video and --raw-audio", text);
	return option == OPT_RAW_VIDEO ? dh_raw_parse_video(raw, text, fault) : dh_raw_parse_audio(raw, text, fault);
}

/* Options that ask for something other than preparing. False: it is none of them. */
static bool take_action(struct dh_options *o, int option)
{
	switch (option) {
	case OPT_INFO:
		o->action = DH_ACTION_INFO;
		o->info = optarg;
		return true;
	case OPT_EXPORT:
		o->action = DH_ACTION_EXPORT;
		o->output = optarg;
		return true;
	case OPT_CHECK_IDLE:
		o->action = DH_ACTION_CHECK_IDLE;
		return true;
	case OPT_FORK_SERVER:
		o->action = DH_ACTION_FORK_SERVER;
		return true;
	case OPT_HELP:
		o->action = DH_ACTION_HELP;
		return true;
	case OPT_VERSION:
		o->action = DH_ACTION_VERSION;
		return true;
	default:
		return false;
	}
}

static int take_option(struct dh_options *o, int option, const char *name, struct dh_fault *fault)
{
	if (take_action(o, option))
		return 0;
	switch (option) {
	case 1:
		return take_file(o, optarg, fault);
	case 'o':
		o->output = optarg;
		return 0;
	case OPT_AVATAR:
		o->avatar = optarg;
		return 0;
	case OPT_PORTRAIT:
		o->portrait = optarg;
		return 0;
	case OPT_BACKGROUND:
		dh_background_init(&o->task.background);
		o->background = dh_background_parse(&o->task.background, optarg) ? NULL : optarg;
		return 0;
	case OPT_MARK:
		o->mark = optarg;
		return 0;
	case OPT_MARK_AT:
		return take_mark_at(o, optarg, fault);
	case OPT_IDLE:
		o->task.kind = DH_TASK_IDLE;
		return 0;
	case OPT_PINGPONG:
		o->task.pingpong = true;
		return 0;
	case OPT_TEMPORAL:
		o->task.temporal = true;
		return 0;
	case OPT_JSON:
		o->as_json = true;
		return 0;
	case OPT_QUIET:
		o->is_quiet = true;
		return 0;
	case OPT_LEAD_FD:
		return take_descriptor(&o->task.lead_fd, name, optarg, fault);
	case OPT_TAIL_FD:
		return take_descriptor(&o->task.tail_fd, name, optarg, fault);
	case OPT_SIZE:
		return take_size(o, optarg, fault);
	case OPT_MOUTH:
		return dh_mouth_parse(&o->mouth, optarg, fault);
	case OPT_RAW_VIDEO:
	case OPT_RAW_AUDIO:
		return take_raw(o, option, optarg, fault);
	case OPT_SETTING:
		return take_setting(o, name, optarg, fault);
	case OPT_PARENT:
	case OPT_MEMORY:
	case OPT_CPU:
	case OPT_NICE:
	case OPT_USER:
		return take_limit(o, option, optarg, fault);
	default:
		return dh_fault_set(fault, DH_PREPARE_USAGE, "see dh-prepare --help");
	}
}

static int check_mark(const struct dh_options *o, struct dh_fault *fault)
{
	if (o->mark && !o->avatar && !o->task.width)
		return dh_fault_set(fault, DH_PREPARE_USAGE, "--disclosure-mark needs --avatar or --size");
	if (o->has_mark_at && !o->mark)
		return dh_fault_set(fault, DH_PREPARE_USAGE, "--disclosure-mark-at needs --disclosure-mark");
	return 0;
}

/* Checks the combination of options. */
static int check_prepare(struct dh_options *o, struct dh_fault *fault)
{
	const struct dh_raw *last = &o->raws[o->files_count];
	if (last->is_video || last->is_audio)
		return dh_fault_set(fault, DH_PREPARE_USAGE, "expected a file after --raw-video and --raw-audio");
	if (o->portrait && !o->files_count)
		o->task.kind = DH_TASK_PORTRAIT;
	else if (o->portrait && o->task.kind != DH_TASK_IDLE)
		return dh_fault_set(fault, DH_PREPARE_USAGE, "--portrait needs --idle, or no other file");
	if (!o->files_count && !o->portrait)
		return dh_fault_set(fault, DH_PREPARE_USAGE, "expected a media file; see dh-prepare --help");
	if (o->task.kind == DH_TASK_IDLE && o->files_count > 1)
		return dh_fault_set(fault, DH_PREPARE_USAGE, "--idle takes one file");
	if (o->task.kind != DH_TASK_IDLE && o->task.pingpong)
		return dh_fault_set(fault, DH_PREPARE_USAGE, "--pingpong needs --idle");
	if (o->avatar && (o->task.kind != DH_TASK_SEGMENT || o->task.width))
		return dh_fault_set(fault, DH_PREPARE_USAGE,
			"--avatar cannot be combined with --idle, --portrait or --size");
	if (o->background && !o->avatar && !o->task.width)
		return dh_fault_set(fault, DH_PREPARE_USAGE,
			"--background is %s, expected a colour (#rrggbb), \"" DH_BACKGROUND_CLEAR
			"\", or a picture with --avatar or --size",
			o->background);
	if (check_mark(o, fault))
		return fault->code;
	if (!o->output)
		return dh_fault_set(fault, DH_PREPARE_USAGE, "expected -o FILE (- for standard output)");
	if (dh_task_check(&o->task, fault))
		return fault->code;
	/* the second of two files is the audio, whatever their order */
	if (o->files_count == 2 && (o->raws[0].is_audio || o->raws[1].is_video)) {
		const char *file = o->files[0];
		struct dh_raw raw = o->raws[0];
		o->files[0] = o->files[1];
		o->raws[0] = o->raws[1];
		o->files[1] = file;
		o->raws[1] = raw;
	}
	return 0;
}

int dh_options_parse(struct dh_options *o, int argc, char **argv, struct dh_fault *fault)
{
	int option, index = 0, code = 0;
	memset(o, 0, sizeof *o);
	dh_task_init(&o->task);
	o->task.max_ms = TOOL_MAX_MS;
	dh_mouth_init(&o->mouth);
	opterr = 1;
	while (!code && (option = getopt_long(argc, argv, "-o:", table, &index)) != -1)
		code = take_option(o, option, table[index].name, fault);
	while (!code && optind < argc)
		code = take_file(o, argv[optind++], fault);
	if (code)
		return code;
	if (o->action == DH_ACTION_PREPARE)
		return check_prepare(o, fault);
	if (o->action == DH_ACTION_CHECK_IDLE && o->files_count != 1)
		return dh_fault_set(fault, DH_PREPARE_USAGE, "--check-idle takes one file");
	if (o->action == DH_ACTION_EXPORT && o->files_count != 1)
		return dh_fault_set(fault, DH_PREPARE_USAGE, "--export takes an output file and a prepared segment");
	return 0;
}
