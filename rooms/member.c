/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "member.h"

struct dh_member *dh_member_new(const struct dh_host *host, void *handle, enum dh_member_kind kind,
	struct dh_room *room, dh_member_gone_fn *gone)
{
	struct dh_member *member = g_new0(struct dh_member, 1);

	member->host = host;
	member->handle = host->handle_ref(handle);
	member->room = room;
	member->gone = gone;
	member->observes = kind != DH_MEMBER_VIEWER;
	member->is_trusted = kind == DH_MEMBER_TRUSTED_OBSERVER;
	member->sdp_session = (uint64_t)g_get_real_time();
	atomic_init(&member->refs, 1);
	return member;
}

struct dh_member *dh_member_ref(struct dh_member *member)
{
	atomic_fetch_add(&member->refs, 1);
	return member;
}

void dh_member_unref(struct dh_member **member)
{
	struct dh_member *old = *member;

	*member = NULL;
	if (!old || atomic_fetch_sub(&old->refs, 1) != 1)
		return;
	old->host->handle_unref(old->handle);
	old->gone(old);
	g_free(old);
}

json_t *dh_member_status(const char *status)
{
	return json_pack("{s:s, s:{s:s}}", "digitalhuman", "event", "result", "status", status);
}

void dh_member_relay(const struct dh_member *member, enum dh_media media, const uint8_t *rtp, size_t size)
{
	if (!atomic_load(&member->cut))
		member->host->relay(member->handle, media, rtp, size);
}
