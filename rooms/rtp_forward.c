/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rtp_forward.h"

#include <arpa/inet.h>
#include <string.h>

#include "playout/vp8.h"
#include "seed.h"
#include "srtp.h"

/* Receivers put sound and picture together by these, so they do not wait for long. */
#define REPORT_TICKS (2 * DH_TICKS_PER_SECOND)
#define AWAY_TICKS   (200 * DH_TICKS_PER_MS) /* the same, while nobody is there */
#define LISTEN_TICKS DH_SLOT_TICKS
/* A kernel refuses a dead port once a second at least, if there are packets to refuse (its icmp_ratelimit). */
#define BACK_TICKS   (2 * DH_TICKS_PER_SECOND)
#define BACK_PACKETS 10
#define LISTEN_MAX   8 /* packets at a time */
#define PACKET_MAX   1500
#define SSRC_AT      8
/* Of 65536, with SRTP: whoever misses half of them cannot tell how often they have begun again; some may be lost on the
 * way, too. */
#define LOST_MAX 32000
/* In the first byte of a picture (RFC 6386, 9.1), and of its descriptor (RFC 7741). */
#define IS_NO_KEY_FRAME 0x01
#define IS_SHOWN        0x10
#define BEGINS_PICTURE  0x10

/* --- life */

static void seed(struct dh_rtp_forward *forward)
{
	struct dh_continuity_seed *begin = &forward->seed;

	dh_seed_numbers(begin);
	for (int media = 0; media < 2; media++) {
		struct dh_rtp_target *target = &forward->streams[media].target;
		while (!target->ssrc || (media && target->ssrc == forward->streams[0].target.ssrc))
			target->ssrc = g_random_int();
		begin->ssrc[media] = target->ssrc;
		begin->payload_type[media] = (uint8_t)target->payload_type;
		begin->first_timestamp[media] = g_random_int();
	}
	g_snprintf(forward->cname, sizeof(forward->cname), "dh-%08x%08x", g_random_int(), g_random_int());
}

int dh_rtp_forward_alloc(struct dh_rtp_forward **out, const struct dh_rtp_forward_config *config, atomic_int *count)
{
	struct dh_rtp_forward *forward = g_new0(struct dh_rtp_forward, 1);
	int err = 0;

	forward->outlet.kind = DH_OUTLET_FORWARD;
	forward->count = count;
	forward->keyframe_ms = config->keyframe_ms;
	forward->hides_keyframes = config->hides_keyframes;
	forward->record = json_incref(config->record);
	forward->begins_again = config->begins_again;
	g_strlcpy(forward->host, config->host, sizeof(forward->host));
	for (int media = 0; media < 2; media++) {
		forward->streams[media].target = config->targets[media];
		forward->streams[media].socket = forward->streams[media].rtcp_socket = -1;
		forward->streams[media].sequence = -1;
	}
	seed(forward);
	if (config->srtp_suite)
		err = dh_srtp_alloc(&forward->srtp, config->srtp_suite, config->srtp_crypto);
	for (int media = 0; media < 2 && !err; media++)
		err = dh_rtp_stream_open(&forward->streams[media], forward->host, config->record != NULL);
	if (err)
		dh_rtp_forward_free(&forward);
	*out = forward;
	return err;
}

void dh_rtp_forward_free(struct dh_rtp_forward **forward)
{
	struct dh_rtp_forward *old = *forward;

	*forward = NULL;
	if (!old)
		return;
	for (int media = 0; media < 2; media++)
		dh_rtp_forward_stop(old, (enum dh_media)media);
	dh_srtp_free(&old->srtp);
	json_decref(old->record);
	atomic_fetch_sub(old->count, 1);
	g_free(old);
}

/* --- sending */

static bool is_key_frame(const uint8_t *rtp, size_t size)
{
	return size > DH_RTP_HEADER_SIZE + DH_VP8_DESCRIPTOR_SIZE && rtp[DH_RTP_HEADER_SIZE] & BEGINS_PICTURE &&
		!(rtp[DH_RTP_HEADER_SIZE + DH_VP8_DESCRIPTOR_SIZE] & IS_NO_KEY_FRAME);
}

