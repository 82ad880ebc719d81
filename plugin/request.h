/* Requests: who may ask for what, with which fields, and how they are answered.
 *
 * Everything about a request is checked before it changes anything. A handler
 * either sets `reply` or calls dh_request_fail.
 */
#ifndef DH_REQUEST_H
#define DH_REQUEST_H

#include <jansson.h>

#include "janus_api.h"
#include "instance.h"

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
	struct dh_instance *instance;
	struct dh_session *session; /* a reference; NULL: from the Admin API */
	char *transaction;
	json_t *body, *jsep;
	int error_code;             /* 0: none */
	char error[512];
	json_t *reply;
};

enum dh_field_type {
	DH_FIELD_ROOM,   /* an id, see room_id.h */
	DH_FIELD_VIEWER, /* an integer from 1 to 2^31 - 1 */
	DH_FIELD_TEXT,   /* UTF-8 without control characters, 1 to `max` bytes */
	DH_FIELD_EMPTY,  /* the same, or empty */
	DH_FIELD_PROSE,  /* the same, with line breaks and tabs */
	DH_FIELD_FLAG,
	DH_FIELD_OBJECT, /* `max` bytes at most when written */
	DH_FIELD_FILES,  /* a text, or a list of two */
};

struct dh_field {
	const char *name;           /* NULL: the last one */
	enum dh_field_type type;
	gboolean required;
	size_t max;                 /* 0: the configuration's, for that name */
};

struct dh_request_type {
	const char *name;
	gboolean asynchronous;      /* handled by the outbox's thread; needs a handle */
	const struct dh_field *fields;
	void (*handle)(struct dh_request *request);
};

/* What other files handle. */
extern const struct dh_request_type dh_room_requests[], dh_change_requests[], dh_segment_requests[],
	dh_viewer_requests[], dh_watch_requests[];

/* From a handle; takes over transaction, message and jsep. */
struct janus_plugin_result *dh_request_handle(struct dh_instance *instance, struct dh_session *session,
	char *transaction, json_t *message, json_t *jsep);

/* From the Admin API; `message` is lent. The answer is the caller's. */
json_t *dh_request_admin(struct dh_instance *instance, json_t *message);

/* --- for handlers */

void dh_request_fail(struct dh_request *request, enum dh_error code, const char *format, ...)
	G_GNUC_PRINTF(3, 4);

/* NULL where the field is not given. */
const char *dh_request_text(const struct dh_request *request, const char *field);

/* The room of the field `id`, a reference; NULL: it failed. */
struct dh_room *dh_request_room(struct dh_request *request);

/* FALSE: the request has failed with DH_ERROR_UNAUTHORIZED. `key` NULL: nothing
 * is needed. The comparison's time tells nothing of the key. */
gboolean dh_request_authorize(struct dh_request *request, const char *field, const char *key);

/* Whether `field` holds `key`, which is one. */
gboolean dh_request_knows(const struct dh_request *request, const char *field, const char *key);

/* The room of `id`, when the room's secret is right. */
struct dh_room *dh_request_own_room(struct dh_request *request);

/* Whether `secret` or `pin` opens the room; FALSE: it has failed. *is_trusted
 * (where not NULL): the secret did, or the room has none. */
gboolean dh_request_may_look(struct dh_request *request, struct dh_room *room, gboolean *is_trusted);

/* Fails with what the room's thread has answered, or the room file. */
void dh_request_fail_room(struct dh_request *request, int error);

#define DH_KEY_MAX DH_CONFIG_KEY_MAX
/* The last field of every table. */
#define DH_FIELD_END { NULL, 0, FALSE, 0 }

/* {"digitalhuman":NAME,"id":…} with the fields of `more` (taken over; NULL: none). */
json_t *dh_request_answer(const char *name, const struct dh_room *room, json_t *more);

#endif
