/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rtp_forward, as in VideoRoom: the room itself, to other servers and programmes. */
#include "request_table.h"

#include <errno.h>
#include <string.h>

#include "config.h"
#include "request_errors.h"
#include "request_forward.h"
#include "rooms/rtp_forward.h"

#define KEYFRAME_MS_DEFAULT 2000
#define KEYFRAME_MS_MAX     600000

/* `otherwise`: if it is not given. */
static int64_t number_of(const struct dh_request *request, const char *field, int64_t otherwise)
{
	const json_t *value = json_object_get(request->body, field);

	return value ? json_integer_value(value) : otherwise;
}

static void read_target(const struct dh_request *request, enum dh_media media, struct dh_rtp_target *target)
{
	static const char *const names[2][4] = {
		[DH_AUDIO] = { "audio_port", "audio_rtcp_port", "audio_ssrc", "audio_pt" },
		[DH_VIDEO] = { "video_port", "video_rtcp_port", "video_ssrc", "video_pt" },
	};
	const char *const *of = names[media];

	target->port = (int)number_of(request, of[0], 0);
	target->rtcp_port = (int)number_of(request, of[1], 0);
	target->ssrc = (uint32_t)number_of(request, of[2], 0);
	target->payload_type = (int)number_of(request, of[3],
		media == DH_VIDEO ? DH_PAYLOAD_TYPE_VP8 : DH_PAYLOAD_TYPE_OPUS);
}

static void check_family(struct dh_request *request, const char *host)
{
	const char *family = dh_request_text(request, "host_family");

	if (family && strcmp(family, "ipv4") != 0 && strcmp(family, "ipv6") != 0)
		dh_request_fail(request, DH_ERROR_VALUE, "Invalid \"host_family\": \"ipv4\" or \"ipv6\" is expected");
	else if (family && (strchr(host, ':') != NULL) != !strcmp(family, "ipv6"))
		dh_request_fail(request, DH_ERROR_VALUE, "Invalid \"host_family\": \"host\" is of the other one");
}

static void check_targets(struct dh_request *request, const struct dh_rtp_forward_config *config)
{
	const struct dh_rtp_target *audio = &config->targets[DH_AUDIO], *video = &config->targets[DH_VIDEO];

	if (!audio->port && !video->port)
		dh_request_fail(request, DH_ERROR_MISSING, "Missing \"audio_port\" or \"video_port\"");
	else if (audio->rtcp_port && !audio->port)
		dh_request_fail(request, DH_ERROR_VALUE,
			"Invalid \"audio_rtcp_port\": \"audio_port\" is expected, too");
	else if (video->rtcp_port && !video->port)
		dh_request_fail(request, DH_ERROR_VALUE,
			"Invalid \"video_rtcp_port\": \"video_port\" is expected, too");
	else if (video->ssrc && audio->ssrc == video->ssrc) /* with one key the two would give each other away */
		dh_request_fail(request, DH_ERROR_VALUE,
			"Invalid \"video_ssrc\": another one than \"audio_ssrc\" is expected");
}

static void check_srtp(struct dh_request *request, const struct dh_rtp_forward_config *config)
{
	if (config->srtp_suite && config->srtp_suite != 32 && config->srtp_suite != 80)
		dh_request_fail(request, DH_ERROR_VALUE, "Invalid \"srtp_suite\": 32 or 80 is expected");
	else if (config->srtp_suite && !config->srtp_crypto)
		dh_request_fail(request, DH_ERROR_MISSING, "Missing \"srtp_crypto\": \"srtp_suite\" needs it");
	else if (config->srtp_crypto && !config->srtp_suite)
		dh_request_fail(request, DH_ERROR_MISSING, "Missing \"srtp_suite\": \"srtp_crypto\" needs it");
}

