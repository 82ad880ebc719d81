/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A Janus for tests, in the test's own process: the functions that the plugin
 * needs of the gateway, and the gateway's side of handles. It calls the plugin
 * from the threads and in the order in which Janus does:
 *
 * - messages come from the caller's thread, and for one handle from any number;
 * - setup_media, incoming_rtcp, hangup_media and destroy_session come from a
 *   thread of the handle's own, its loop;
 * - a PeerConnection exists from the plugin's offer on; only then is hangup_media
 *   called, later, and once;
 * - create_session gets a janus_plugin_session without a reference count. The
 *   count begins afterwards, with one reference for the plugin and one for the
 *   gateway; whoever drops the last one frees the session.
 *
 * What no plugin may do (call back after destroy, answer with no object, send
 * what is not RTP, reveal a secret, call GLib with what it does not take) ends the
 * process with a message on standard error. There is one gateway and one plugin.
 */
#ifndef DH_GATEWAY_H
#define DH_GATEWAY_H

#include <stdint.h>

#include <jansson.h>

#include <janus/plugins/plugin.h>

struct gateway_handle;

/* What a test wants to see, and how the gateway behaves. Everything may be 0. */
struct gateway_options {
	/* The event handlers; called from any of the plugin's threads. NULL: none. */
	void (*notified)(void *arg, const json_t *event);
	void *arg;
	int is_signed;         /* tokens are signed; "signed:DESCRIPTOR" is a valid one for DESCRIPTOR */
	int is_loud;           /* what the plugin logs goes to standard error */
	const char *forbidden; /* must not occur in any log line, event or answer; NULL: nothing */
};

/* Starts the plugin with the configuration in `folder` and returns what its init
 * returned. `options` (may be NULL) are copied. */
int gateway_start(const char *folder, const struct gateway_options *options);

/* Calls the plugin's destroy while other threads go on; from then on the plugin must be
 * silent. Handles outlive it. Does nothing if it has not been started. */
void gateway_stop(void);

/* Sessions with a reference left; 0 when all are gone. */
int gateway_sessions(void);

/* Packets sent to all PeerConnections that were up, since the start. */
int gateway_relayed(void);

/* --- handles; any thread, unless another word is said */

/* NULL: the plugin refused it. */
struct gateway_handle *gateway_attach(void);

/* The same, for a handle of the Janus session `client` (any address). NULL: of a session
 * of its own. */
struct gateway_handle *gateway_attach_to(const void *client);

/* Hangs up, detaches, and returns when the plugin has seen both. Nobody may use the
 * handle any more. */
void gateway_detach(struct gateway_handle **handle);

/* Sends `body` and `jsep` (may be NULL), taking ownership. Returns the answer to a
 * synchronous request, or NULL for an asynchronous one. */
json_t *gateway_ask(struct gateway_handle *handle, json_t *body, json_t *jsep);

/* The same with this `transaction`; no other waiting request may use it. */
json_t *gateway_ask_as(struct gateway_handle *handle, const char *transaction, json_t *body, json_t *jsep);

/* The same through the Admin API. NULL: the plugin is gone. */
json_t *gateway_ask_admin(json_t *body);

/* What the plugin reports about the handle to the Admin API; may be NULL. */
json_t *gateway_query(struct gateway_handle *handle);

/* The handle's loop does these later. Nothing comes up without an offer and its answer,
 * and nothing is hung up without an offer. */
void gateway_up(struct gateway_handle *handle);
void gateway_pli(struct gateway_handle *handle);
/* A receiver report: so many packets of the picture lost in all, a quarter of the last ones, and 10 ms of jitter. */
void gateway_report(struct gateway_handle *handle, int lost);
void gateway_hangup(struct gateway_handle *handle);

/* A JSEP answer to the plugin's offer; it takes playout delays. */
json_t *gateway_answer(void);

/* --- what a handle was sent */

/* The first event of this kind, in the order in which they came, or NULL after
 * `timeout_ms`; the caller's. Those before it are forgotten. `kind` is
 *     "status:NAME"   {"result":{"status":NAME}}
 *     "event:NAME"    {"event":NAME}
 *     "error:CODE"    {"error_code":CODE}
 *     ""              any of them
 * Its "number" says how many events the gateway had been given before, for all
 * handles. */
json_t *gateway_await(struct gateway_handle *handle, const char *kind, int timeout_ms);
void gateway_forget(struct gateway_handle *handle);

/* From now on the handle's hang-ups do not reach the plugin, until the argument is 0. Detaching
 * lets them through. */
void gateway_hold_hangups(struct gateway_handle *handle, int is_holding);
/* Whether a connection has ended, and the plugin has not returned from hearing of it. */
int gateway_is_hanging_up(struct gateway_handle *handle);

/* --- offers

 * As when a STUN server does not answer: the plugin's push_event does not return from an
 * offer until the offer may pass. When the gateway stops, all may. */
void gateway_hold_offers(void);
/* Lets `count` held offers pass, now or when they come; -1: all, from now on. */
void gateway_pass_offers(int count);
/* How many are held. */
int gateway_held_offers(void);
/* Refuses the next `count` offers with this error, like a Janus that cannot make a connection. */
void gateway_refuse_offers(int count, int error);
/* How many of them are still to come. */
int gateway_refusals(void);

/* Holds all other events of the plugin, or lets them go. */
void gateway_hold_events(int is_holding);
int gateway_held_events(void);

/* What a handle has received since its newest offer. */
struct gateway_media {
	int is_up;
	int packets[2];  /* sound, pictures */
	int breaks[2];   /* sequence numbers that do not follow the previous one */
	int delay[2];    /* the playout delay in the newest picture's first packet; -1: none */
	int alike;       /* how many pictures in a row say the same of that */
	int captures[2]; /* packets that say when their media were captured */
};
void gateway_media(struct gateway_handle *handle, struct gateway_media *media);

/* --- gateway_core.c */

extern janus_plugin dh_plugin;

/* Writes to standard error and ends the process. */
void gateway_fault(const char *format, ...) G_GNUC_PRINTF(1, 2) G_GNUC_NORETURN;

/* How log lines are treated from now on: printed if `is_loud`; none may contain `forbidden`
 * (NULL: nothing). Starts counting them. */
void gateway_log(int is_loud, const char *forbidden);

/* How many lines containing `text` have been logged since the plugin was started. */
int gateway_logged(const char *text);

/* Ends the process if `text` contains the forbidden string. */
void gateway_scan(const char *text);

#endif
