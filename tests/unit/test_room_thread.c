/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The thread that owns a room: turns come in time whatever others ask, and its priority
 * is one above that of senders. */
#include "tests/support/check.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "playout/timebase.h"
#include "rooms/realtime.h"
#include "rooms/room_thread.h"

#define PERIOD_TICKS  (10 * DH_TICKS_PER_MS)
#define COMMAND_TICKS (3 * DH_TICKS_PER_MS)

/* What has happened in the thread. */
struct owner {
	struct dh_room_thread *thread;
	int64_t deadline_ticks; /* when the latest turn asked to be woken */
	int64_t period_ticks;   /* from one turn to the next; INT64_MAX: none */
	int turns, overdue;     /* commands that began although a turn was due */
	int64_t ended_ticks;    /* when the latest command did */
	int turns_at_end;
	int closes;
};

static int64_t turn(void *arg, int64_t now_ticks)
{
	struct owner *owner = arg;

	owner->turns++;
	owner->deadline_ticks = owner->period_ticks == INT64_MAX ? INT64_MAX : now_ticks + owner->period_ticks;
	return owner->deadline_ticks;
}

static void close_owner(void *arg)
{
	((struct owner *)arg)->closes++;
}

static const struct dh_room_thread_owner functions = { .turn = turn, .close = close_owner };

static void owner_open(struct owner *owner, int64_t period_ticks)
{
	*owner = (struct owner){ .period_ticks = period_ticks, .ended_ticks = -1 };
	CHECK_INT(dh_room_thread_alloc(&owner->thread, "dh room test", false, &functions, owner), 0);
}

static void owner_close(struct owner *owner)
{
	dh_room_thread_free(&owner->thread);
	CHECK_INT(owner->closes, 1);
}

/* --- commands */

static void spin(int64_t ticks)
{
	int64_t until = dh_now_ticks() + ticks;

	while (dh_now_ticks() < until)
		;
}

/* If a turn was due when a command ended, the next command begins after it. Judged by
 * what the thread itself has seen, so a slow machine changes nothing. */
static void work_run(void *arg, struct dh_command *command)
{
	struct owner *owner = arg;

	owner->overdue += owner->ended_ticks >= owner->deadline_ticks && owner->turns == owner->turns_at_end;
	spin(COMMAND_TICKS);
	owner->ended_ticks = dh_now_ticks();
	owner->turns_at_end = owner->turns;
	free(command);
}

static void work_discard(struct dh_command *command)
{
	free(command);
}

static void post_work(struct owner *owner)
{
	struct dh_command *command = calloc(1, sizeof *command);

	command->run = work_run;
	command->discard = work_discard;
	dh_room_thread_post(owner->thread, command);
}

/* A command that occupies the thread until all others wait. */
struct gate {
	struct dh_command command;
	pthread_barrier_t begun, open;
};

static void gate_run(void *arg, struct dh_command *command)
{
	struct gate *gate = (struct gate *)command;

	(void)arg;
	pthread_barrier_wait(&gate->begun);
	pthread_barrier_wait(&gate->open);
}

static void gate_discard(struct dh_command *command)
{
	(void)command;
}

static void gate_close(struct gate *gate, struct owner *owner)
{
	*gate = (struct gate){ .command = { .run = gate_run, .discard = gate_discard } };
	pthread_barrier_init(&gate->begun, NULL, 2);
	pthread_barrier_init(&gate->open, NULL, 2);
	dh_room_thread_post(owner->thread, &gate->command);
	pthread_barrier_wait(&gate->begun);
}

static void gate_open(struct gate *gate)
{
	pthread_barrier_wait(&gate->open);
}

static void gate_clear(struct gate *gate)
{
	pthread_barrier_destroy(&gate->begun);
	pthread_barrier_destroy(&gate->open);
}

static void nothing_run(void *arg, struct dh_command *command)
{
	(void)arg;
	(void)command;
}

/* Waits until everything posted before has run. */
static void flush(struct owner *owner)
{
	struct dh_command command = { .run = nothing_run };

	CHECK_INT(dh_room_thread_call(owner->thread, &command, 100000), 0);
}

/* --- turns */

static void test_a_turn_comes_between_commands(void)
{
	struct owner owner;
	struct gate gate;

	owner_open(&owner, PERIOD_TICKS);
	gate_close(&gate, &owner);
	for (int i = 0; i < 50; i++)
		post_work(&owner);
	gate_open(&gate);
	flush(&owner);
	owner_close(&owner);
	CHECK_INT(owner.overdue, 0);
	CHECK(owner.turns >= 50 * COMMAND_TICKS / PERIOD_TICKS / 2, "%d turns", owner.turns);
	gate_clear(&gate);
}

