/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Events of members, posted to the room's thread by whoever notices them. */
#include "room_private.h"

enum member_op {
	MEMBER_ATTACH,
	MEMBER_MEDIA,
	MEMBER_PAUSE,
	MEMBER_PLI,
	MEMBER_REPORT,
	MEMBER_QUALITY,
	MEMBER_LISTEN,
	MEMBER_SLOW_AUDIO,
	MEMBER_SLOW_VIDEO,
	MEMBER_LEAVE,
};

struct member_command {
	struct dh_command command;
	struct dh_member *member;
	enum member_op op;
};

static atomic_int *count_of(struct dh_member_counts *counts, const struct dh_member *member)
{
	return member->observes ? &counts->observers : &counts->viewers;
}

void dh_room_member_uncount(struct dh_member *member)
{
	if (!atomic_compare_exchange_strong(&member->counted, &(int){ 1 }, 0))
		return;
	atomic_fetch_sub(count_of(member->counts, member), 1);
	atomic_fetch_sub(count_of(&member->room->counts, member), 1);
}

static void member_gone(struct dh_member *member)
{
	dh_room_member_uncount(member);
	/* Its answer was still being handled when it left. */
	if (dh_member_is_listened_to(member))
		atomic_fetch_sub(&member->room->microphones, 1);
	dh_room_unref(&member->room);
}

struct dh_member *dh_room_member_new(struct dh_room *room, void *handle, enum dh_member_kind kind,
	struct dh_member_counts *counts)
{
	struct dh_member *member = dh_member_new(room->context.host, handle, kind, dh_room_ref(room), member_gone);

	member->counts = counts;
	member->avatar = dh_avatar_get_config(room->facts.avatar);
	dh_viewer_quality_init(&member->quality, member->avatar, dh_now_ticks());
	dh_viewer_delay_init(&member->delay, &room->facts.delay);
	member->id = (guint)atomic_fetch_add(&counts->ever, 1) + 1;
	member->counted = 1;
	atomic_fetch_add(count_of(counts, member), 1);
	atomic_fetch_add(count_of(&room->counts, member), 1);
	return member;
}

int dh_room_viewer_count(const struct dh_room *room)
{
	return atomic_load(&room->counts.viewers);
}

int dh_room_observer_count(const struct dh_room *room)
{
	return atomic_load(&room->counts.observers);
}

/* --- commands: each holds a reference to its member */

static void command_free(struct dh_command *command)
{
	struct member_command *c = (struct member_command *)command;

	dh_member_unref(&c->member);
	g_free(c);
}

/* The room ended before the member was attached. */
static void attach_discard(struct dh_command *command)
{
	struct member_command *c = (struct member_command *)command;

	dh_room_members_orphan(c->member->room, c->member);
	command_free(command);
}

static void command_run(void *owner, struct dh_command *command)
{
	struct member_command *c = (struct member_command *)command;
	struct dh_room *room = owner;

	switch (c->op) {
	case MEMBER_ATTACH:
		dh_room_members_attach(room, c->member);
		break;
	case MEMBER_MEDIA:
		dh_room_members_media(room, c->member);
		break;
	case MEMBER_PAUSE:
		dh_room_members_pause(room, c->member);
		break;
	case MEMBER_PLI:
		atomic_store(&c->member->pli_posted, 0);
		dh_room_members_pli(room, c->member);
		break;
	case MEMBER_REPORT:
		atomic_store(&c->member->report_posted, 0);
		dh_room_members_report(room, c->member);
		break;
	case MEMBER_QUALITY:
		dh_room_members_quality(room, c->member);
		break;
	case MEMBER_LISTEN:
		dh_room_listeners_update(room, c->member);
		break;
	case MEMBER_SLOW_AUDIO:
	case MEMBER_SLOW_VIDEO:
		dh_room_members_slow_link(room, c->member, c->op == MEMBER_SLOW_AUDIO ? DH_AUDIO : DH_VIDEO);
		break;
	case MEMBER_LEAVE:
		dh_room_members_leave(room, c->member);
		break;
	}
	command_free(command);
}

static void post(struct dh_member *member, enum member_op op)
{
	struct member_command *c = g_new0(struct member_command, 1);

	c->command.run = command_run;
	c->command.discard = op == MEMBER_ATTACH ? attach_discard : command_free;
	c->member = dh_member_ref(member);
	c->op = op;
	dh_room_thread_post(member->room->thread, &c->command);
}

void dh_room_member_attach(struct dh_member *member)
{
	post(member, MEMBER_ATTACH);
}

/* Whichever of both is last. */
static void begin_media(struct dh_member *member)
{
	if (!atomic_load(&member->answered) || !atomic_load(&member->up) ||
		!atomic_compare_exchange_strong(&member->media, &(int){ 0 }, 1))
		return;
	if (!member->has_started)
		member->host->push(member->host->arg, member->handle, dh_member_status(member, "started"));
	post(member, MEMBER_MEDIA);
}

