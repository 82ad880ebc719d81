/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "push_wait.h"

#include <glib.h>

void dh_push_wait_begin(struct dh_push_wait *wait, int64_t now_us, uint64_t bytes)
{
	wait->until_us = now_us + (int64_t)(bytes * G_USEC_PER_SEC / DH_PUSH_READ_RATE);
}

void dh_push_wait_mark(struct dh_push_wait *wait, uint64_t sent, int unread)
{
	wait->sent = sent;
	wait->unread = unread;
}

bool dh_push_wait_goes_on(struct dh_push_wait *wait, int64_t now_us, uint64_t sent, int unread)
{
	bool is_read = sent != wait->sent || unread < wait->unread;

	dh_push_wait_mark(wait, sent, unread);
	return is_read && now_us < wait->until_us;
}
