/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "options.h"

#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "secret.h"

enum option_code {
	OPT_FIRST = 256,
	OPT_ROOM,
	OPT_STRING_IDS,
	OPT_SECRET_FILE,
	OPT_CA,
	OPT_SEGMENT,
	OPT_TEXT,
	OPT_WORDS,
	OPT_METADATA,
	OPT_UTTERANCE,
	OPT_INDEX,
	OPT_LAST,
	OPT_PRIORITY,
	OPT_PATIENT,
	OPT_BEFORE,
	OPT_AFTER,
	OPT_TTL_MS,
	OPT_REPEAT,
	OPT_UNDERRUN,
	OPT_PREROLL_MS,
	OPT_CAPTIONS,
	OPT_MARKERS,
	OPT_INTERRUPT,
	OPT_MARK,
	OPT_AT_MS,
	OPT_ENCODE,
	OPT_AVATAR,
	OPT_LEAD_FD,
	OPT_TAIL_FD,
	OPT_PROGRESS_MS,
	OPT_JSON,
	OPT_QUIET,
	OPT_HELP,
	OPT_VERSION,
};

static const struct option table[] = {
	{ "room", required_argument, NULL, OPT_ROOM },
	{ "string-ids", no_argument, NULL, OPT_STRING_IDS },
	{ "secret-file", required_argument, NULL, OPT_SECRET_FILE },
	{ "ca", required_argument, NULL, OPT_CA },
	{ "segment", required_argument, NULL, OPT_SEGMENT },
	{ "text", required_argument, NULL, OPT_TEXT },
	{ "words", required_argument, NULL, OPT_WORDS },
	{ "metadata", required_argument, NULL, OPT_METADATA },
	{ "utterance", required_argument, NULL, OPT_UTTERANCE },
	{ "index", required_argument, NULL, OPT_INDEX },
	{ "last", no_argument, NULL, OPT_LAST },
	{ "priority", required_argument, NULL, OPT_PRIORITY },
	{ "patient", no_argument, NULL, OPT_PATIENT },
	{ "before", required_argument, NULL, OPT_BEFORE },
	{ "after", required_argument, NULL, OPT_AFTER },
	{ "ttl-ms", required_argument, NULL, OPT_TTL_MS },
	{ "repeat", required_argument, NULL, OPT_REPEAT },
	{ "underrun", required_argument, NULL, OPT_UNDERRUN },
	{ "preroll-ms", required_argument, NULL, OPT_PREROLL_MS },
	{ "captions", required_argument, NULL, OPT_CAPTIONS },
	{ "markers", required_argument, NULL, OPT_MARKERS },
	{ "interrupt", no_argument, NULL, OPT_INTERRUPT },
	{ "mark", required_argument, NULL, OPT_MARK },
	{ "at-ms", required_argument, NULL, OPT_AT_MS },
	{ "encode", no_argument, NULL, OPT_ENCODE },
	{ "avatar", required_argument, NULL, OPT_AVATAR },
	{ "lead-fd", required_argument, NULL, OPT_LEAD_FD },
	{ "tail-fd", required_argument, NULL, OPT_TAIL_FD },
	{ "progress-ms", required_argument, NULL, OPT_PROGRESS_MS },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "quiet", no_argument, NULL, OPT_QUIET },
	{ "help", no_argument, NULL, OPT_HELP },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ NULL, 0, NULL, 0 },
};

struct parsing {
	struct dh_send_options *options;
	const char *address, *secret_file;
	int words; /* that are no options */
	struct dh_send_fault *fault;
};

static int take_number(long *number, const char *option, const char *text, struct dh_send_fault *fault)
{
	gint64 value;

	if (!g_ascii_string_to_signed(text, 10, 0, G_MAXINT32, &value, NULL))
		return dh_send_fail(fault, DH_SEND_USAGE, "--%s is \"%s\", expected a number from 0 on", option, text);
	*number = (long)value;
	return 0;
}

/* It is inherited, so it is there before this program opens anything. */
static int take_descriptor(int *fd, const char *option, const char *text, struct dh_send_fault *fault)
{
	long number = -1;
	int code = take_number(&number, option, text, fault);

	if (code)
		return code;
	if (number <= 2 || fcntl((int)number, F_GETFD) < 0)
		return dh_send_fail(fault, DH_SEND_USAGE, "--%s is %ld, expected an open descriptor from 3 on", option,
			number);
	*fd = (int)number;
	return 0;
}

