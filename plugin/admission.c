/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "admission.h"

#include "request_errors.h"
#include "rooms/room.h"

struct place {
	const char *limit; /* the option that sets the limit */
	int taken;
	int64_t places;
};

static bool has_place(struct dh_request *request, const struct place *place)
{
	if (place->taken < place->places)
		return true;
	dh_request_fail_limit(request, place->limit, place->places);
	return false;
}

static void check(struct dh_request *request, enum dh_member_kind kind)
{
	const struct dh_config *config = request->instance->config;
	struct dh_member_counts *counts = &request->instance->members;
	const struct place viewer[] = {
		{ "max_viewers_per_room", dh_room_viewer_count(request->room), config->max_viewers_per_room },
		{ "max_viewers", atomic_load(&counts->viewers), config->max_viewers },
	}, observer[] = {
		{ "max_observers_per_room", dh_room_observer_count(request->room), config->max_observers_per_room },
		{ "max_observers", atomic_load(&counts->observers), config->max_observers },
	}, own = { "max_per_session", atomic_load(&request->session->client->members), config->max_per_session };
	const struct place *places = kind == DH_MEMBER_VIEWER ? viewer : observer;

	/* A connection that the viewer offered would be hung up with the one before. */
	if (dh_session_is_closing(request->session) && request->may_wait && !request->jsep)
		request->waits = true;
	else if (dh_session_is_closing(request->session))
		dh_request_fail(request, DH_ERROR_STATE,
			"The previous connection is still being closed: wait for \"stopped\"");
	else if (has_place(request, &own) && has_place(request, &places[0]))
		has_place(request, &places[1]);
}

struct dh_member *dh_admit(struct dh_request *request, enum dh_member_kind kind)
{
	struct dh_member *member = NULL;
	bool is_member = false;

	/* The lock is held from looking to taking, so that nobody else takes the place. */
	g_mutex_lock(&request->instance->admission_lock);
	check(request, kind);
	if (!request->error_code && !request->waits) {
		member = dh_room_member_new(request->room, request->session, kind, &request->instance->members);
		is_member = dh_session_set_member(request->session, member);
	}
	g_mutex_unlock(&request->instance->admission_lock);
	if (is_member)
		return member;
	dh_member_unref(&member);
	if (!request->waits)
		dh_request_fail(request, DH_ERROR_STATE, "This handle watches or observes already");
	return NULL;
}

/* --- from one room to another: it has its place in all but the new room */

static void check_move(struct dh_request *request)
{
	const struct place place = { "max_viewers_per_room", dh_room_viewer_count(request->room),
		request->instance->config->max_viewers_per_room };

	has_place(request, &place);
}

static void copy_connection(struct dh_member *to, struct dh_member *from)
{
	to->sdp_session = from->sdp_session;
	to->sdp_version = from->sdp_version;
	to->ptime = from->ptime;
	to->is_deaf = from->is_deaf;
	to->listening.offers_data = from->listening.offers_data;
	to->listening.wants = atomic_load(&from->listening.wants);
	to->listening.channel.is_ready = to->listening.channel.was_ready = atomic_load(
		&from->listening.channel.was_ready);
	to->is_offerer = from->is_offerer;
	dh_receiver_continue(&to->receiver, &from->receiver);
	dh_room_member_continue_quality(to, from);
	dh_viewer_delay_continue(&to->delay, &from->delay);
	to->answered = atomic_load(&from->answered);
	to->has_started = from->has_started || atomic_load(&from->media);
	to->microphone_offer = atomic_load(&from->microphone_offer);
	to->microphone_line = atomic_load(&from->microphone_line);
	for (int media = 0; media < 2; media++) {
		const struct dh_line line = dh_member_line(from, (enum dh_media)media);
		dh_member_set_line(to, (enum dh_media)media, &line);
		to->wants[media] = from->wants[media];
		to->muted[media] = atomic_load(&from->muted[media]);
	}
}

struct dh_member *dh_admit_move(struct dh_request *request, struct dh_member *from, bool *is_up)
{
	struct dh_member *member = NULL, *old = NULL;

	g_mutex_lock(&request->instance->admission_lock);
	check_move(request);
	if (!request->error_code) {
		member = dh_room_member_new(request->room, request->session, DH_MEMBER_VIEWER,
			&request->instance->members);
		copy_connection(member, from);
		old = dh_session_replace_member(request->session, from, member, is_up);
	}
	g_mutex_unlock(&request->instance->admission_lock);
	if (old) {
		dh_member_unref(&old);
		return member;
	}
	dh_member_unref(&member);
	dh_request_fail(request, DH_ERROR_STATE, "This handle does not watch any more");
	return NULL;
}
