#include "room_private.h"

/* A room's thread answers within a turn; longer than this something is wrong. */
#define ANSWER_MS 2000

static void call_run(void *owner, struct dh_command *command)
{
	struct dh_room_call *call = (struct dh_room_call *)command;

	call->error = call->run(owner, call);
}

int dh_room_call(struct dh_room *room, struct dh_room_call *call, json_t **reply)
{
	call->command.run = call_run;
	int error = dh_room_thread_call(room->thread, &call->command, ANSWER_MS);
	if (!error)
		error = call->error;
	if (error || !reply)
		json_decref(call->reply);
	else
		*reply = call->reply;
	return error;
}
