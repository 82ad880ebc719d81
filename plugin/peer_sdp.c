/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "peer_sdp.h"

#include "janus_api.h"

#include <janus/mutex.h>
#include <janus/utils.h>

/* Janus's own; missing in tests. */
extern int janus_version __attribute__((weak));

#define FIRST_VERSION 1101
#define LAST_VERSION  1401

/* The beginning of janus_ice_handle, with pointers for what we do not read. */
struct record {
	void *session;
	guint64 handle_id;
	char *opaque_id, *token;
	gint64 created;
	void *app;
	janus_plugin_session *app_handle;
	janus_flags webrtc_flags;
	gint cdone;
	void *mainctx, *mainloop, *static_event_loop, *thread;
	void *rtp_source, *rtcp_source, *stats_source, *twcc_source;
	void *agent;
	gint64 agent_created, agent_started;
	gboolean controlling;
	gchar *pc_mid;
	guint stream_id;
	void *pc;
	gchar *rtp_profile, *local_sdp, *remote_sdp;
	const gchar *hangup_reason;
	void *pending_trickles, *queued_candidates, *queued_packets;
	guint srtp_errors_count;
	gint last_srtp_error, last_srtp_summary, last_event_stats;
	volatile gint dump_packets;
	void *text2pcap;
	janus_mutex mutex;
};

char *dh_peer_sdp(const struct janus_plugin_session *handle)
{
	struct record *record = handle->gateway_handle;

	if (!&janus_version || janus_version < FIRST_VERSION || janus_version > LAST_VERSION || !record ||
		record->app_handle != handle)
		return NULL;
	janus_mutex_lock_nodebug(&record->mutex);
	char *sdp = g_strdup(record->remote_sdp);
	janus_mutex_unlock_nodebug(&record->mutex);
	return sdp;
}
