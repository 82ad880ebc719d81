/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The valid fields of requests, as tables. */
#ifndef DH_REQUEST_FIELDS_H
#define DH_REQUEST_FIELDS_H

#include "request.h"

enum dh_field_type {
	DH_FIELD_ROOM,   /* an id, see room_id.h */
	DH_FIELD_VIEWER, /* an integer from 1 to 2^31 - 1 */
	DH_FIELD_TEXT,   /* UTF-8 without control characters, 1 to `max` bytes */
	DH_FIELD_KEY,    /* the same; an empty one is none */
	DH_FIELD_EMPTY,  /* the same as TEXT, or empty */
	DH_FIELD_PROSE,  /* the same as TEXT, with line breaks and tabs */
	DH_FIELD_PIECE,  /* the same as PROSE, or empty */
	DH_FIELD_FLAG,
	DH_FIELD_NUMBER, /* an integer from 0 to `max` */
	DH_FIELD_OBJECT, /* at most `max` bytes of compact JSON */
	DH_FIELD_ARRAY,  /* the handler checks what is in it */
	DH_FIELD_FILES,  /* a TEXT, or a list of two */
};

struct dh_field {
	const char *name; /* NULL: the last one of a table */
	enum dh_field_type type;
	bool required;
	size_t max; /* 0: the configuration's, for that type */
};

#define DH_FIELD_END \
	{ \
		NULL, 0, false, 0 \
	}
#define DH_KEY_MAX   DH_CONFIG_KEY_MAX
#define DH_TOKEN_MAX 4096

/* Fails the request if its size, depth, JSEP or transaction exceeds a limit. */
void dh_request_check_size(struct dh_request *request);

/* Fails the request if a field is missing or invalid. Unknown fields are ignored. One that is null, or an
 * empty key, is not given: it is removed. `fields` may be NULL. */
void dh_request_check_fields(struct dh_request *request, const struct dh_field *fields);

#endif
