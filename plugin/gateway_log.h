/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where the lines of dh_log (ingest/log.h) go: into Janus's log. Nothing else of the plugin writes there.
 */
#ifndef DH_GATEWAY_LOG_H
#define DH_GATEWAY_LOG_H

/* Before there are threads of the plugin, and when there are none any more. */
void dh_gateway_log_open(void);
void dh_gateway_log_close(void);

#endif
