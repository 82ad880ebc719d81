/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an RTP forward of a room is to be, as a JSON object: the fields of `rtp_forward` but those that say who asks.
 * As the request gives it, as a group of `forwards` in a configuration file has it, and as it is kept.
 */
#ifndef DH_FORWARD_RECORD_H
#define DH_FORWARD_RECORD_H

#include <stdbool.h>

#include <glib.h>
#include <jansson.h>

#include "playout/packets.h"
#include "request_fields.h"
#include "rooms/rtp_forward.h"

/* Rows for a table of fields. */
#define DH_FORWARD_KEYFRAME_MS_MAX 600000
/* clang-format off */
#define DH_FORWARD_FIELDS \
	{ "host", DH_FIELD_TEXT, true, 64 }, \
	{ "host_family", DH_FIELD_TEXT, false, 8 }, \
	{ "audio_port", DH_FIELD_NUMBER, false, 65535 }, \
	{ "audio_rtcp_port", DH_FIELD_NUMBER, false, 65535 }, \
	{ "audio_ssrc", DH_FIELD_NUMBER, false, UINT32_MAX }, \
	{ "audio_pt", DH_FIELD_NUMBER, false, 127 }, \
	{ "video_port", DH_FIELD_NUMBER, false, 65535 }, \
	{ "video_rtcp_port", DH_FIELD_NUMBER, false, 65535 }, \
	{ "video_ssrc", DH_FIELD_NUMBER, false, UINT32_MAX }, \
	{ "video_pt", DH_FIELD_NUMBER, false, 127 }, \
	{ "srtp_suite", DH_FIELD_NUMBER, false, 80 }, \
	{ "srtp_crypto", DH_FIELD_TEXT, false, 64 }, \
	{ "keyframe_ms", DH_FIELD_NUMBER, false, DH_FORWARD_KEYFRAME_MS_MAX }, \
	{ "hide_keyframes", DH_FIELD_FLAG, false, 0 }
/* clang-format on */

/* `texts` is as a configuration file has it: all values are texts. A new reference; NULL: it is wrong, and the text
 * says what was expected (g_free it). */
json_t *dh_forward_record_parse(const json_t *texts, char **expected);
/* The record of a request with valid fields. A new reference. */
json_t *dh_forward_record_new(const json_t *body);
/* … that lacks a medium; NULL: nothing is left. A new reference. */
json_t *dh_forward_record_without(const json_t *record, enum dh_media media);

/* NULL: `forward`, a record or a request with valid fields, is right as a whole. Otherwise what is wrong, in an
 * answer's words. *is_missing: a field is. */
const char *dh_forward_record_check(const json_t *forward, bool *is_missing);
/* What it says, and no record; texts are borrowed from it. */
struct dh_rtp_forward_config dh_forward_record_config(const json_t *forward);

#endif
