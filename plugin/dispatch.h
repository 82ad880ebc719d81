/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Requests from Janus: checks, handles and answers them. */
#ifndef DH_DISPATCH_H
#define DH_DISPATCH_H

#include <jansson.h>

#include "instance.h"

struct janus_plugin_result;

/* From a handle. Takes ownership of transaction, message and jsep. */
struct janus_plugin_result *dh_dispatch(struct dh_instance *instance, struct dh_session *session, char *transaction,
	json_t *message, json_t *jsep);

/* From the Admin API; `message` remains the caller's. Returns a new reference. */
json_t *dh_dispatch_admin(struct dh_instance *instance, json_t *message);

#endif
