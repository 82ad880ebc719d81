/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dh-push: pushes a segment to a gateway while it is made. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ask.h"
#include "connection.h"
#include "encoder.h"
#include "options.h"
#include "printer.h"
#include "pump.h"
#include "token.h"

/* A descriptor that is closed would become the connection's. Returns whether standard input was. */
static bool fill_standard_streams(void)
{
	bool had_input = fcntl(STDIN_FILENO, F_GETFD) >= 0;

	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == STDIN_FILENO ? O_RDONLY : O_WRONLY) < 0)
			_exit(DH_SEND_INPUT);
	}
	return !had_input;
}

static int open_input(const struct dh_send_options *options, bool is_closed, struct dh_send_fault *fault)
{
	struct stat facts;

	if (!options->file && is_closed)
		dh_send_fail(fault, DH_SEND_INPUT, "standard input is closed");
	else if (!options->file && isatty(STDIN_FILENO))
		dh_send_fail(fault, DH_SEND_USAGE, "expected a file, or media on standard input, which is a terminal");
	if (fault->code)
		return -1;
	int fd = options->file ? open(options->file, O_RDONLY | O_CLOEXEC) : STDIN_FILENO;
	if (fd < 0)
		dh_send_fail(fault, DH_SEND_INPUT, "%s: %s", options->file, strerror(errno));
	else if (fstat(fd, &facts) == 0 && S_ISDIR(facts.st_mode))
		dh_send_fail(fault, DH_SEND_INPUT, "%s is a folder", options->file ? options->file : "standard input");
	return fd;
}

/* g_free it; NULL: none is needed, or a fault. */
static char *make_token(const struct dh_send_options *options, struct dh_send_fault *fault)
{
	char nonce[DH_SEND_NONCE_CHARS + 1];

	if (!options->secret)
		return NULL;
	if (dh_send_nonce(nonce)) {
		dh_send_fail(fault, DH_SEND_NO_CONNECTION, "there are no random numbers for a token");
		return NULL;
	}
	int64_t now_s = g_get_real_time() / G_USEC_PER_SEC;
	return dh_send_token(options->secret, options->request.room, now_s + DH_SEND_TOKEN_S, nonce);
}

struct push {
	const struct dh_send_options *options;
	struct dh_send_fault *fault;
	struct dh_send_connection *connection;
	struct dh_send_lines lines;
	struct dh_send_encoder *encoder;
	char *token;
	GBytes *first;
	int input;
	struct dh_send_seams seams; /* until an encoder has them */
};

static int start_encoder(struct push *push)
{
	const struct dh_send_options *options = push->options;
	json_t *info = NULL;
	GBytes *anchor = NULL;

	if (!dh_send_ask(push->connection, &push->lines, &options->request, push->token, &info,
		    options->avatar ? NULL : &anchor, push->fault))
		dh_send_encoder_alloc(&push->encoder, info, options->avatar, anchor, push->input, &push->seams,
			push->fault);
	if (info)
		json_decref(info);
	if (anchor)
		g_bytes_unref(anchor);
	return push->fault->code;
}

/* Everything that can be wrong on this side is found before there is a connection. */
static int begin(struct push *push, bool is_input_closed)
{
	const struct dh_send_options *options = push->options;

	push->input = open_input(options, is_input_closed, push->fault);
	push->token = make_token(options, push->fault);
	if (push->fault->code)
		return push->fault->code;
	/* One token is enough for a connection: with --encode the first question has it. */
	push->first = dh_send_request_line(&options->request, NULL, options->encode ? NULL : push->token, push->fault);
	if (!push->first || dh_send_connection_alloc(&push->connection, &options->address, options->ca, push->fault))
		return push->fault->code;
	return options->encode ? start_encoder(push) : 0;
}