#define ANY_TYPE JSON_NULL

static int take_json(json_t **json, const char *option, json_type type, const char *text, struct dh_send_fault *fault)
{
	const char *kind = type == JSON_OBJECT ? " object" : type == JSON_ARRAY ? " array" : "";
	json_error_t error;

	g_clear_pointer(json, json_decref);
	*json = json_loads(text, type == ANY_TYPE ? JSON_DECODE_ANY : 0, &error);
	if (!*json)
		return dh_send_fail(fault, DH_SEND_USAGE, "--%s is no JSON%s: %s", option, kind, error.text);
	if (type != ANY_TYPE && json_typeof(*json) != type)
		return dh_send_fail(fault, DH_SEND_USAGE, "--%s is JSON, but no%s", option, kind);
	return 0;
}

static int take_word(struct parsing *parsing, const char *word)
{
	if (parsing->words == 0)
		parsing->address = word;
	else if (parsing->words == 1)
		parsing->options->file = strcmp(word, "-") != 0 ? word : NULL;
	else
		return dh_send_fail(parsing->fault, DH_SEND_USAGE, "\"%s\" is one word too many", word);
	parsing->words++;
	return 0;
}

/* Those that hold a text. NULL: the option is another one. */
static const char **text_of(struct parsing *parsing, int option)
{
	struct dh_send_options *options = parsing->options;

	switch (option) {
	case OPT_ROOM:
		return &options->request.room;
	case OPT_SECRET_FILE:
		return &parsing->secret_file;
	case OPT_CA:
		return &options->ca;
	case OPT_SEGMENT:
		return &options->request.segment;
	case OPT_TEXT:
		return &options->request.text;
	case OPT_UTTERANCE:
		return &options->request.utterance;
	case OPT_PRIORITY:
		return &options->request.priority;
	case OPT_BEFORE:
		return &options->request.before;
	case OPT_AFTER:
		return &options->request.after;
	case OPT_UNDERRUN:
		return &options->request.underrun;
	case OPT_AVATAR:
		return &options->avatar;
	default:
		return NULL;
	}
}

static bool *flag_of(struct dh_send_options *options, int option)
{
	switch (option) {
	case OPT_STRING_IDS:
		return &options->request.is_room_text;
	case OPT_LAST:
		return &options->request.is_last;
	case OPT_PATIENT:
		return &options->request.is_patient;
	case OPT_ENCODE:
		return &options->encode;
	case OPT_INTERRUPT:
		return &options->interrupt;
	case OPT_JSON:
		return &options->as_json;
	case OPT_QUIET:
		return &options->is_quiet;
	default:
		return NULL;
	}
}

/* What is neither a text nor a flag. */
static int take_value(struct parsing *parsing, int option)
{
	struct dh_send_options *options = parsing->options;
	struct dh_send_request *request = &options->request;

	switch (option) {
	case OPT_METADATA:
		return take_json(&request->metadata, "metadata", JSON_OBJECT, optarg, parsing->fault);
	case OPT_WORDS:
		return take_json(&request->words, "words", JSON_ARRAY, optarg, parsing->fault);
	case OPT_CAPTIONS:
		return take_json(&request->captions, "captions", JSON_ARRAY, optarg, parsing->fault);
	case OPT_MARKERS:
		return take_json(&request->markers, "markers", JSON_ARRAY, optarg, parsing->fault);
	case OPT_MARK:
		return take_json(&request->mark, "mark", ANY_TYPE, optarg, parsing->fault);
	case OPT_AT_MS:
		return take_number(&request->at_ms, "at-ms", optarg, parsing->fault);
	case OPT_INDEX:
		return take_number(&request->index, "index", optarg, parsing->fault);
	case OPT_TTL_MS:
		return take_number(&request->ttl_ms, "ttl-ms", optarg, parsing->fault);
	case OPT_REPEAT:
		return take_number(&request->repeat, "repeat", optarg, parsing->fault);
	case OPT_PREROLL_MS:
		return take_number(&request->preroll_ms, "preroll-ms", optarg, parsing->fault);
	case OPT_PROGRESS_MS:
		return take_number(&request->progress_ms, "progress-ms", optarg, parsing->fault);
	case OPT_LEAD_FD:
		return take_descriptor(&options->seams.lead, "lead-fd", optarg, parsing->fault);
	case OPT_TAIL_FD:
		return take_descriptor(&options->seams.tail, "tail-fd", optarg, parsing->fault);
	default:
		return dh_send_fail(parsing->fault, DH_SEND_USAGE, "see dh-push --help");
	}
}