/* To those who get what follows it is somebody who has just begun. */
static void renew(struct dh_rtp_forward *forward, enum dh_media media)
{
	struct dh_rtp_stream *stream = &forward->streams[media];
	uint32_t old = stream->target.ssrc;

	while (stream->target.ssrc == old || stream->target.ssrc == forward->streams[!media].target.ssrc)
		stream->target.ssrc = g_random_int();
	dh_srtp_forget(forward->srtp, old);
	stream->sequence = -1;
	stream->has_wrapped = stream->has_left = false;
	stream->lost = stream->doubtful = 0;
	forward->report_ticks = 0; /* at once */
	forward->lost_picture |= media == DH_VIDEO;
}

/* Receivers guess how often sequence numbers have begun again; those who have got none yet, that they have not. */
static bool protect(struct dh_rtp_forward *forward, enum dh_media media, uint8_t *rtp, size_t *size)
{
	struct dh_rtp_stream *stream = &forward->streams[media];
	uint16_t sequence = (uint16_t)(rtp[2] << 8 | rtp[3]);

	stream->has_wrapped |= sequence < stream->sequence;
	if (stream->lost > LOST_MAX || (stream->has_wrapped && !stream->has_left))
		renew(forward, media);
	const uint32_t ssrc = htonl(stream->target.ssrc);
	stream->sequence = sequence;
	stream->lost++;
	stream->doubtful++;
	memcpy(rtp + SSRC_AT, &ssrc, sizeof(ssrc));
	return dh_srtp_protect(forward->srtp, rtp, size);
}

void dh_rtp_forward_send(struct dh_rtp_forward *forward, enum dh_media media, const uint8_t *rtp, size_t size)
{
	_Alignas(uint64_t) uint8_t copy[PACKET_MAX + DH_SRTP_TRAILER];
	struct dh_rtp_stream *stream = &forward->streams[media];
	const bool is_secret = forward->srtp != NULL;
	bool hides = media == DH_VIDEO && forward->hides_keyframes && is_key_frame(rtp, size), is_sent;
	size_t payload = size - DH_RTP_HEADER_SIZE;

	if (stream->socket < 0 || size > PACKET_MAX)
		return;
	if (hides || is_secret) {
		memcpy(copy, rtp, size);
		rtp = copy;
	}
	if (hides)
		copy[DH_RTP_HEADER_SIZE + DH_VP8_DESCRIPTOR_SIZE] &= (uint8_t)~IS_SHOWN;
	/* Nothing is encrypted before there is a way: the first one that leaves is to be the first of its SSRC. */
	is_sent = dh_rtp_stream_has_way(stream) && (!is_secret || protect(forward, media, copy, &size)) &&
		dh_rtp_stream_send(stream, rtp, size);
	if (is_sent) {
		stream->has_left = true;
		stream->lost = 0;
		stream->counts.packets++;
		stream->counts.bytes += size;
		stream->counts.octets += payload;
	} else {
		stream->counts.dropped++;
		forward->lost_picture |= media == DH_VIDEO;
	}
}

/* --- whether somebody is there */

static void go_away(struct dh_rtp_forward *forward, int64_t now_ticks)
{
	forward->is_away = true;
	forward->report_ticks = now_ticks;
	for (int media = 0; media < 2; media++)
		forward->streams[media].doubtful = 0;
}

/* A receiver that was not there from the beginning cannot tell how often sequence numbers have begun again, nor can one
 * that has missed too many. */
static void come_back(struct dh_rtp_forward *forward, int64_t now_ticks)
{
	forward->is_away = false;
	for (int media = 0; media < 2 && forward->srtp; media++)
		if (forward->streams[media].has_wrapped || forward->streams[media].doubtful > LOST_MAX)
			renew(forward, (enum dh_media)media);
	forward->report_ticks = now_ticks;
}

