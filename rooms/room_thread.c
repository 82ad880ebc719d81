/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "room_thread.h"

#include <errno.h>
#include <glib.h>
#include <string.h>
#include <time.h>

#include "playout/timebase.h"
#include "realtime.h"

/* A command may make something due at once, such as a newcomer's first picture. It
 * waits at most this long for the commands that came with it. */
#define BURST_TICKS (5 * DH_TICKS_PER_MS)

enum command_state { COMMAND_QUEUED, COMMAND_TAKEN, COMMAND_DONE, COMMAND_CANCELED };

struct dh_room_thread {
	/* immutable */
	struct dh_room_thread_owner functions;
	void *owner;
	char name[16];
	bool realtime;
	pthread_t thread;
	/* owner: the thread */
	int64_t deadline_ticks; /* of the next turn */
	int64_t due_ticks;      /* when a turn must come before the next command */
	/* protected by lock */
	pthread_mutex_t lock;
	pthread_cond_t wake;         /* of the thread: a command, or stop */
	pthread_cond_t joining_done; /* of concurrent calls of dh_room_thread_stop */
	struct dh_command *first, *last;
	bool stopping, joining, joined;
};

static int64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

int64_t dh_now_ticks(void)
{
	return dh_ticks_from_ns(now_ns());
}

static struct timespec timespec_of(int64_t ns)
{
	return (struct timespec){ .tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000 };
}

static void cond_init(pthread_cond_t *cond)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(cond, &attr);
	pthread_condattr_destroy(&attr);
}

/* --- the queue; the lock is held */

static int push_command(struct dh_room_thread *t, struct dh_command *command)
{
	if (t->stopping)
		return -ECANCELED;
	command->next = NULL;
	command->state = COMMAND_QUEUED;
	if (t->last)
		t->last->next = command;
	else
		t->first = command;
	t->last = command;
	pthread_cond_signal(&t->wake);
	return 0;
}

static struct dh_command *take_command(struct dh_room_thread *t)
{
	struct dh_command *command = t->first;

	t->first = command->next;
	if (!t->first)
		t->last = NULL;
	command->state = COMMAND_TAKEN;
	return command;
}

static void unlink_command(struct dh_room_thread *t, struct dh_command *command)
{
	struct dh_command **at = &t->first, *previous = NULL;

	while (*at != command) {
		previous = *at;
		at = &previous->next;
	}
	*at = command->next;
	if (t->last == command)
		t->last = previous;
}

/* A called command lives on its caller's stack, which may be gone as soon as the
 * lock is released. */
static void answer(struct dh_command *command, enum command_state state)
{
	command->state = state;
	pthread_cond_signal(command->done);
}

/* --- the thread */

static void take_turn(struct dh_room_thread *t)
{
	int64_t now_ticks = dh_now_ticks();

	t->deadline_ticks = t->functions.turn(t->owner, now_ticks);
	t->due_ticks = t->deadline_ticks < now_ticks + BURST_TICKS ? t->deadline_ticks : now_ticks + BURST_TICKS;
}

void dh_room_thread_keep_time(struct dh_room_thread *t)
{
	if (dh_now_ticks() >= t->due_ticks)
		take_turn(t);
}

/* The lock is held, and released while the command runs. */
static void run_first(struct dh_room_thread *t)
{
	struct dh_command *command = take_command(t);
	bool is_called = !command->discard; /* a posted one has freed itself */

	pthread_mutex_unlock(&t->lock);
	dh_room_thread_keep_time(t);
	command->run(t->owner, command);
	pthread_mutex_lock(&t->lock);
	if (is_called)
		answer(command, COMMAND_DONE);
}

/* The lock is held. Also runs commands that arrive meanwhile. */
static void run_commands(struct dh_room_thread *t)
{
	if (!t->first)
		return;
	pthread_mutex_unlock(&t->lock);
	take_turn(t);
	pthread_mutex_lock(&t->lock);
	while (t->first && !t->stopping)
		run_first(t);
}

/* Waits for the deadline or a command. */
static void await_work(struct dh_room_thread *t)
{
	struct timespec until;
	int err = 0;

	if (t->deadline_ticks != INT64_MAX)
		until = timespec_of(dh_ns_from_ticks(t->deadline_ticks));
	while (!t->stopping && !t->first && !err) {
		if (t->deadline_ticks == INT64_MAX)
			pthread_cond_wait(&t->wake, &t->lock);
		else
			err = pthread_cond_timedwait(&t->wake, &t->lock, &until);
	}
}

