/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The functions of Janus that the plugin links to, except those for configuration. */
#include "tests/support/gateway.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <janus/debug.h>
#include <janus/rtcp.h>

int janus_log_level = LOG_VERB;
gboolean janus_log_timestamps, janus_log_colors;
char *janus_log_global_prefix;
int refcount_debug;
int lock_debug;

#define LINES_MAX 2000 /* log lines to remember */

static int is_loud;
static char forbidden[256];
static pthread_mutex_t lines_lock = PTHREAD_MUTEX_INITIALIZER;
static GPtrArray *lines; /* protected by lines_lock */

void gateway_fault(const char *format, ...)
{
	va_list args;

	fprintf(stderr, "what no plugin may do: ");
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\n");
	abort();
}

void gateway_log(int loud, const char *not_this)
{
	is_loud = loud;
	g_strlcpy(forbidden, not_this ? not_this : "", sizeof forbidden);
	pthread_mutex_lock(&lines_lock);
	if (lines)
		g_ptr_array_free(lines, TRUE);
	lines = g_ptr_array_new_with_free_func(g_free);
	pthread_mutex_unlock(&lines_lock);
}

void gateway_scan(const char *text)
{
	if (*forbidden && strstr(text, forbidden))
		gateway_fault("it tells \"%s\": %s", forbidden, text);
}

/* Formats every line, so that wrong arguments are found. */
void janus_vprintf(const char *format, ...)
{
	char line[4096];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof line, format, args);
	va_end(args);
	gateway_scan(line);
	if (!g_utf8_validate(line, -1, NULL) && strlen(line) + 1 < sizeof line)
		gateway_fault("a log line that is not UTF-8: %s", line);
	pthread_mutex_lock(&lines_lock);
	if (lines && lines->len < LINES_MAX)
		g_ptr_array_add(lines, g_strdup(line));
	pthread_mutex_unlock(&lines_lock);
	if (is_loud)
		fputs(line, stderr);
}

int gateway_logged(const char *text)
{
	int count = 0;

	pthread_mutex_lock(&lines_lock);
	for (guint i = 0; lines && i < lines->len; i++)
		count += strstr(lines->pdata[i], text) != NULL;
	pthread_mutex_unlock(&lines_lock);
	return count;
}

/* --- results */

janus_plugin_result *janus_plugin_result_new(janus_plugin_result_type type, const char *text, json_t *content)
{
	janus_plugin_result *result = g_new0(janus_plugin_result, 1);

	result->type = type;
	result->text = text;
	result->content = content;
	return result;
}

void janus_plugin_result_destroy(janus_plugin_result *result)
{
	json_decref(result->content);
	g_free(result);
}

/* --- media */

void janus_plugin_rtp_extensions_reset(janus_plugin_rtp_extensions *extensions)
{
	memset(extensions, 0, sizeof *extensions);
	extensions->audio_level = extensions->video_rotation = -1;
	extensions->min_delay = extensions->max_delay = -1;
}

void janus_plugin_rtp_reset(janus_plugin_rtp *packet)
{
	memset(packet, 0, sizeof *packet);
	packet->mindex = -1;
	janus_plugin_rtp_extensions_reset(&packet->extensions);
}

/* Whether a compound packet (RFC 3550, 6.1) has payload-specific feedback of
 * this format (RFC 4585, 6.3). */
static gboolean has_feedback(const char *packet, int length, int format)
{
	const uint8_t *at = (const uint8_t *)packet;

	while (length >= 4) {
		int size = 4 * ((at[2] << 8 | at[3]) + 1);
		if (at[0] >> 6 != 2 || size > length)
			return FALSE;
		if (at[1] == 206 && (at[0] & 31) == format)
			return TRUE;
		at += size;
		length -= size;
	}
	return FALSE;
}

gboolean janus_rtcp_has_pli(char *packet, int length)
{
	return has_feedback(packet, length, 1);
}

gboolean janus_rtcp_has_fir(char *packet, int length)
{
	return has_feedback(packet, length, 4);
}