static int take_option(struct parsing *parsing, int option)
{
	struct dh_send_options *options = parsing->options;
	const char **text = text_of(parsing, option);
	bool *flag = flag_of(options, option);

	if (text)
		*text = optarg;
	else if (flag)
		*flag = true;
	else if (option == 1)
		return take_word(parsing, optarg);
	else if (option == OPT_HELP)
		options->action = DH_SEND_ACTION_HELP;
	else if (option == OPT_VERSION)
		options->action = DH_SEND_ACTION_VERSION;
	else
		return take_value(parsing, option);
	return 0;
}

/* Instead of a segment. `words`: that are no options. */
static int check_question(const struct dh_send_options *options, int words, struct dh_send_fault *fault)
{
	const struct dh_send_request *request = &options->request;
	const char *name = options->interrupt ? "--interrupt" : "--mark";

	if (options->interrupt && request->mark)
		return dh_send_fail(fault, DH_SEND_USAGE, "--interrupt and --mark are not possible together");
	if ((options->interrupt || request->mark) && (options->encode || words > 1))
		return dh_send_fail(fault, DH_SEND_USAGE, "%s sends no media", name);
	if ((options->interrupt || request->mark) && dh_send_request_is_placed(request))
		return dh_send_fail(fault, DH_SEND_USAGE, "%s says nothing about when a segment plays", name);
	if (request->at_ms >= 0 && !(request->mark && request->segment))
		return dh_send_fail(fault, DH_SEND_USAGE, "--at-ms needs --mark and --segment");
	if (request->mark && request->segment && request->at_ms < 0)
		return dh_send_fail(fault, DH_SEND_USAGE, "--mark with --segment needs --at-ms");
	return 0;
}

static int check(struct parsing *parsing)
{
	struct dh_send_options *options = parsing->options;

	if (!parsing->address)
		return dh_send_fail(parsing->fault, DH_SEND_USAGE,
			"expected the gateway's address; see dh-push --help");
	if (!options->request.room || !*options->request.room)
		return dh_send_fail(parsing->fault, DH_SEND_USAGE, "expected --room ID");
	if (options->avatar && !options->encode)
		return dh_send_fail(parsing->fault, DH_SEND_USAGE, "--avatar needs --encode");
	if ((options->seams.lead >= 0 || options->seams.tail >= 0) && !options->encode)
		return dh_send_fail(parsing->fault, DH_SEND_USAGE, "--lead-fd and --tail-fd need --encode");
	if (check_question(options, parsing->words, parsing->fault))
		return parsing->fault->code;
	if (dh_send_address_parse(&options->address, parsing->address, parsing->fault))
		return parsing->fault->code;
	if (options->ca && options->address.scheme != DH_SEND_TLS)
		return dh_send_fail(parsing->fault, DH_SEND_USAGE, "--ca needs a tls:// address");
	return dh_send_secret_read(&options->secret, parsing->secret_file, getenv(DH_SEND_SECRET_VARIABLE),
		parsing->fault);
}

int dh_send_options_parse(struct dh_send_options *options, int argc, char **argv, struct dh_send_fault *fault)
{
	struct parsing parsing = { .options = options, .fault = fault };
	int option;

	memset(options, 0, sizeof *options);
	options->seams.lead = options->seams.tail = -1;
	dh_send_request_init(&options->request);
	while (!fault->code && (option = getopt_long(argc, argv, "-", table, NULL)) != -1)
		take_option(&parsing, option);
	while (!fault->code && optind < argc)
		take_word(&parsing, argv[optind++]);
	if (!fault->code && options->action == DH_SEND_ACTION_PUSH)
		check(&parsing);
	return fault->code;
}

void dh_send_options_clear(struct dh_send_options *options)
{
	dh_send_request_clear(&options->request);
	g_clear_pointer(&options->secret, g_free);
}
