/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who gets a room's events.
 *
 * The room's thread does the same work for one member and for a thousand: an
 * event is one JSON object, and its recipients are an array that all events share
 * until somebody joins or leaves.
 */
#include "room_private.h"

static bool belongs(const struct dh_member *member, enum dh_room_handles whose)
{
	if (member->is_deaf || member->listening.is_on_channel)
		return false;
	return whose == DH_HANDLES_ALL || member->is_trusted == (whose == DH_HANDLES_TRUSTED);
}

static GPtrArray *make_handles(const struct dh_room *room, enum dh_room_handles whose)
{
	const struct dh_host *host = room->context.host;
	GPtrArray *handles = g_ptr_array_new_full(room->attached[whose], host->handle_unref);

	for (guint i = 0; i < room->members->len; i++) {
		const struct dh_member *member = room->members->pdata[i];
		if (belongs(member, whose))
			g_ptr_array_add(handles, host->handle_ref(member->handle));
	}
	return handles;
}

void dh_room_audience_changed(struct dh_room *room, const struct dh_member *member, int change)
{
	for (int whose = 0; whose < DH_HANDLES_COUNT; whose++) {
		if (!belongs(member, (enum dh_room_handles)whose))
			continue;
		room->attached[whose] += (guint)change;
		g_clear_pointer(&room->handles[whose], g_ptr_array_unref);
	}
}

/* Takes ownership of `event`. Do not touch an event after handing it over: another
 * thread is using it. */
static void broadcast(struct dh_room *room, enum dh_room_handles whose, json_t *event)
{
	const struct dh_host *host = room->context.host;

	if (room->attached[whose] == 0) {
		json_decref(event);
		return;
	}
	if (!room->handles[whose])
		room->handles[whose] = make_handles(room, whose);
	host->broadcast(host->arg, g_ptr_array_ref(room->handles[whose]), event);
}

static bool has_event_handlers(const struct dh_room *room)
{
	return room->context.events && room->context.host->has_event_handlers(room->context.host->arg);
}

/* Without "digitalhuman"; a shallow copy, because nobody changes what is inside. */
static void notify(struct dh_room *room, json_t *event, const struct dh_member *about)
{
	const struct dh_host *host = room->context.host;

	if (!has_event_handlers(room))
		return;
	json_t *copy = json_copy(event);
	json_object_del(copy, "digitalhuman");
	host->notify(host->arg, about ? about->handle : NULL, copy);
}

bool dh_room_has_trusted_audience(const struct dh_room *room)
{
	return room->attached[DH_HANDLES_TRUSTED] || has_event_handlers(room);
}

void dh_room_tell_beside(struct dh_room *room, json_t *event, json_t *detailed)
{
	notify(room, detailed, NULL);
	dh_room_listeners_tell(room, event);
	dh_room_recording_tell(room, event);
}

void dh_room_tell_all(struct dh_room *room, json_t *event, json_t *detailed)
{
	dh_room_tell_beside(room, event, detailed ? detailed : event);
	if (detailed) {
		broadcast(room, DH_HANDLES_TRUSTED, detailed);
		broadcast(room, DH_HANDLES_OTHERS, event);
	} else {
		broadcast(room, DH_HANDLES_ALL, event);
	}
}

void dh_room_tell_trusted(struct dh_room *room, json_t *event, const struct dh_member *about,
	const struct dh_member *self)
{
	const struct dh_host *host = room->context.host;

	notify(room, event, about);
	if (self && !self->is_trusted && !self->is_deaf)
		host->push(host->arg, self->handle, json_copy(event));
	broadcast(room, DH_HANDLES_TRUSTED, event);
}
