/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Maps errors of rooms, and of the file of permanent rooms, to the API's. */
#ifndef DH_REQUEST_ERRORS_H
#define DH_REQUEST_ERRORS_H

#include "request.h"

/* There are as many as there may be, by that option. */
void dh_request_fail_limit(struct dh_request *request, const char *option, int64_t limit);

/* There is no room with this id, or none yet. */
void dh_request_fail_no_room(struct dh_request *request, const char *id);

/* Fails the request with `err`, a negative errno of room.h, instance.h or room_file.h. */
void dh_request_fail_room(struct dh_request *request, int err);

/* Answers as dh_request_answer if `err` is 0, else fails the request. Takes ownership
 * of `more` in both cases. */
void dh_request_finish(struct dh_request *request, int err, const char *name, json_t *more);

#endif
