/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "gateway_log.h"

#include <janus/debug.h>

#include "ingest/log.h"
#include "janus_api.h"

static void write_line(enum dh_log_level level, const char *text)
{
	static const int levels[] = {
		[DH_LOG_ERROR] = LOG_ERR,
		[DH_LOG_WARNING] = LOG_WARN,
		[DH_LOG_INFO] = LOG_INFO,
		[DH_LOG_DEBUG] = LOG_VERB,
	};
	int l = levels[level];
	JANUS_LOG(l, "[" DH_PACKAGE "] %s\n", text);
}

void dh_gateway_log_open(void)
{
	dh_log_set(write_line);
}

void dh_gateway_log_close(void)
{
	dh_log_set(NULL);
}
