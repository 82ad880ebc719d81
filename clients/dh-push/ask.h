/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Questions to a gateway, before a segment begins. They wait for its answer. */
#ifndef DH_SEND_ASK_H
#define DH_SEND_ASK_H

#include <glib.h>
#include <jansson.h>

#include "connection.h"
#include "fault.h"
#include "lines.h"
#include "request.h"

#define DH_SEND_ANSWER_S   30         /* longest wait for an answer */
#define DH_SEND_ANCHOR_MAX (64 << 20) /* bytes */

/* How the room's avatar is encoded: an object, json_decref it; and its anchor, g_bytes_unref it,
 * unless `anchor` is NULL. What the gateway sends behind that stays in `lines`. Fails with
 * DH_SEND_REFUSED or DH_SEND_NO_CONNECTION; both are NULL then. */
int dh_send_ask(struct dh_send_connection *connection, struct dh_send_lines *lines,
	const struct dh_send_request *request, const char *token, json_t **info, GBytes **anchor,
	struct dh_send_fault *fault);

/* Asks another question, "interrupt" or "mark". The answer's object, json_decref it; NULL on failure. */
json_t *dh_send_ask_this(struct dh_send_connection *connection, struct dh_send_lines *lines,
	const struct dh_send_request *request, const char *question, const char *token, struct dh_send_fault *fault);

#endif