/* What commands make due at once waits no longer than 5 ms for the commands behind them,
 * even if no turn was planned. */
static void test_a_turn_without_a_deadline(void)
{
	struct owner owner;
	struct gate gate;

	owner_open(&owner, INT64_MAX);
	gate_close(&gate, &owner);
	for (int i = 0; i < 20; i++)
		post_work(&owner);
	gate_open(&gate);
	flush(&owner);
	owner_close(&owner);
	CHECK(owner.turns >= 20 * 3 / 5 / 2, "%d turns", owner.turns);
	gate_clear(&gate);
}

/* --- a command that takes long */

static void long_run(void *arg, struct dh_command *command)
{
	struct owner *owner = arg;

	(void)command;
	for (int i = 0; i < 20; i++) {
		int turns = owner->turns;
		spin(COMMAND_TICKS);
		int64_t ended_ticks = dh_now_ticks(), deadline_ticks = owner->deadline_ticks;
		dh_room_thread_keep_time(owner->thread);
		owner->overdue += ended_ticks >= deadline_ticks && owner->turns == turns;
	}
}

static void test_a_long_command_keeps_time(void)
{
	struct dh_command command = { .run = long_run };
	struct owner owner;

	owner_open(&owner, PERIOD_TICKS);
	CHECK_INT(dh_room_thread_call(owner.thread, &command, 100000), 0);
	owner_close(&owner);
	CHECK_INT(owner.overdue, 0);
}

/* --- callers */

static void test_a_call_that_does_not_begin(void)
{
	struct dh_command command = { .run = nothing_run };
	struct owner owner;
	struct gate gate;

	owner_open(&owner, INT64_MAX);
	gate_close(&gate, &owner);
	post_work(&owner);
	CHECK_INT(dh_room_thread_call(owner.thread, &command, 10), -ETIMEDOUT);
	post_work(&owner); /* it gave up its place, and the queue is intact */
	gate_open(&gate);
	flush(&owner);
	dh_room_thread_stop(owner.thread);
	CHECK_INT(dh_room_thread_call(owner.thread, &command, 10), -ECANCELED);
	owner_close(&owner);
	gate_clear(&gate);
}

/* --- priorities; what the system is asked for is written down */

static int limit, asked, class_before; /* the highest priority allowed; the one in use */

int __wrap_sched_setscheduler(pid_t pid, int class, const struct sched_param *param);
int __wrap_sched_getscheduler(pid_t pid);

int __wrap_sched_getscheduler(pid_t pid)
{
	(void)pid;
	return asked > 0 ? SCHED_RR | SCHED_RESET_ON_FORK : class_before;
}

int __wrap_sched_setscheduler(pid_t pid, int class, const struct sched_param *param)
{
	(void)pid;
	if (param->sched_priority > limit || (class == SCHED_OTHER) != (param->sched_priority == 0)) {
		errno = EPERM;
		return -1;
	}
	asked = param->sched_priority;
	return 0;
}

static struct dh_realtime_before before;

static int priority_of(enum dh_realtime_role role, bool is_allowed, int highest)
{
	limit = highest;
	asked = 0;
	dh_realtime_enter(role, is_allowed, &before);
	return asked;
}

static void test_priorities(void)
{
	class_before = SCHED_OTHER;
	CHECK_INT(priority_of(DH_REALTIME_SENDER, true, 99), 1);
	CHECK_INT(priority_of(DH_REALTIME_ROOM, true, 99), 2);
	dh_realtime_leave(&before);
	CHECK_INT(asked, 0);
	CHECK_INT(priority_of(DH_REALTIME_ROOM, true, 1), 1);
	CHECK_INT(priority_of(DH_REALTIME_ROOM, true, 0), 0);
	CHECK_INT(priority_of(DH_REALTIME_ROOM, false, 99), 0);
	class_before = SCHED_FIFO; /* chosen by the operator */
	CHECK_INT(priority_of(DH_REALTIME_ROOM, true, 99), 0);
	CHECK(!before.is_changed);
	class_before = SCHED_OTHER | SCHED_RESET_ON_FORK; /* as a leaving thread without privileges */
	CHECK_INT(priority_of(DH_REALTIME_SENDER, true, 99), 1);
	class_before = SCHED_OTHER;
}

static const struct check_test tests[] = {
	TEST(test_a_turn_comes_between_commands),
	TEST(test_a_turn_without_a_deadline),
	TEST(test_a_long_command_keeps_time),
	TEST(test_a_call_that_does_not_begin),
	TEST(test_priorities),
};

int main(int argc, char **argv)
{
	class_before = SCHED_OTHER;
	return CHECK_MAIN(argc, argv, tests);
}
