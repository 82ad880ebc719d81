/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "forward_record.h"

#include <errno.h>
#include <string.h>

#include "ingest/text.h"
#include "rooms/host.h"

#define KEYFRAME_MS_DEFAULT 2000

static const struct dh_field fields[] = { DH_FORWARD_FIELDS, DH_FIELD_END };

/* --- records */

static json_t *parse_number(const struct dh_field *field, const char *text)
{
	char *end = NULL;

	errno = 0;
	int64_t number = g_ascii_strtoll(text, &end, 10);
	return errno || end == text || *end || number < 0 || (size_t)number > field->max ? NULL : json_integer(number);
}

static json_t *parse_flag(const char *text)
{
	if (!g_ascii_strcasecmp(text, "true") || !g_ascii_strcasecmp(text, "yes") || !strcmp(text, "1"))
		return json_true();
	if (!g_ascii_strcasecmp(text, "false") || !g_ascii_strcasecmp(text, "no") || !strcmp(text, "0"))
		return json_false();
	return NULL;
}

/* NULL: it is none for this field. */
static json_t *parse_value(const struct dh_field *field, const char *text, char **expected)
{
	size_t size = strlen(text);
	json_t *value = NULL;

	if (field->type == DH_FIELD_NUMBER) {
		value = parse_number(field, text);
		*expected = value ? NULL : g_strdup_printf("%s: an integer from 0 to %zu", field->name, field->max);
	} else if (field->type == DH_FIELD_FLAG) {
		value = parse_flag(text);
		*expected = value ? NULL : g_strdup_printf("%s: true or false", field->name);
	} else {
		if (size >= 1 && size <= field->max && !dh_text_has_controls(text))
			value = json_string(text);
		*expected = value ? NULL : g_strdup_printf("%s: 1 to %zu bytes", field->name, field->max);
	}
	return value;
}

json_t *dh_forward_record_parse(const json_t *texts, char **expected)
{
	json_t *record = json_object(), *text;
	bool is_missing;
	const char *name;

	*expected = NULL;
	json_object_foreach((json_t *)texts, name, text) {
		const struct dh_field *field = fields;
		while (field->name && strcmp(field->name, name) != 0)
			field++;
		if (!field->name)
			*expected = g_strdup_printf("%s: there is no such option", name);
		else
			json_object_set_new(record, name, parse_value(field, json_string_value(text), expected));
		if (*expected)
			break;
	}
	if (!*expected && !json_object_get(record, "host"))
		*expected = g_strdup("host is missing");
	if (!*expected)
		*expected = g_strdup(dh_forward_record_check(record, &is_missing));
	if (!*expected)
		return record;
	json_decref(record);
	return NULL;
}

json_t *dh_forward_record_new(const json_t *body)
{
	json_t *record = json_object();

	for (const struct dh_field *field = fields; field->name; field++)
		if (json_object_get(body, field->name))
			json_object_set(record, field->name, json_object_get(body, field->name));
	return record;
}

json_t *dh_forward_record_without(const json_t *record, enum dh_media media)
{
	const char *prefix = media == DH_VIDEO ? "video_" : "audio_";
	json_t *left = json_copy((json_t *)record);

	for (const struct dh_field *field = fields; field->name; field++)
		if (g_str_has_prefix(field->name, prefix))
			json_object_del(left, field->name);
	if (json_integer_value(json_object_get(left, media == DH_VIDEO ? "audio_port" : "video_port")))
		return left;
	json_decref(left);
	return NULL;
}

/* --- what they say */

/* `otherwise`: if it is not given. */
static int64_t number_of(const json_t *forward, const char *field, int64_t otherwise)
{
	const json_t *value = json_object_get(forward, field);

	return value ? json_integer_value(value) : otherwise;
}

