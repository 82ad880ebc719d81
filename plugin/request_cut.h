/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The fields of an interruption, which a generator's connection may ask for, too. */
#ifndef DH_REQUEST_CUT_H
#define DH_REQUEST_CUT_H

#include "request_fields.h"
#include "rooms/interruption.h"

/* Within a table of fields. */
#define DH_CUT_FIELDS \
	{ "mode", DH_FIELD_TEXT, false, DH_KEY_MAX }, \
	{ \
		"word_ms", DH_FIELD_NUMBER, false, DH_WORD_MS_MAX \
	}

/* Interrupts the request's room, as its fields say. Fails the request, or sets *reply to the answer's fields. */
void dh_request_cut(struct dh_request *request, json_t **reply);

#endif
