/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A request: its content, its sender and its answer. request_table.h lists the
 * handlers, dispatch.c calls them.
 *
 * Only one thread uses a request at a time. A handler calls dh_request_fail, or sets
 * `reply`; an asynchronous one pushes its answer instead, or sets `waits`. A request that
 * fails, or waits, has changed nothing.
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
	DH_ERROR_NO_VIEWER = 466, /* 465 is in events of failed segments */
	DH_ERROR_PERMANENT = 467,
	DH_ERROR_INTERNAL = 470,
};

struct dh_request {
	/* immutable */
	struct dh_instance *instance;
	struct dh_session *session; /* a reference; NULL: from the Admin API */
	char *transaction;
	json_t *body, *jsep;
	char *raw_sdp; /* of `jsep` as the peer wrote it; NULL: not known */
	/* set by dh_request_authorize */
	struct dh_room *room; /* the room that it is about, a reference; NULL: none */
	bool is_trusted;      /* the room's secret, or the admin key, was given or is not needed */
	/* set by whoever runs an asynchronous one */
	bool may_wait; /* for the end of the handle's previous connection */
	/* the answer */
	bool waits; /* there is none yet: it is to be handled again when that has ended */
	json_t *reply;
	int error_code; /* enum dh_error; 0: it has not failed */
	char *error;    /* one line; NULL: it has not failed */
	int file_err;   /* it has failed because of a file: an error of dh_ingest_find; 0: otherwise */
};

/* Takes ownership of transaction, message and jsep (each may be NULL); takes a
 * reference to `session` (NULL: from the Admin API). */
struct dh_request *dh_request_new(struct dh_instance *instance, struct dh_session *session, char *transaction,
	json_t *message, json_t *jsep);
void dh_request_free(struct dh_request **request);

/* The first failure counts. The text becomes one line of at most 512 bytes of UTF-8. */
void dh_request_fail(struct dh_request *request, enum dh_error code, const char *format, ...) G_GNUC_PRINTF(3, 4);

/* NULL if the field is not given. */
const char *dh_request_text(const struct dh_request *request, const char *field);
bool dh_request_flag(const struct dh_request *request, const char *field);
/* `ptime` (see dh_is_ptime); `otherwise` where it is not given. One that cannot be fails the request. */
int64_t dh_request_ptime(struct dh_request *request, int64_t otherwise);
/* Changes `delay` as `min_delay` and `max_delay` of `from` say, the request or a part of it (see dh_delay_change).
 * False: neither is given. What cannot be fails the request. */
bool dh_request_delay(struct dh_request *request, const json_t *from, struct dh_delay *delay);

/* Answers {"digitalhuman":NAME,"id":…} about the request's room, with the fields of
 * `more` (takes ownership; may be NULL). */
void dh_request_answer(struct dh_request *request, const char *name, json_t *more);

/* {"digitalhuman":"event","error_code":…,"error":…} of a failed request. A new
 * reference. */
json_t *dh_request_error(const struct dh_request *request);

#endif