bool dh_rtp_forward_is_back(struct dh_rtp_forward *forward, int64_t now_ticks)
{
	struct dh_rtp_stream_counts sum = forward->streams[DH_AUDIO].counts;

	dh_rtp_stream_counts_add(&sum, &forward->streams[DH_VIDEO].counts);
	if (sum.refused + sum.unreachable != forward->failed) {
		if (!forward->is_away)
			go_away(forward, now_ticks);
		forward->failed = sum.refused + sum.unreachable;
		forward->failed_ticks = now_ticks;
		forward->sent = sum.packets;
	}
	if (!forward->is_away || now_ticks - forward->failed_ticks < BACK_TICKS ||
		sum.packets - forward->sent < BACK_PACKETS)
		return false;
	come_back(forward, now_ticks);
	return true;
}

/* --- RTCP */

/* There is space for a trailer behind the packet. */
static void send_rtcp(const struct dh_rtp_forward *forward, const struct dh_rtp_stream *stream, uint8_t *packet,
	size_t size)
{
	if (!forward->srtp || dh_srtp_protect_rtcp(forward->srtp, packet, &size))
		(void)sendto(stream->rtcp_socket, packet, size, MSG_DONTWAIT | MSG_NOSIGNAL,
			(const struct sockaddr *)&stream->rtcp_to, stream->rtcp_to_size);
}

static void send_report(struct dh_rtp_forward *forward, enum dh_media media, int64_t now_ticks, int64_t media_ticks)
{
	_Alignas(uint64_t) uint8_t packet[DH_RTCP_REPORT_MAX + DH_SRTP_TRAILER];
	struct dh_rtp_stream *stream = &forward->streams[media];
	int64_t clock_ticks = media == DH_VIDEO ? DH_TICKS_PER_VIDEO_CLOCK : DH_TICKS_PER_AUDIO_SAMPLE;
	const struct dh_sender_report report = { .ssrc = stream->target.ssrc,
		.ntp = dh_ntp_from_us(forward->ntp_origin_us + dh_ns_from_ticks(now_ticks) / 1000),
		.rtp_timestamp = forward->seed.first_timestamp[media] + (uint32_t)(media_ticks / clock_ticks),
		.packets = (uint32_t)stream->counts.packets,
		.octets = (uint32_t)stream->counts.octets,
		.cname = forward->cname };

	send_rtcp(forward, stream, packet, dh_rtcp_write_report(&report, packet));
}

static void send_bye(const struct dh_rtp_forward *forward, const struct dh_rtp_stream *stream, uint32_t ssrc)
{
	_Alignas(uint64_t) uint8_t packet[DH_RTCP_REPORT_MAX + DH_SRTP_TRAILER];

	send_rtcp(forward, stream, packet, dh_rtcp_write_bye(ssrc, forward->cname, packet));
}

/* Of nobody, as what that one was called is not known. ffmpeg ends, where it would drop all that follows as too
 * late. */
void dh_rtp_forward_begin(struct dh_rtp_forward *forward)
{
	forward->has_begun = true;
	for (int media = 0; media < 2 && forward->begins_again; media++)
		if (forward->streams[media].rtcp_socket >= 0)
			send_bye(forward, &forward->streams[media], g_random_int());
}

void dh_rtp_forward_report(struct dh_rtp_forward *forward, int64_t now_ticks, int64_t media_ticks)
{
	if (now_ticks < forward->report_ticks)
		return;
	forward->report_ticks = now_ticks + (forward->is_away ? AWAY_TICKS : REPORT_TICKS);
	for (int media = 0; media < 2; media++) {
		struct dh_rtp_stream *stream = &forward->streams[media];
		if (stream->socket >= 0 && !stream->is_connected)
			dh_rtp_stream_connect(stream, forward->host);
		else if (stream->has_lost_way)
			dh_rtp_stream_find_way(stream, forward->host);
		if (stream->rtcp_socket >= 0)
			send_report(forward, (enum dh_media)media, now_ticks, media_ticks);
	}
}