static void read_target(const json_t *forward, enum dh_media media, struct dh_rtp_target *target)
{
	static const char *const names[2][4] = {
		[DH_AUDIO] = { "audio_port", "audio_rtcp_port", "audio_ssrc", "audio_pt" },
		[DH_VIDEO] = { "video_port", "video_rtcp_port", "video_ssrc", "video_pt" },
	};
	const char *const *of = names[media];

	target->port = (int)number_of(forward, of[0], 0);
	target->rtcp_port = (int)number_of(forward, of[1], 0);
	target->ssrc = (uint32_t)number_of(forward, of[2], 0);
	target->payload_type = (int)number_of(forward, of[3],
		media == DH_VIDEO ? DH_PAYLOAD_TYPE_VP8 : DH_PAYLOAD_TYPE_OPUS);
}

struct dh_rtp_forward_config dh_forward_record_config(const json_t *forward)
{
	struct dh_rtp_forward_config config = { .host = json_string_value(json_object_get(forward, "host")),
		.srtp_suite = (int)number_of(forward, "srtp_suite", 0),
		.srtp_crypto = json_string_value(json_object_get(forward, "srtp_crypto")),
		.keyframe_ms = number_of(forward, "keyframe_ms", KEYFRAME_MS_DEFAULT),
		.hides_keyframes = json_is_true(json_object_get(forward, "hide_keyframes")) };

	read_target(forward, DH_AUDIO, &config.targets[DH_AUDIO]);
	read_target(forward, DH_VIDEO, &config.targets[DH_VIDEO]);
	return config;
}

static const char *check_family(const json_t *forward, const char *host)
{
	const char *family = json_string_value(json_object_get(forward, "host_family"));

	if (family && strcmp(family, "ipv4") != 0 && strcmp(family, "ipv6") != 0)
		return "Invalid \"host_family\": \"ipv4\" or \"ipv6\" is expected";
	if (family && (strchr(host, ':') != NULL) != !strcmp(family, "ipv6"))
		return "Invalid \"host_family\": \"host\" is of the other one";
	return NULL;
}

static const char *check_targets(const struct dh_rtp_target *audio, const struct dh_rtp_target *video, bool *is_missing)
{
	*is_missing = !audio->port && !video->port;
	if (*is_missing)
		return "Missing \"audio_port\" or \"video_port\"";
	if (audio->rtcp_port && !audio->port)
		return "Invalid \"audio_rtcp_port\": \"audio_port\" is expected, too";
	if (video->rtcp_port && !video->port)
		return "Invalid \"video_rtcp_port\": \"video_port\" is expected, too";
	if (video->ssrc && audio->ssrc == video->ssrc) /* with one key the two would give each other away */
		return "Invalid \"video_ssrc\": another one than \"audio_ssrc\" is expected";
	return NULL;
}

static const char *check_srtp(const struct dh_rtp_forward_config *config, bool *is_missing)
{
	if (config->srtp_suite && config->srtp_suite != 32 && config->srtp_suite != 80)
		return "Invalid \"srtp_suite\": 32 or 80 is expected";
	*is_missing = !config->srtp_suite != !config->srtp_crypto;
	if (*is_missing)
		return config->srtp_suite ? "Missing \"srtp_crypto\": \"srtp_suite\" needs it" :
					    "Missing \"srtp_suite\": \"srtp_crypto\" needs it";
	/* The same key, SSRC and sequence numbers again would give away what was sent both times (RFC 3711, 9.1), and
	 * each forward begins to count anew. */
	if (config->srtp_suite && (config->targets[DH_AUDIO].ssrc || config->targets[DH_VIDEO].ssrc))
		return "Invalid \"audio_ssrc\" or \"video_ssrc\": with SRTP a forward has new ones each time";
	return NULL;
}

const char *dh_forward_record_check(const json_t *forward, bool *is_missing)
{
	const struct dh_rtp_forward_config config = dh_forward_record_config(forward);
	const char *wrong = check_family(forward, config.host);

	*is_missing = false;
	if (!wrong)
		wrong = check_targets(&config.targets[DH_AUDIO], &config.targets[DH_VIDEO], is_missing);
	if (!wrong)
		wrong = check_srtp(&config, is_missing);
	return wrong;
}
