/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ask.h"

#include "event.h"

#define READ_BYTES 16384

struct asking {
	struct dh_send_connection *connection;
	struct dh_send_lines *lines;
	const struct dh_send_request *request;
	struct dh_send_fault *fault;
};

static int lost(struct asking *asking, GError *error)
{
	dh_send_fail(asking->fault, DH_SEND_NO_CONNECTION, "the gateway does not answer: %s",
		error ? error->message : "it ended the connection");
	g_clear_error(&error);
	return asking->fault->code;
}

static int read_more(struct asking *asking)
{
	char bytes[READ_BYTES];
	GError *error = NULL;
	gssize n = g_input_stream_read(dh_send_connection_input(asking->connection), bytes, sizeof bytes, NULL, &error);

	if (n <= 0)
		return lost(asking, error);
	dh_send_lines_add(asking->lines, bytes, (gsize)n);
	return 0;
}

static int send_question(struct asking *asking, const char *question, const char *token)
{
	GError *error = NULL;
	GBytes *line = dh_send_request_line(asking->request, question, token, asking->fault);

	if (!line)
		return asking->fault->code;
	gsize size;
	const void *data = g_bytes_get_data(line, &size);
	/* A gateway that refuses connections says why without reading; so this may fail and there is
	 * an answer all the same. */
	g_output_stream_write_all(dh_send_connection_output(asking->connection), data, size, NULL, NULL, &error);
	g_clear_error(&error);
	g_bytes_unref(line);
	return 0;
}

static int wait_line(struct asking *asking, GBytes **line)
{
	int got;

	while ((got = dh_send_lines_next(asking->lines, line)) == 0) {
		if (read_more(asking))
			return asking->fault->code;
	}
	return got < 0 ? dh_send_fail(asking->fault, DH_SEND_NO_CONNECTION, "the gateway's answer is too long") : 0;
}

/* The object that the answer has as `question`. A reference. */
static json_t *ask(struct asking *asking, const char *question, const char *token)
{
	struct dh_send_event event;
	GBytes *line;
	json_t *answer = NULL;

	if (send_question(asking, question, token) || wait_line(asking, &line))
		return NULL;
	int err = dh_send_event_parse(&event, line);
	g_bytes_unref(line);
	if (err == 0)
		answer = json_incref(json_object_get(event.line, question));
	if (err == 0 && event.code == DH_SEND_REFUSED) {
		const char *text = json_string_value(json_object_get(event.line, "error"));
		char *printable = dh_send_printable(text ? text : "");
		dh_send_fail(asking->fault, DH_SEND_REFUSED, "refused: %s", printable);
		g_free(printable);
	} else if (!json_is_object(answer)) {
		dh_send_fail(asking->fault, DH_SEND_NO_CONNECTION,
			"the gateway does not answer \"%s\": is it one that takes pushes?", question);
	}
	dh_send_event_clear(&event);
	if (asking->fault->code)
		g_clear_pointer(&answer, json_decref);
	return answer;
}

static GBytes *ask_anchor(struct asking *asking)
{
	json_t *answer = ask(asking, "anchor", NULL);
	json_int_t size = json_integer_value(json_object_get(answer, "bytes"));
	GBytes *anchor = NULL;

	if (answer && (size < 1 || size > DH_SEND_ANCHOR_MAX))
		dh_send_fail(asking->fault, DH_SEND_NO_CONNECTION, "the gateway's anchor has no size that is possible");
	while (!asking->fault->code && !(anchor = dh_send_lines_take(asking->lines, (gsize)size)))
		read_more(asking);
	g_clear_pointer(&answer, json_decref);
	return anchor;
}

int dh_send_ask(struct dh_send_connection *connection, struct dh_send_lines *lines,
	const struct dh_send_request *request, const char *token, json_t **info, GBytes **anchor,
	struct dh_send_fault *fault)
{
	struct asking asking = { connection, lines, request, fault };

	dh_send_connection_set_timeout(connection, DH_SEND_ANSWER_S);
	*info = ask(&asking, "info", token);
	if (anchor)
		*anchor = *info ? ask_anchor(&asking) : NULL;
	if (fault->code)
		g_clear_pointer(info, json_decref);
	return fault->code;
}

json_t *dh_send_ask_this(struct dh_send_connection *connection, struct dh_send_lines *lines,
	const struct dh_send_request *request, const char *question, const char *token, struct dh_send_fault *fault)
{
	struct asking asking = { connection, lines, request, fault };

	dh_send_connection_set_timeout(connection, DH_SEND_ANSWER_S);
	return ask(&asking, question, token);
}
