/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pump.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>
#include <glib-unix.h>

#define BUFFER_BYTES 65536

struct pump {
	const struct dh_send_pump_config *config;
	struct dh_send_fault *fault;
	GMainLoop *loop;
	GPollableInputStream *in;
	GPollableOutputStream *out;
	/* What is being sent. Nothing is read while there is some: TLS wants the same bytes again. */
	char *buffer;
	gsize size, sent;
	GSource *readable, *writable, *heard;
	bool is_input_over, is_ended;
	bool is_unheard; /* the gateway takes no more; it may still speak */
	bool is_over;
	int code; /* once it is over */
};

static void drop(GSource **source)
{
	if (!*source)
		return;
	g_source_destroy(*source);
	g_clear_pointer(source, g_source_unref);
}

static GSource *watch(GSource *source, GSourceFunc callback, struct pump *pump)
{
	g_source_set_callback(source, callback, pump, NULL);
	g_source_attach(source, NULL);
	return source;
}

static void finish(struct pump *pump, int code)
{
	if (pump->is_over)
		return;
	pump->is_over = true;
	pump->code = code;
	g_main_loop_quit(pump->loop);
}

/* --- out */

static void go_on(struct pump *pump);

static gboolean on_readable(gint fd, GIOCondition condition, gpointer arg)
{
	struct pump *pump = arg;
	ssize_t n = read(fd, pump->buffer, BUFFER_BYTES);

	(void)condition;
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return G_SOURCE_CONTINUE;
	if (n < 0)
		dh_send_fail(pump->fault, DH_SEND_INPUT, "%s: %s", pump->config->input_name, strerror(errno));
	pump->is_input_over = n <= 0;
	pump->size = n > 0 ? (gsize)n : 0;
	pump->sent = 0;
	drop(&pump->readable);
	go_on(pump);
	return G_SOURCE_REMOVE;
}

static gboolean on_writable(GObject *stream, gpointer arg)
{
	struct pump *pump = arg;

	(void)stream;
	drop(&pump->writable);
	if (pump->sent == pump->size) {
		pump->is_ended = true;
		dh_send_connection_end(pump->config->connection);
	}
	go_on(pump);
	return G_SOURCE_REMOVE;
}

