/* Who gets a room's events.
 *
 * The room's thread does the same work for one member and for a thousand: an
 * event is one JSON object, and its recipients are an array that all events share
 * until somebody joins or leaves.
 */
#include "room_private.h"

/* The handles of members that are trusted, or that are not. Never changed: events
 * on their way hold references to it. */
static GPtrArray *handles_of(struct dh_room *room, bool trusted)
{
	const struct dh_host *host = room->context.host;

	if (room->handles[trusted])
		return room->handles[trusted];
	GPtrArray *handles = g_ptr_array_new_full(room->attached[trusted], host->handle_unref);
	for (guint i = 0; i < room->members->len; i++) {
		const struct dh_member *member = room->members->pdata[i];
		if (member->is_trusted == trusted)
			g_ptr_array_add(handles, host->handle_ref(member->handle));
	}
	room->handles[trusted] = handles;
	return handles;
}

void dh_room_audience_changed(struct dh_room *room, const struct dh_member *member, int change)
{
	room->attached[member->is_trusted] += (guint)change;
	g_clear_pointer(&room->handles[member->is_trusted], g_ptr_array_unref);
}

static void broadcast(struct dh_room *room, bool trusted, json_t *event)
{
	const struct dh_host *host = room->context.host;

	if (room->attached[trusted])
		host->broadcast(host->arg, g_ptr_array_ref(handles_of(room, trusted)), json_incref(event));
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
	return room->attached[true] || has_event_handlers(room);
}

void dh_room_tell_all(struct dh_room *room, json_t *event, json_t *detailed)
{
	json_t *most = detailed ? detailed : event;

	notify(room, most, NULL);
	broadcast(room, true, most);
	broadcast(room, false, event);
	json_decref(event);
	json_decref(detailed);
}

void dh_room_tell_trusted(struct dh_room *room, json_t *event, const struct dh_member *about,
	const struct dh_member *self)
{
	const struct dh_host *host = room->context.host;

	notify(room, event, about);
	broadcast(room, true, event);
	if (self && !self->is_trusted)
		host->push(host->arg, self->handle, json_incref(event));
	json_decref(event);
}
