/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A segment on its way: the first line and the media go out, what the gateway says comes in,
 * until it has said its last. */
#ifndef DH_SEND_PUMP_H
#define DH_SEND_PUMP_H

#include <stdbool.h>
#include <glib.h>

#include "connection.h"
#include "fault.h"
#include "lines.h"
#include "printer.h"

struct dh_send_pump_config {
	struct dh_send_connection *connection;
	struct dh_send_lines *lines; /* may hold bytes already */
	struct dh_send_printer *printer;
	GBytes *first; /* the first line */
	int input;     /* the media, a descriptor */
	const char *input_name;
};

/* Waits until the segment has ended, the connection is lost, or a signal ends it. Returns what to
 * exit with; a fault says more. *is_input_over: all media were read. At most one at a time in a
 * process, with the default main context. */
int dh_send_pump(const struct dh_send_pump_config *config, bool *is_input_over, struct dh_send_fault *fault);

#endif
