/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A request: what was asked, by whom, and how it is answered. Handlers work with
 * it; request_table.h says which there are, dispatch.h calls them.
 *
 * One thread has a request at a time. A handler either sets `reply` or calls
 * dh_request_fail, and a request that fails has changed nothing.
 */
#ifndef DH_REQUEST_H
#define DH_REQUEST_H

#include <stdbool.h>

#include <jansson.h>

#include "instance.h"
#include "janus_api.h"

/* docs/api.md */
enum dh_error {
	DH_ERROR_NO_MESSAGE = 450,
	DH_ERROR_JSON = 451,
	DH_ERROR_REQUEST = 452,
	DH_ERROR_MISSING = 453,
	DH_ERROR_VALUE = 454,
	DH_ERROR_NO_ROOM = 455,
	DH_ERROR_CREATE = 456,
	DH_ERROR_UNAUTHORIZED = 457,
	DH_ERROR_STATE = 460,
	DH_ERROR_SDP = 461,
	DH_ERROR_FILE = 462,
	DH_ERROR_NO_SEGMENT = 463,
	DH_ERROR_LIMIT = 464,
	DH_ERROR_NO_VIEWER = 466, /* 465 is a failed segment's, in events */
	DH_ERROR_PERMANENT = 467,
	DH_ERROR_INTERNAL = 470,
};

struct dh_request {
	/* immutable */
	struct dh_instance *instance;
	struct dh_session *session; /* a reference; NULL: from the Admin API */
	char *transaction;
	json_t *body, *jsep;
	/* found out while its authority is checked (request_authority.h) */
	struct dh_room *room; /* the room that it is about, a reference; NULL: none */
	bool is_trusted;      /* the room's secret, or the admin key, was given or is not needed */
	/* how it is answered */
	json_t *reply;
	int error_code; /* enum dh_error; 0: it has not failed */
	char *error;    /* one line; NULL: it has not failed */
};

/* Takes ownership of transaction, message and jsep (each may be NULL); takes a
 * reference to `session` (NULL: from the Admin API). */
struct dh_request *dh_request_new(struct dh_instance *instance, struct dh_session *session, char *transaction,
	json_t *message, json_t *jsep);
void dh_request_free(struct dh_request **request);

/* The first failure counts. The text is made one line of UTF-8 of at most 512 bytes,
 * cut between characters. */
void dh_request_fail(struct dh_request *request, enum dh_error code, const char *format, ...) G_GNUC_PRINTF(3, 4);

/* NULL where the field is not given. */
const char *dh_request_text(const struct dh_request *request, const char *field);
bool dh_request_flag(const struct dh_request *request, const char *field);

/* Answers {"digitalhuman":NAME,"id":…} about the request's room, with the fields of
 * `more` (ownership is taken; NULL: none). */
void dh_request_answer(struct dh_request *request, const char *name, json_t *more);

/* {"digitalhuman":"event","error_code":…,"error":…} of one that has failed. A new
 * reference. */
json_t *dh_request_error(const struct dh_request *request);

#endif