/* Returns whether something was sent. */
static bool send_some(struct pump *pump)
{
	GError *error = NULL;
	gssize n = g_pollable_output_stream_write_nonblocking(pump->out, pump->buffer + pump->sent,
		pump->size - pump->sent, NULL, &error);

	if (n < 0 && !g_error_matches(error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
		pump->is_unheard = true;
	g_clear_error(&error);
	pump->sent += n > 0 ? (gsize)n : 0;
	return n > 0;
}

static void go_on(struct pump *pump)
{
	while (pump->sent < pump->size && send_some(pump))
		;
	if (pump->is_unheard || pump->is_ended)
		return;
	if (pump->sent == pump->size && !pump->is_input_over)
		pump->readable = watch(g_unix_fd_source_new(pump->config->input, G_IO_IN | G_IO_HUP | G_IO_ERR),
			G_SOURCE_FUNC(on_readable), pump);
	else /* to send the rest, or the end */
		pump->writable = watch(g_pollable_output_stream_create_source(pump->out, NULL),
			G_SOURCE_FUNC(on_writable), pump);
}

/* --- in */

static void tell_error(struct pump *pump, const struct dh_send_event *event)
{
	const char *text = json_string_value(json_object_get(event->line, "error"));
	char *printable = dh_send_printable(text ? text : "the gateway gives no reason");

	dh_send_fail(pump->fault, event->code, "%s: %s", event->name, printable);
	g_free(printable);
}

static void hear_line(struct pump *pump, GBytes *line)
{
	struct dh_send_event event;

	if (dh_send_event_parse(&event, line) < 0) {
		dh_send_fail(pump->fault, DH_SEND_NO_CONNECTION,
			"what it says is not JSON: is it a gateway that takes pushes?");
		finish(pump, DH_SEND_NO_CONNECTION);
		return;
	}
	dh_send_printer_show(pump->config->printer, &event, line);
	if (event.is_last) {
		if (event.code == DH_SEND_REFUSED || event.code == DH_SEND_FAILED)
			tell_error(pump, &event);
		finish(pump, event.code);
	}
	dh_send_event_clear(&event);
}

static void hear_lines(struct pump *pump)
{
	GBytes *line;
	int got = 0;

	while (!pump->is_over && (got = dh_send_lines_next(pump->config->lines, &line)) > 0) {
		hear_line(pump, line);
		g_bytes_unref(line);
	}
	if (got < 0) {
		dh_send_fail(pump->fault, DH_SEND_NO_CONNECTION, "the gateway sent a line of more than %d bytes",
			DH_SEND_LINE_MAX);
		finish(pump, DH_SEND_NO_CONNECTION);
	}
}

static gboolean on_heard(GObject *stream, gpointer arg)
{
	struct pump *pump = arg;
	char bytes[BUFFER_BYTES];
	GError *error = NULL;
	gssize n = g_pollable_input_stream_read_nonblocking(pump->in, bytes, sizeof bytes, NULL, &error);

	(void)stream;
	if (n > 0) {
		dh_send_lines_add(pump->config->lines, bytes, (gsize)n);
		hear_lines(pump);
	} else if (n == 0 || !g_error_matches(error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK)) {
		dh_send_fail(pump->fault, DH_SEND_NO_CONNECTION, "the connection was lost before the segment ended%s%s",
			error ? ": " : "", error ? error->message : "");
		finish(pump, DH_SEND_NO_CONNECTION);
	}
	g_clear_error(&error);
	return G_SOURCE_CONTINUE;
}

/* --- signals */

struct ending {
	struct pump *pump;
	int signal;
	guint source; /* 0: none */
};

/* What is ignored stays so, as by nohup or in the background of a script. */
static bool is_ignored(int number)
{
	struct sigaction action;

	return sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

static gboolean on_signal(gpointer arg)
{
	struct ending *ending = arg;

	finish(ending->pump, DH_SEND_SIGNAL + ending->signal);
	return G_SOURCE_CONTINUE;
}

static void run(struct pump *pump)
{
	struct ending endings[] = { { pump, SIGINT, 0 }, { pump, SIGTERM, 0 }, { pump, SIGHUP, 0 } };

	for (size_t i = 0; i < G_N_ELEMENTS(endings); i++)
		if (!is_ignored(endings[i].signal))
			endings[i].source = g_unix_signal_add(endings[i].signal, on_signal, &endings[i]);
	pump->heard = watch(g_pollable_input_stream_create_source(pump->in, NULL), G_SOURCE_FUNC(on_heard), pump);
	go_on(pump);
	hear_lines(pump);
	if (!pump->is_over)
		g_main_loop_run(pump->loop);
	for (size_t i = 0; i < G_N_ELEMENTS(endings); i++)
		if (endings[i].source)
			g_source_remove(endings[i].source);
	drop(&pump->heard);
	drop(&pump->readable);
	drop(&pump->writable);
}

int dh_send_pump(const struct dh_send_pump_config *config, bool *is_input_over, struct dh_send_fault *fault)
{
	struct pump pump = {
		.config = config,
		.fault = fault,
		.loop = g_main_loop_new(NULL, FALSE),
		.in = G_POLLABLE_INPUT_STREAM(dh_send_connection_input(config->connection)),
		.out = G_POLLABLE_OUTPUT_STREAM(dh_send_connection_output(config->connection)),
		.buffer = g_malloc(BUFFER_BYTES),
	};
	const void *first = g_bytes_get_data(config->first, &pump.size);

	g_assert(pump.size <= BUFFER_BYTES);
	memcpy(pump.buffer, first, pump.size);
	dh_send_connection_set_timeout(config->connection, 0);
	run(&pump);
	*is_input_over = pump.is_input_over;
	g_free(pump.buffer);
	g_main_loop_unref(pump.loop);
	return pump.code;
}
