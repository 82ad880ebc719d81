#include "room_thread.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "playout/timebase.h"
#include "realtime.h"

enum command_state { COMMAND_QUEUED, COMMAND_TAKEN, COMMAND_DONE, COMMAND_CANCELED };

struct dh_room_thread {
	/* immutable */
	struct dh_room_thread_owner functions;
	void *owner;
	char name[16];
	int realtime;
	pthread_t thread;
	/* protected by lock */
	pthread_mutex_t lock;
	pthread_cond_t wake;         /* of the thread: a command, or stop */
	pthread_cond_t done;         /* of callers: a command has run; and of stop */
	struct dh_command *first, *last;
	int stopping, joining, joined;
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

/* Takes all that waits; the lock is held. */
static struct dh_command *take_all(struct dh_room_thread *t)
{
	struct dh_command *all = t->first;

	for (struct dh_command *c = all; c; c = c->next)
		c->state = COMMAND_TAKEN;
	t->first = t->last = NULL;
	return all;
}

/* A called command lives on its caller's stack, which is gone as soon as the
 * state says so; a posted one is gone when it has run. */
static void run_all(struct dh_room_thread *t, struct dh_command *command)
{
	while (command) {
		struct dh_command *next = command->next;
		int posted = command->discard != NULL;
		command->run(t->owner, command);
		if (!posted) {
			pthread_mutex_lock(&t->lock);
			command->state = COMMAND_DONE;
			pthread_cond_broadcast(&t->done);
			pthread_mutex_unlock(&t->lock);
		}
		command = next;
	}
}

static void cancel_all(struct dh_room_thread *t)
{
	pthread_mutex_lock(&t->lock);
	struct dh_command *command = take_all(t);
	pthread_mutex_unlock(&t->lock);
	while (command) {
		struct dh_command *next = command->next;
		if (command->discard) {
			command->discard(command);
		} else {
			pthread_mutex_lock(&t->lock);
			command->state = COMMAND_CANCELED;
			pthread_cond_broadcast(&t->done);
			pthread_mutex_unlock(&t->lock);
		}
		command = next;
	}
}

static void *thread_main(void *arg)
{
	struct dh_room_thread *t = arg;

	pthread_setname_np(pthread_self(), t->name);
	dh_realtime(t->realtime);
	pthread_mutex_lock(&t->lock);
	while (!t->stopping) {
		struct dh_command *commands = take_all(t);
		pthread_mutex_unlock(&t->lock);
		if (commands) {
			t->functions.turn(t->owner, dh_now_ticks());
			run_all(t, commands);
		}
		int64_t deadline = t->functions.turn(t->owner, dh_now_ticks());
		pthread_mutex_lock(&t->lock);
		int late = 0;
		struct timespec until = timespec_of(deadline == INT64_MAX ? 0 : dh_ns_from_ticks(deadline));
		while (!t->stopping && !t->first && !late) {
			if (deadline == INT64_MAX)
				pthread_cond_wait(&t->wake, &t->lock);
			else
				late = pthread_cond_timedwait(&t->wake, &t->lock, &until) == ETIMEDOUT;
		}
	}
	pthread_mutex_unlock(&t->lock);
	cancel_all(t);
	t->functions.close(t->owner);
	return NULL;
}

int dh_room_thread_alloc(struct dh_room_thread **thread, const char *name, int realtime,
	const struct dh_room_thread_owner *functions, void *owner)
{
	struct dh_room_thread *t = calloc(1, sizeof(*t));
	pthread_condattr_t attr;
	int error;

	if (!t)
		return -ENOMEM;
	t->functions = *functions;
	t->owner = owner;
	t->realtime = realtime;
	strncpy(t->name, name, sizeof(t->name) - 1);
	pthread_mutex_init(&t->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&t->wake, &attr);
	pthread_cond_init(&t->done, &attr);
	pthread_condattr_destroy(&attr);
	error = pthread_create(&t->thread, NULL, thread_main, t);
	if (error) {
		t->joined = 1;
		dh_room_thread_free(&t);
		return -error;
	}
	*thread = t;
	return 0;
}

/* 0, or -ECANCELED when it is too late. */
static int enqueue(struct dh_room_thread *t, struct dh_command *command)
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

void dh_room_thread_post(struct dh_room_thread *t, struct dh_command *command)
{
	pthread_mutex_lock(&t->lock);
	int error = enqueue(t, command);
	pthread_mutex_unlock(&t->lock);
	if (error)
		command->discard(command);
}

int dh_room_thread_call(struct dh_room_thread *t, struct dh_command *command, int timeout_ms)
{
	struct timespec until = timespec_of(now_ns() + timeout_ms * INT64_C(1000000));
	int error;

	command->discard = NULL;
	pthread_mutex_lock(&t->lock);
	error = enqueue(t, command);
	while (!error && command->state < COMMAND_DONE) {
		/* Once taken it runs: only its place in the queue can be given up. */
		if (command->state == COMMAND_TAKEN) {
			pthread_cond_wait(&t->done, &t->lock);
		} else if (pthread_cond_timedwait(&t->done, &t->lock, &until) == ETIMEDOUT &&
				command->state == COMMAND_QUEUED) {
			unlink_command(t, command);
			error = -ETIMEDOUT;
		}
	}
	if (!error && command->state == COMMAND_CANCELED)
		error = -ECANCELED;
	pthread_mutex_unlock(&t->lock);
	return error;
}

void dh_room_thread_stop(struct dh_room_thread *t)
{
	pthread_mutex_lock(&t->lock);
	t->stopping = 1;
	pthread_cond_signal(&t->wake);
	if (t->joining) {
		while (!t->joined)
			pthread_cond_wait(&t->done, &t->lock);
		pthread_mutex_unlock(&t->lock);
		return;
	}
	t->joining = 1;
	pthread_mutex_unlock(&t->lock);
	pthread_join(t->thread, NULL);
	pthread_mutex_lock(&t->lock);
	t->joined = 1;
	pthread_cond_broadcast(&t->done);
	pthread_mutex_unlock(&t->lock);
}

void dh_room_thread_free(struct dh_room_thread **thread)
{
	struct dh_room_thread *t = *thread;

	if (!t)
		return;
	if (!t->joined)
		dh_room_thread_stop(t);
	pthread_cond_destroy(&t->done);
	pthread_cond_destroy(&t->wake);
	pthread_mutex_destroy(&t->lock);
	free(t);
	*thread = NULL;
}