static int play(struct push *push)
{
	const struct dh_send_options *options = push->options;
	struct dh_send_printer printer;
	const struct dh_send_pump_config config = {
		.connection = push->connection,
		.lines = &push->lines,
		.printer = &printer,
		.first = push->first,
		.input = push->encoder ? dh_send_encoder_fd(push->encoder) : push->input,
		.input_name = push->encoder ? "dh-prepare" :
			options->file       ? options->file :
					      "standard input",
	};
	bool is_input_over;

	dh_send_printer_init(&printer, options->as_json, options->is_quiet);
	int code = dh_send_pump(&config, &is_input_over, push->fault);
	dh_send_printer_finish(&printer);
	/* An encoder that failed is why the segment did, whatever the gateway says of it. But a terminal's
	 * signal ends both. */
	struct dh_send_fault encoder_fault = { 0 };
	if (push->encoder && is_input_over && code <= DH_SEND_SIGNAL &&
		dh_send_encoder_finish(push->encoder, &encoder_fault)) {
		*push->fault = encoder_fault;
		return encoder_fault.code;
	}
	return push->fault->code ? (int)push->fault->code : code;
}

static int push_segment(const struct dh_send_options *options, bool is_input_closed, struct dh_send_fault *fault)
{
	struct push push = { .options = options, .fault = fault, .input = -1, .seams = options->seams };

	dh_send_lines_init(&push.lines);
	int code = begin(&push, is_input_closed);
	if (!code)
		code = play(&push);
	dh_send_encoder_free(&push.encoder);
	dh_send_connection_free(&push.connection);
	dh_send_lines_clear(&push.lines);
	if (push.first)
		g_bytes_unref(push.first);
	g_free(push.token);
	if (push.input > STDERR_FILENO)
		close(push.input);
	return code;
}

/* `question` is what was answered. */
static void show_answer(const struct dh_send_options *options, const char *question, const json_t *answer)
{
	const json_t *media_ms = json_object_get(answer, "media_ms");

	if (options->is_quiet)
		return;
	if (options->as_json) {
		char *text = json_dumps(answer, JSON_COMPACT);
		printf("{\"%s\":%s}\n", question, text ? text : "null");
		free(text);
	} else if (options->interrupt) {
		printf("interrupted: %" JSON_INTEGER_FORMAT " segments\n",
			json_integer_value(json_object_get(answer, "dropped")));
	} else if (json_is_integer(media_ms)) {
		printf("marked: at %" JSON_INTEGER_FORMAT " ms of the room\n", json_integer_value(media_ms));
	} else {
		puts("marked: the segment waits");
	}
}

static int ask_instead(const struct dh_send_options *options, struct dh_send_fault *fault)
{
	struct dh_send_connection *connection = NULL;
	struct dh_send_lines lines;
	const char *question = options->interrupt ? "interrupt" : "mark";
	json_t *answer = NULL;
	char *token = make_token(options, fault);

	dh_send_lines_init(&lines);
	if (!fault->code && !dh_send_connection_alloc(&connection, &options->address, options->ca, fault))
		answer = dh_send_ask_this(connection, &lines, &options->request, question, token, fault);
	if (answer) {
		show_answer(options, question, answer);
		json_decref(answer);
	}
	dh_send_connection_free(&connection);
	dh_send_lines_clear(&lines);
	g_free(token);
	return fault->code;
}

static int act(const struct dh_send_options *options, bool is_input_closed, struct dh_send_fault *fault)
{
	switch (options->action) {
	case DH_SEND_ACTION_HELP:
		dh_send_options_help();
		return 0;
	case DH_SEND_ACTION_VERSION:
		puts("dh-push " DH_VERSION);
		return 0;
	case DH_SEND_ACTION_PUSH:
		if (options->interrupt || options->request.mark)
			return ask_instead(options, fault);
		return push_segment(options, is_input_closed, fault);
	}
	return DH_SEND_USAGE;
}

int main(int argc, char **argv)
{
	struct dh_send_options options;
	struct dh_send_fault fault = { 0 };
	bool is_input_closed = fill_standard_streams();

	signal(SIGPIPE, SIG_IGN);
	int code = dh_send_options_parse(&options, argc, argv, &fault);
	if (!code)
		code = act(&options, is_input_closed, &fault);
	if (fault.code)
		fprintf(stderr, "dh-push: %s\n", fault.text);
	dh_send_options_clear(&options);
	return code;
}