void dh_room_member_answered(struct dh_member *member)
{
	if (atomic_exchange(&member->answered, 1))
		post(member, MEMBER_PAUSE);
	else
		begin_media(member);
}

void dh_room_member_up(struct dh_member *member, int sender)
{
	atomic_store(&member->sender, sender);
	atomic_store(&member->up, 1);
	begin_media(member);
}

void dh_room_member_pause(struct dh_member *member, bool paused)
{
	if (atomic_compare_exchange_strong(&member->paused, &(int){ !paused }, paused))
		post(member, MEMBER_PAUSE);
}

void dh_room_member_mute(struct dh_member *member, enum dh_media media, bool muted)
{
	if (atomic_compare_exchange_strong(&member->muted[media], &(int){ !muted }, muted))
		post(member, MEMBER_PAUSE);
}

void dh_room_member_pli(struct dh_member *member)
{
	if (atomic_compare_exchange_strong(&member->pli_posted, &(int){ 0 }, 1))
		post(member, MEMBER_PLI);
}

void dh_room_member_rtcp(struct dh_member *member, enum dh_media media, const uint8_t *rtcp, size_t size)
{
	if (dh_receiver_hear(&member->receiver, media, rtcp, size, dh_receiver_ntp(g_get_real_time())) &&
		atomic_compare_exchange_strong(&member->report_posted, &(int){ 0 }, 1))
		post(member, MEMBER_REPORT);
	if (dh_viewer_quality_hear(&member->quality, &member->receiver, rtcp, size, dh_now_ticks()))
		post(member, MEMBER_QUALITY);
}

void dh_room_member_continue_quality(struct dh_member *to, struct dh_member *from)
{
	dh_viewer_quality_continue(&to->quality, &from->quality, dh_now_ticks());
}

void dh_room_member_ask_quality(struct dh_member *member, const struct dh_quality_asked *asked)
{
	if (dh_viewer_quality_ask(&member->quality, asked, dh_now_ticks()))
		post(member, MEMBER_QUALITY);
}

void dh_room_member_slow_link(struct dh_member *member, enum dh_media media)
{
	post(member, media == DH_AUDIO ? MEMBER_SLOW_AUDIO : MEMBER_SLOW_VIDEO);
	if (media == DH_VIDEO && dh_viewer_quality_slow_link(&member->quality, dh_now_ticks()))
		post(member, MEMBER_QUALITY);
}

void dh_room_member_listen(struct dh_member *member, bool wants)
{
	if (atomic_compare_exchange_strong(&member->listening.wants, &(int){ !wants }, wants))
		post(member, MEMBER_LISTEN);
}

void dh_room_member_data_ready(struct dh_member *member)
{
	if (member->listening.offers_data && dh_channel_ready(&member->listening.channel))
		post(member, MEMBER_LISTEN);
}

void dh_room_member_leave(struct dh_member *member)
{
	dh_member_cut(member);
	dh_room_member_uncount(member);
	post(member, MEMBER_LEAVE);
}

/* What it is sent there continues what it was sent here, once the last of that has left. It may have
 * gone on from there meanwhile. */
static void hand_over(const struct dh_member *member, struct dh_member *to)
{
	struct dh_member *next = NULL;

	g_mutex_lock(&to->room->lock);
	to->handover = member->handover;
	to->is_handed_over = member->is_handed_over;
	to->is_awaited = false;
	if (to->has_left)
		next = g_steal_pointer(&to->successor);
	g_mutex_unlock(&to->room->lock);
	if (next)
		hand_over(to, next);
	else
		dh_room_member_up(to, atomic_load(&member->sender));
	dh_member_unref(&next);
}

void dh_room_member_left(struct dh_member *member)
{
	struct dh_member *successor = NULL;

	g_mutex_lock(&member->room->lock);
	member->has_left = true;
	if (!member->is_awaited)
		successor = g_steal_pointer(&member->successor);
	g_mutex_unlock(&member->room->lock);
	if (successor)
		hand_over(member, successor);
	dh_member_unref(&successor);
}

/* Whether it has not left yet, or is awaited, so that it hands over later. */
static bool will_hand_over(struct dh_member *member, struct dh_member *to)
{
	g_mutex_lock(&to->room->lock);
	to->is_awaited = true;
	g_mutex_unlock(&to->room->lock);
	g_mutex_lock(&member->room->lock);
	bool is_later = !member->has_left || member->is_awaited;
	if (is_later)
		member->successor = dh_member_ref(to);
	g_mutex_unlock(&member->room->lock);
	return is_later;
}

void dh_room_member_move(struct dh_member *member, struct dh_member *to, bool is_up)
{
	if (is_up && !will_hand_over(member, to))
		hand_over(member, to);
	dh_room_member_uncount(member);
	post(member, MEMBER_LEAVE);
}