static void finish(struct dh_request *request, int err, json_t *reply)
{
	const struct dh_config *config = request->instance->config;

	switch (-err) {
	case ENOBUFS:
		dh_request_fail(request, DH_ERROR_LIMIT, "max_forwards_per_room is reached (%lld)",
			(long long)config->max_forwards_per_room);
		break;
	case EINVAL:
		dh_request_fail(request, DH_ERROR_VALUE, "Invalid \"host\": a numeric address is expected");
		break;
	case EKEYREJECTED:
		dh_request_fail(request, DH_ERROR_VALUE,
			"Invalid \"srtp_crypto\": 30 bytes in base64 are expected, as in SDES");
		break;
	case ENETUNREACH:
	case EHOSTUNREACH:
	case EADDRNOTAVAIL:
	case EAFNOSUPPORT:
	case EACCES:
		dh_request_fail(request, DH_ERROR_VALUE, "Invalid \"host\": nothing can be sent there (%s)",
			g_strerror(-err));
		break;
	case EMFILE:
	case ENFILE:
		dh_request_fail(request, DH_ERROR_LIMIT, "There are no file descriptors left for its sockets");
		break;
	default:
		dh_request_finish(request, err, "rtp_forward", reply);
	}
}

/* *count is raised before it is compared, so that two requests at a time do not pass the limit. */
static void handle_rtp_forward(struct dh_request *request)
{
	struct dh_instance *instance = request->instance;
	struct dh_rtp_forward_config config = { .host = dh_request_text(request, "host"),
		.srtp_suite = (int)number_of(request, "srtp_suite", 0),
		.srtp_crypto = dh_request_text(request, "srtp_crypto"),
		.keyframe_ms = number_of(request, "keyframe_ms", KEYFRAME_MS_DEFAULT),
		.hides_keyframes = dh_request_flag(request, "hide_keyframes") };
	json_t *reply = NULL;

	read_target(request, DH_AUDIO, &config.targets[DH_AUDIO]);
	read_target(request, DH_VIDEO, &config.targets[DH_VIDEO]);
	dh_request_check_forward(request);
	check_family(request, config.host);
	check_targets(request, &config);
	check_srtp(request, &config);
	if (request->error_code)
		return;
	if (atomic_fetch_add(&instance->forwards, 1) >= instance->config->max_forwards) {
		atomic_fetch_sub(&instance->forwards, 1);
		dh_request_fail(request, DH_ERROR_LIMIT, "max_forwards is reached (%lld)",
			(long long)instance->config->max_forwards);
		return;
	}
	int err = dh_room_rtp_forward(request->room, &config, (int)instance->config->max_forwards_per_room,
		&instance->forwards, &reply);
	finish(request, err, reply);
}

static const struct dh_field rtp_forward_fields[] = {
	{ "id", DH_FIELD_ROOM, true, 0 },
	{ "secret", DH_FIELD_KEY, false, DH_KEY_MAX },
	{ "host", DH_FIELD_TEXT, true, 64 },
	{ "host_family", DH_FIELD_TEXT, false, 8 },
	{ "audio_port", DH_FIELD_NUMBER, false, 65535 },
	{ "audio_rtcp_port", DH_FIELD_NUMBER, false, 65535 },
	{ "audio_ssrc", DH_FIELD_NUMBER, false, UINT32_MAX },
	{ "audio_pt", DH_FIELD_NUMBER, false, 127 },
	{ "video_port", DH_FIELD_NUMBER, false, 65535 },
	{ "video_rtcp_port", DH_FIELD_NUMBER, false, 65535 },
	{ "video_ssrc", DH_FIELD_NUMBER, false, UINT32_MAX },
	{ "video_pt", DH_FIELD_NUMBER, false, 127 },
	{ "srtp_suite", DH_FIELD_NUMBER, false, 80 },
	{ "srtp_crypto", DH_FIELD_TEXT, false, 64 },
	{ "keyframe_ms", DH_FIELD_NUMBER, false, KEYFRAME_MS_MAX },
	{ "hide_keyframes", DH_FIELD_FLAG, false, 0 },
	DH_FIELD_END,
};

const struct dh_request_type dh_rtp_forward_requests[] = {
	{ "rtp_forward", false, DH_AUTHORITY_SECRET, rtp_forward_fields, handle_rtp_forward },
	DH_REQUEST_END,
};
