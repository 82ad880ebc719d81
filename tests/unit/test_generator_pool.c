/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which of a generator's services is asked, under a fake clock. */
#include "ingest/generator_pool.h"
#include "tests/support/check.h"

#include <errno.h>
#include <glib.h>

#define S INT64_C(1000000)

static char *urls[] = { (char *)"http://a/", (char *)"http://b/", (char *)"http://c/", NULL };
static char *one_each[] = { (char *)"1", NULL };
static char *each[] = { (char *)"1", (char *)"2", (char *)"0", NULL };

static struct dh_generator_pool *new_pool(char **at_once)
{
	static struct dh_generator_config config;

	config = (struct dh_generator_config){ .urls = urls, .at_once = at_once };
	return dh_generator_pool_new(&config);
}

static int ask(struct dh_generator_pool *pool, int64_t first_us, int64_t now_us)
{
	int place = dh_generator_pool_take(pool, 0, now_us);

	if (place >= 0) {
		dh_generator_pool_first(pool, place, first_us, now_us);
		dh_generator_pool_leave(pool, place, DH_PLACE_DID, now_us);
	}
	return place;
}

/* All are tried first, then the one that was soonest; until that has become slow. */
static void test_soonest(void)
{
	struct dh_generator_pool *pool = new_pool(NULL);

	CHECK_INT(ask(pool, 300, 1), 0);
	CHECK_INT(ask(pool, 100, 1), 1);
	CHECK_INT(ask(pool, 200, 1), 2);
	CHECK_INT(ask(pool, 100, 2), 1);
	CHECK_INT(ask(pool, 1000, 3), 1); /* 370 now */
	CHECK_INT(ask(pool, 200, 4), 2);
	/* What is old is measured again. */
	CHECK_INT(ask(pool, 50, DH_POOL_FRESH_US + 2), 0);
	dh_generator_pool_free(&pool);
}

static void test_at_once(void)
{
	struct dh_generator_pool *pool = new_pool(one_each);

	CHECK_INT(dh_generator_pool_take(pool, 0, 1), 0);
	CHECK_INT(dh_generator_pool_take(pool, 0, 1), 1);
	CHECK_INT(dh_generator_pool_take(pool, 4, 1), -EAGAIN); /* not the third */
	CHECK_INT(dh_generator_pool_take(pool, 0, 1), 2);
	CHECK_INT(dh_generator_pool_take(pool, 0, 1), -EAGAIN);
	dh_generator_pool_leave(pool, 1, DH_PLACE_LEFT, 1);
	CHECK_INT(dh_generator_pool_take(pool, 0, 1), 1);
	dh_generator_pool_free(&pool);
	pool = new_pool(each);
	for (int i = 0; i < 100; i++)
		CHECK(dh_generator_pool_take(pool, 0, 1) >= 0);
	struct dh_place_stats stats;
	dh_generator_pool_stats(pool, 1, 1, &stats);
	CHECK_INT(stats.busy, 2);
	dh_generator_pool_stats(pool, 2, 1, &stats);
	CHECK_INT(stats.busy, 97);
	dh_generator_pool_free(&pool);
}

/* One that fails is left alone for 1, 2, 4, … 60 s. */
static void test_pauses(void)
{
	static const int64_t pauses_s[] = { 1, 2, 4, 8, 16, 32, 60, 60 };
	struct dh_generator_pool *pool = new_pool(NULL);
	struct dh_place_stats stats;
	int64_t now_us = 1;

	for (size_t i = 0; i < G_N_ELEMENTS(pauses_s); i++) {
		CHECK_INT(dh_generator_pool_take(pool, 6, now_us), 0);
		dh_generator_pool_leave(pool, 0, DH_PLACE_FAILED, now_us);
		CHECK_INT(dh_generator_pool_due_us(pool, now_us), now_us + pauses_s[i] * S);
		dh_generator_pool_stats(pool, 0, now_us, &stats);
		CHECK_INT(stats.pause_ms, pauses_s[i] * 1000);
		/* The others go before it. */
		int other = dh_generator_pool_take(pool, 0, now_us + pauses_s[i] * S - 1);
		CHECK(other > 0, "%d", other);
		dh_generator_pool_leave(pool, other, DH_PLACE_LEFT, now_us);
		now_us += pauses_s[i] * S;
		CHECK_INT(dh_generator_pool_due_us(pool, now_us), INT64_MAX);
	}
	/* It comes back, and begins anew. */
	CHECK_INT(dh_generator_pool_take(pool, 6, now_us), 0);
	dh_generator_pool_leave(pool, 0, DH_PLACE_DID, now_us);
	CHECK_INT(dh_generator_pool_take(pool, 6, now_us), 0);
	dh_generator_pool_leave(pool, 0, DH_PLACE_FAILED, now_us);
	CHECK_INT(dh_generator_pool_due_us(pool, now_us), now_us + S);
	dh_generator_pool_free(&pool);
}

