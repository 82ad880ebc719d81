/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a gateway says, line by line: events of the segment, `progress`, `want`, a refusal.
 * Pure; a line may hold anything. */
#ifndef DH_SEND_EVENT_H
#define DH_SEND_EVENT_H

#include <stdbool.h>
#include <glib.h>
#include <jansson.h>

#include "exit_code.h"

struct dh_send_event {
	json_t *line;           /* a reference */
	const char *name;       /* the event's, "refused" for a refusal; NULL: something else */
	bool is_last;           /* nothing comes behind it */
	enum dh_send_exit code; /* of the last line */
};

/* 0, or -EBADMSG: this is no JSON object. */
int dh_send_event_parse(struct dh_send_event *event, GBytes *line);
void dh_send_event_clear(struct dh_send_event *event);

/* A line for people, without its line feed and without control characters; NULL: it says
 * nothing to people. g_free it. */
char *dh_send_event_text(const struct dh_send_event *event);

/* `text` for a terminal: control characters are shown as \xNN. g_free it. */
char *dh_send_printable(const char *text);

#endif
