/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Requests that wait for the room's thread. */
#include "room_private.h"

/* The thread answers within a turn; after this long something is wrong. */
#define ANSWER_MS 2000

struct call {
	struct dh_command command;
	dh_room_call_fn *run;
	void *arg;
	int err;
};

static void call_run(void *owner, struct dh_command *command)
{
	struct call *call = (struct call *)command;

	call->err = call->run(owner, call->arg);
}

int dh_room_call(struct dh_room *room, dh_room_call_fn *run, void *arg)
{
	struct call call = { .command = { .run = call_run }, .run = run, .arg = arg };
	int err = dh_room_thread_call(room->thread, &call.command, ANSWER_MS);

	return err ? err : call.err;
}
