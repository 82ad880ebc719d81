/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "request_microphone.h"

#include "request_errors.h"
#include "rooms/room.h"

static enum dh_microphone_offer offer_of(const struct dh_member *member)
{
	return (enum dh_microphone_offer)atomic_load(&member->microphone_offer);
}

json_t *dh_request_microphone_offer(const struct dh_sdp_origin *origin, const struct dh_member *member,
	enum dh_microphone_offer microphone, bool restart)
{
	json_t *jsep = dh_sdp_offer(origin, dh_room_facts(member->room)->id, member->wants, microphone, restart);

	if (member->listening.offers_data)
		dh_sdp_add_data(jsep);
	if (!member->wants[DH_AUDIO] && microphone != DH_MICROPHONE_NEVER)
		dh_sdp_add_microphone(jsep, microphone == DH_MICROPHONE_ON);
	return jsep;
}

static bool is_full(const struct dh_request *request, const struct dh_room *room)
{
	return dh_room_microphones(room) >= request->instance->config->max_microphones_per_room;
}

static void fail_full(struct dh_request *request)
{
	dh_request_fail_limit(request, "max_microphones_per_room", request->instance->config->max_microphones_per_room);
}

void dh_request_microphone_check(struct dh_request *request, const struct dh_member *member)
{
	if (!json_object_get(request->body, "microphone"))
		return;
	if (member->is_offerer)
		dh_request_fail(request, DH_ERROR_STATE,
			"\"microphone\": the viewer makes the offers of this connection; \"watch\" without an offer");
	else if (!atomic_load(&member->answered))
		dh_request_fail(request, DH_ERROR_STATE, "\"microphone\": \"start\" with an answer first");
	else if (dh_request_flag(request, "microphone") && !dh_member_is_listened_to(member) &&
		is_full(request, member->room))
		fail_full(request);
}

struct offered {
	struct dh_instance *instance;
	char *transaction;
	struct dh_member *member; /* a reference */
	enum dh_microphone_offer before;
};

static void offered(void *arg, int err)
{
	struct offered *o = arg;

	if (err) {
		struct dh_request *request = dh_request_new(o->instance, o->member->handle, NULL, NULL, NULL);
		atomic_store(&o->member->microphone_offer, o->before);
		dh_request_fail(request, DH_ERROR_SDP, "Janus could not use the offer (%d), its log says why", err);
		dh_outbox_push(o->instance->outbox, o->member->handle, o->transaction, dh_request_error(request));
		dh_request_free(&request);
	}
	dh_member_unref(&o->member);
	g_free(o->transaction);
	g_free(o);
}

static void push_offer(struct dh_request *request, struct dh_member *member, enum dh_microphone_offer microphone,
	json_t *event)
{
	const struct dh_sdp_origin origin = { member->sdp_session, ++member->sdp_version };
	struct offered *o = g_new0(struct offered, 1);

	o->instance = request->instance;
	o->transaction = g_strdup(request->transaction);
	o->member = dh_member_ref(member);
	o->before = offer_of(member);
	atomic_store(&member->microphone_offer, microphone);
	dh_outbox_offer(request->instance->outbox, request->session, request->transaction, event,
		dh_request_microphone_offer(&origin, member, microphone, false), offered, o);
}

void dh_request_microphone_answer(struct dh_request *request, struct dh_member *member, json_t *event)
{
	const json_t *flag = json_object_get(request->body, "microphone");
	bool is_wanted = json_is_true(flag);
	/* Once more where the last one was rejected, or there was no place, or is none in another room. */
	bool is_offered = is_wanted ? !dh_member_is_listened_to(member) : offer_of(member) == DH_MICROPHONE_ON;

	if (flag)
		json_object_set_new(json_object_get(event, "result"), "microphone", json_boolean(is_wanted));
	if (flag && !is_wanted) {
		/* What was agreed on is so no more, whatever becomes of the offer. */
		dh_member_set_microphone_line(member, &(struct dh_line){ false, 0, 0, 0, false });
		dh_room_member_hear(member, false);
	}
	if (flag && is_offered)
		push_offer(request, member, is_wanted ? DH_MICROPHONE_ON : DH_MICROPHONE_OFF, event);
	else
		dh_outbox_push(request->instance->outbox, request->session, request->transaction, event);
}

/* Where a line of its own is in the offers. */
static int own_line(const struct dh_member *member)
{
	return member->wants[DH_AUDIO] ? 0 : member->wants[DH_VIDEO] + member->listening.offers_data;
}

void dh_request_microphone_take(struct dh_request *request, struct dh_member *member)
{
	struct dh_line line = dh_sdp_take_microphone(request->jsep, request->raw_sdp, own_line(member),
		offer_of(member));

	if (line.is_taken && !dh_member_is_listened_to(member) && is_full(request, member->room)) {
		fail_full(request);
		line.is_taken = false;
	}
	dh_member_set_microphone_line(member, &line);
	dh_room_member_hear(member, line.is_taken);
}

void dh_request_microphone_move(const struct dh_request *request, struct dh_member *to)
{
	if (dh_member_microphone_line(to).is_taken && !is_full(request, to->room))
		dh_room_member_hear(to, true);
}
