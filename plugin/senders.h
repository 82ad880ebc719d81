/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Janus's threads that send to our viewers: real-time while they do, then what they were.
 *
 * With Janus's `event_loops` such a thread serves the handles of other plugins, too, and lives
 * as long as Janus. Only a thread itself can change its class: Janus calls setup_media and
 * hangup_media in the thread that sends, so the last viewer's hang-up is the moment. (Where a
 * hang-up comes from another thread, the sender stays as it is until the next of our viewers
 * comes or goes there.)
 */
#ifndef DH_SENDERS_H
#define DH_SENDERS_H

#include <stdbool.h>

struct dh_senders;
struct dh_session;

struct dh_senders *dh_senders_new(void);
/* Threads that still are real-time stay so. */
void dh_senders_free(struct dh_senders **senders);

/* From setup_media: the calling thread sends to `session`. Returns its id if it is one of Janus's
 * `event_loops`, else 0. `is_realtime`: see dh_realtime_enter. */
int dh_senders_enter(struct dh_senders *senders, struct dh_session *session, bool is_realtime);

/* From hangup_media, or when the handle goes. May be called again. */
void dh_senders_leave(struct dh_senders *senders, struct dh_session *session);

#endif
