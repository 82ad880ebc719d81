/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the fields of requests may be, as tables. */
#ifndef DH_REQUEST_FIELDS_H
#define DH_REQUEST_FIELDS_H

#include "request.h"

enum dh_field_type {
	DH_FIELD_ROOM,   /* an id, see room_id.h */
	DH_FIELD_VIEWER, /* an integer from 1 to 2^31 - 1 */
	DH_FIELD_TEXT,   /* UTF-8 without control characters, 1 to `max` bytes */
	DH_FIELD_EMPTY,  /* the same, or empty */
	DH_FIELD_PROSE,  /* the same as TEXT, with line breaks and tabs */
	DH_FIELD_FLAG,
	DH_FIELD_OBJECT, /* at most `max` bytes when written */
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

/* Whether the request as a whole is within its limits. Where it is not, it fails. */
void dh_request_check_size(struct dh_request *request);

/* The same of its fields; those that no row names are ignored. `fields` NULL: none. */
void dh_request_check_fields(struct dh_request *request, const struct dh_field *fields);

#endif
