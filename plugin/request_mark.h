/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `mark` of the API, and of a push connection. */
#ifndef DH_REQUEST_MARK_H
#define DH_REQUEST_MARK_H

#include "request_fields.h"

/* Does what the request's `data`, `segment` and `at_ms` say. *reply: {"media_ms":…}, a new reference, unless it has
 * failed. */
void dh_request_mark(struct dh_request *request, json_t **reply);

#endif