/* If all have failed, the one that is due next is asked rather than none. */
static void test_all_fail(void)
{
	struct dh_generator_pool *pool = new_pool(one_each);
	uint64_t tried = 0;

	for (int i = 0; i < 3; i++) {
		int place = dh_generator_pool_take(pool, tried, i + 1);
		CHECK(place >= 0 && !(tried >> place & 1), "%d", place);
		tried |= UINT64_C(1) << place;
		dh_generator_pool_leave(pool, place, DH_PLACE_FAILED, i + 1);
	}
	CHECK_INT(dh_generator_pool_take(pool, tried, 10), -ENOENT);
	CHECK_INT(dh_generator_pool_take(pool, 0, 10), 0);
	CHECK_INT(dh_generator_pool_take(pool, 0, 10), -EAGAIN); /* it is busy, and so is wanted */
	dh_generator_pool_free(&pool);
}

/* Processes: those that are on their way are waited for, those that could not be started are not. */
static void test_processes(void)
{
	static struct dh_generator_config config;
	char *command[] = { (char *)"/bin/speak", NULL };
	struct dh_place_stats stats;

	config = (struct dh_generator_config){ .command = command, .processes = 3 };
	CHECK_INT(dh_generator_places(&config), 3);
	struct dh_generator_pool *pool = dh_generator_pool_new(&config);
	for (int i = 0; i < 3; i++)
		dh_generator_pool_set_state(pool, i, DH_PLACE_COMING);
	CHECK_INT(dh_generator_pool_take(pool, 0, 1), -EAGAIN);
	dh_generator_pool_set_state(pool, 1, DH_PLACE_GONE);
	CHECK_INT(dh_generator_pool_take(pool, 5, 1), -EHOSTDOWN);
	CHECK_INT(dh_generator_pool_take(pool, 7, 1), -ENOENT);
	CHECK_INT(dh_generator_pool_take(pool, 0, 1), -EAGAIN);
	dh_generator_pool_set_state(pool, 2, DH_PLACE_THERE);
	CHECK_INT(dh_generator_pool_take(pool, 0, 1), 2); /* one at a time */
	CHECK_INT(dh_generator_pool_take(pool, 0, 1), -EAGAIN);
	dh_generator_pool_stats(pool, 2, 1, &stats);
	CHECK_INT(stats.at_once, 1);
	/* One that failed is left alone; but a new one in its place is not. */
	dh_generator_pool_leave(pool, 2, DH_PLACE_FAILED, 1);
	CHECK_INT(dh_generator_pool_take(pool, 0, 2), -EAGAIN); /* the first is on its way */
	dh_generator_pool_set_state(pool, 0, DH_PLACE_GONE);
	CHECK_INT(dh_generator_pool_take(pool, 0, 2), 2); /* rather than none */
	dh_generator_pool_leave(pool, 2, DH_PLACE_FAILED, 2);
	dh_generator_pool_set_state(pool, 2, DH_PLACE_GONE);
	CHECK_INT(dh_generator_pool_take(pool, 0, 3), -EHOSTDOWN);
	dh_generator_pool_set_state(pool, 2, DH_PLACE_THERE);
	dh_generator_pool_stats(pool, 2, 3, &stats);
	CHECK_INT(stats.pause_ms, 0);
	CHECK_INT(dh_generator_pool_take(pool, 0, 3), 2);
	dh_generator_pool_free(&pool);
}

/* How much of a text has been said, by how fast it was said before. */
static void test_speed(void)
{
	struct dh_generator_pool *pool = new_pool(NULL);

	CHECK_INT(dh_generator_pool_characters(pool, 650), 10);
	dh_generator_pool_spoke(pool, 3, 3000); /* says nothing */
	CHECK_INT(dh_generator_pool_characters(pool, 650), 10);
	for (int i = 0; i < 100; i++)
		dh_generator_pool_spoke(pool, 100, 10000);
	CHECK_INT(dh_generator_pool_characters(pool, 1050), 10);
	dh_generator_pool_free(&pool);
}

static const struct check_test tests[] = {
	TEST(test_soonest),
	TEST(test_at_once),
	TEST(test_pauses),
	TEST(test_all_fail),
	TEST(test_processes),
	TEST(test_speed),
};

int main(int argc, char **argv)
{
	return CHECK_MAIN(argc, argv, tests);
}