static bool is_from(const struct sockaddr_storage *from, const struct sockaddr_storage *host)
{
	const struct sockaddr_in6 *a6 = (const struct sockaddr_in6 *)from, *b6 = (const struct sockaddr_in6 *)host;
	const struct sockaddr_in *a4 = (const struct sockaddr_in *)from, *b4 = (const struct sockaddr_in *)host;

	if (from->ss_family != host->ss_family)
		return false;
	return from->ss_family == AF_INET6 ? !memcmp(&a6->sin6_addr, &b6->sin6_addr, sizeof(a6->sin6_addr)) :
					     a4->sin_addr.s_addr == b4->sin_addr.s_addr;
}

/* Streaming mountpoints ask in the clear, even those that take SRTP. It costs a key frame every four seconds at most,
 * so who asks need not prove more than its address. */
static bool asks_key_frame(struct dh_rtp_forward *forward, uint8_t *packet, size_t size)
{
	_Alignas(uint64_t) uint8_t copy[PACKET_MAX];
	size_t length = size;

	if (forward->srtp) {
		memcpy(copy, packet, size);
		if (dh_srtp_unprotect_rtcp(forward->srtp, copy, &length))
			return dh_rtcp_asks_key_frame(copy, length);
	}
	return dh_rtcp_asks_key_frame(packet, size);
}

static bool listen_to(struct dh_rtp_forward *forward, struct dh_rtp_stream *stream)
{
	_Alignas(uint64_t) uint8_t packet[PACKET_MAX];
	uint64_t before = stream->counts.requests;

	for (int i = 0; i < LISTEN_MAX && stream->rtcp_socket >= 0; i++) {
		struct sockaddr_storage from;
		socklen_t from_size = sizeof(from);
		memset(&from, 0, sizeof(from));
		ssize_t size = recvfrom(stream->rtcp_socket, packet, sizeof(packet), MSG_DONTWAIT,
			(struct sockaddr *)&from, &from_size);
		if (size < 0)
			break;
		if (is_from(&from, &stream->rtcp_to))
			stream->counts.requests += asks_key_frame(forward, packet, (size_t)size);
	}
	return stream->counts.requests != before;
}

bool dh_rtp_forward_listen(struct dh_rtp_forward *forward, int64_t now_ticks)
{
	bool asks = false;

	if (now_ticks < forward->listen_ticks)
		return false;
	forward->listen_ticks = now_ticks + LISTEN_TICKS;
	for (int media = 0; media < 2; media++)
		asks |= listen_to(forward, &forward->streams[media]);
	return asks;
}

void dh_rtp_forward_stop(struct dh_rtp_forward *forward, enum dh_media media)
{
	struct dh_rtp_stream *stream = &forward->streams[media];

	if (stream->rtcp_socket >= 0 && stream->id && forward->has_begun)
		send_bye(forward, stream, stream->target.ssrc);
	dh_rtp_stream_close(stream);
	stream->id = 0;
}

json_t *dh_rtp_stream_json(const struct dh_rtp_forward *forward, enum dh_media media)
{
	const struct dh_rtp_stream *stream = &forward->streams[media];
	json_t *json = json_pack("{s:I, s:s, s:s, s:i, s:I, s:i, s:I}", "stream_id", (json_int_t)stream->id, "type",
		media == DH_VIDEO ? "video" : "audio", "host", forward->host, "port", stream->target.port, "ssrc",
		(json_int_t)stream->target.ssrc, "pt", stream->target.payload_type, "rtp_start",
		(json_int_t)forward->seed.first_timestamp[media]);

	if (stream->target.rtcp_port) {
		json_object_set_new(json, "local_rtcp_port", json_integer(stream->local_rtcp_port));
		json_object_set_new(json, "remote_rtcp_port", json_integer(stream->target.rtcp_port));
	}
	if (forward->srtp)
		json_object_set_new(json, "srtp", json_true());
	if (forward->record)
		json_object_set_new(json, "permanent", json_true());
	if (media == DH_VIDEO) {
		json_object_set_new(json, "keyframe_ms", json_integer(forward->keyframe_ms));
		json_object_set_new(json, "hide_keyframes", json_boolean(forward->hides_keyframes));
	}
	return json;
}