static void cancel_all(struct dh_room_thread *t)
{
	while (t->first) {
		struct dh_command *command = take_command(t);
		if (!command->discard) {
			answer(command, COMMAND_CANCELED);
			continue;
		}
		pthread_mutex_unlock(&t->lock);
		command->discard(command);
		pthread_mutex_lock(&t->lock);
	}
}

static void *thread_main(void *arg)
{
	struct dh_room_thread *t = arg;
	struct dh_realtime_before before;

	pthread_setname_np(pthread_self(), t->name);
	dh_realtime_enter(DH_REALTIME_ROOM, t->realtime, &before);
	pthread_mutex_lock(&t->lock);
	while (!t->stopping) {
		run_commands(t);
		pthread_mutex_unlock(&t->lock);
		take_turn(t);
		pthread_mutex_lock(&t->lock);
		await_work(t);
	}
	cancel_all(t);
	pthread_mutex_unlock(&t->lock);
	dh_realtime_leave(&before);
	t->functions.close(t->owner);
	return NULL;
}

/* --- life */

/* Priority inheritance: an ordinary thread that is preempted while it holds the lock
 * would delay the room. */
static void lock_init(pthread_mutex_t *lock)
{
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
	pthread_mutex_init(lock, &attr);
	pthread_mutexattr_destroy(&attr);
}

int dh_room_thread_alloc(struct dh_room_thread **thread, const char *name, bool realtime,
	const struct dh_room_thread_owner *functions, void *owner)
{
	struct dh_room_thread *t = g_new0(struct dh_room_thread, 1);

	t->functions = *functions;
	t->owner = owner;
	t->realtime = realtime;
	strncpy(t->name, name, sizeof(t->name) - 1);
	lock_init(&t->lock);
	cond_init(&t->wake);
	cond_init(&t->joining_done);
	int err = pthread_create(&t->thread, NULL, thread_main, t);
	if (err) {
		t->joined = true;
		dh_room_thread_free(&t);
		return -err;
	}
	*thread = t;
	return 0;
}

void dh_room_thread_stop(struct dh_room_thread *t)
{
	pthread_mutex_lock(&t->lock);
	t->stopping = true;
	pthread_cond_signal(&t->wake);
	bool is_first = !t->joining;
	t->joining = true;
	while (!is_first && !t->joined)
		pthread_cond_wait(&t->joining_done, &t->lock);
	pthread_mutex_unlock(&t->lock);
	if (!is_first)
		return;
	pthread_join(t->thread, NULL);
	pthread_mutex_lock(&t->lock);
	t->joined = true;
	pthread_cond_broadcast(&t->joining_done);
	pthread_mutex_unlock(&t->lock);
}

void dh_room_thread_free(struct dh_room_thread **thread)
{
	struct dh_room_thread *t = *thread;

	if (!t)
		return;
	if (!t->joined)
		dh_room_thread_stop(t);
	pthread_cond_destroy(&t->joining_done);
	pthread_cond_destroy(&t->wake);
	pthread_mutex_destroy(&t->lock);
	g_free(t);
	*thread = NULL;
}

/* --- any other thread */

void dh_room_thread_post(struct dh_room_thread *t, struct dh_command *command)
{
	pthread_mutex_lock(&t->lock);
	int err = push_command(t, command);
	pthread_mutex_unlock(&t->lock);
	if (err)
		command->discard(command);
}

/* A command that was taken will run; only a queued one can be withdrawn. */
static int await_answer(struct dh_room_thread *t, struct dh_command *command, const struct timespec *until)
{
	while (command->state < COMMAND_DONE) {
		if (command->state == COMMAND_TAKEN) {
			pthread_cond_wait(command->done, &t->lock);
		} else if (pthread_cond_timedwait(command->done, &t->lock, until) == ETIMEDOUT &&
			command->state == COMMAND_QUEUED) {
			unlink_command(t, command);
			return -ETIMEDOUT;
		}
	}
	return command->state == COMMAND_CANCELED ? -ECANCELED : 0;
}

int dh_room_thread_call(struct dh_room_thread *t, struct dh_command *command, int timeout_ms)
{
	const struct timespec until = timespec_of(now_ns() + timeout_ms * INT64_C(1000000));
	pthread_cond_t done;

	cond_init(&done);
	command->discard = NULL;
	command->done = &done;
	pthread_mutex_lock(&t->lock);
	int err = push_command(t, command);
	if (!err)
		err = await_answer(t, command, &until);
	pthread_mutex_unlock(&t->lock);
	pthread_cond_destroy(&done);
	return err;
}
