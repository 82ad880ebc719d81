/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The internals of the tests' gateway; for gateway*.c only. */
#ifndef DH_GATEWAY_PRIVATE_H
#define DH_GATEWAY_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "tests/support/gateway.h"

enum gateway_job { JOB_UP, JOB_PLI, JOB_REPORT, JOB_CLOSE, JOB_HANGUP, JOB_DETACH };

struct gateway_handle {
	/* immutable; `client` comes first, as the session does in a janus_ice_handle */
	const void *client;
	janus_plugin_session *session; /* known to exist until `is_detached` */
	pthread_t loop;
	/* atomic */
	atomic_int refs; /* the owner's, and the session's */
	/* protected by lock */
	pthread_mutex_t lock;
	pthread_cond_t change;
	GQueue jobs;       /* for the loop, enum gateway_job */
	GQueue said;       /* events, json_t */
	GHashTable *asked; /* transactions still to be answered by an event */
	int is_detached;
	int is_offered, is_answered; /* there is a PeerConnection; it can come up */
	int mindex[2];               /* of sound and pictures, in the plugin's SDP; -1: none */
	char *peer_sdp;              /* the newest from the handle; NULL: none */
	int is_cleaning;             /* it is going, and hangup_media has not returned yet */
	int is_closing;              /* the plugin wants it closed */
	int holds_hangups;
	int lost; /* as its next reports say */
	struct gateway_media media;
	uint16_t last_sequence[2];
};

/* The one that is running. */
struct gateway {
	struct gateway_options options; /* immutable while running */
	/* atomic */
	atomic_int is_running;  /* the plugin may call */
	atomic_int is_stopping; /* destroy has begun: the plugin refuses requests */
	atomic_int inside;      /* calls from the plugin that have not returned */
	atomic_int sessions;
	atomic_int relayed; /* packets sent to PeerConnections that are up */
};
extern struct gateway gateway;

/* --- gateway.c */

void gateway_handle_ref(struct gateway_handle *handle);
void gateway_handle_unref(struct gateway_handle **handle);

/* With the lock held: gives the loop a job, to be done first if `is_urgent`. */
void gateway_handle_post(struct gateway_handle *handle, enum gateway_job job, int is_urgent);

/* --- gateway_callbacks.c */

extern janus_callbacks gateway_callbacks;

/* Ends the process if `json` contains the forbidden string. */
void gateway_scan_json(const json_t *json);

#endif
