/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tells Janus's event handlers every so often how the plugin and each room do: events `stats`, see docs/api.md.
 * A thread of its own, because it waits for the rooms' and the I/O thread.
 */
#ifndef DH_REPORTER_H
#define DH_REPORTER_H

#include "instance.h"

struct dh_reporter;

/* Nothing, and *reporter stays NULL, where the configuration has `stats_events_s` 0 or no events. The first report
 * comes after that time. An error if the thread cannot be started. */
int dh_reporter_alloc(struct dh_reporter **reporter, struct dh_instance *instance);
/* Waits for a report that has begun. *reporter may be NULL. */
void dh_reporter_free(struct dh_reporter **reporter);

#endif
