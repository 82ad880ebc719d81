/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The lines that are sent: questions, and the one that begins a segment. Pure. */
#ifndef DH_SEND_REQUEST_H
#define DH_SEND_REQUEST_H

#include <stdbool.h>
#include <glib.h>
#include <jansson.h>

#include "fault.h"

#define DH_SEND_REQUEST_MAX 65536 /* bytes of a line, with its line feed */

struct dh_send_request {
	const char *room;  /* all texts are borrowed, NULL: none */
	bool is_room_text; /* it is a string although it looks like a number */
	const char *segment, *utterance, *text;
	long index; /* -1: none */
	bool is_last;
	const char *priority, *before, *after, *underrun;
	long ttl_ms, repeat, preroll_ms; /* -1: the gateway's own choice */
	bool is_patient;
	json_t *metadata, *words, *captions, *markers; /* owned */
	json_t *mark;                                  /* owned; the data of a question "mark" */
	long at_ms;                                    /* of that; -1: none */
	long progress_ms;                              /* -1: the gateway's own choice */
};

void dh_send_request_init(struct dh_send_request *request);
void dh_send_request_clear(struct dh_send_request *request);

/* Whether it says when a segment is to play, or how. */
bool dh_send_request_is_placed(const struct dh_send_request *request);

/* The line with its line feed. `question`: "info", "anchor", "interrupt" or "mark"; NULL: the segment begins.
 * `token`: NULL: none. NULL with a fault, DH_SEND_USAGE: a text is not UTF-8, or there is too
 * much of it. */
GBytes *dh_send_request_line(const struct dh_send_request *request, const char *question, const char *token,
	struct dh_send_fault *fault);

#endif
