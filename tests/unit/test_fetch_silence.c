/* SPDX-License-Identifier: GPL-3.0-or-later */
/* When dh-fetch calls a service silent, under a fake clock: not for what dh-fetch itself missed. */
#include "prepare/fetch_silence.h"
#include "tests/support/check.h"

#define LIMIT_MS 3000

static struct dh_fetch_silence silence;
static int64_t now_ms;

/* Waits as long as it should and `late_ms` longer. */
static void wait_for_news(int late_ms)
{
	int most_ms = dh_fetch_silence_wait_ms(&silence, now_ms);
	int64_t since_ms = now_ms;

	now_ms += most_ms + late_ms;
	dh_fetch_silence_woke(&silence, since_ms, most_ms, now_ms);
}

static void start(void)
{
	now_ms = 1000000;
	dh_fetch_silence_init(&silence, LIMIT_MS, now_ms);
}

/* While the text is still being written nothing is owed. */
static void test_before_the_text_is_over(void)
{
	start();
	for (int i = 0; i < 100; i++) {
		CHECK(!dh_fetch_silence_is_over(&silence));
		wait_for_news(0);
	}
	dh_fetch_silence_begin(&silence, now_ms);
	CHECK(!dh_fetch_silence_is_over(&silence));
}

static void test_exactly(void)
{
	start();
	dh_fetch_silence_begin(&silence, now_ms);
	int64_t begin_ms = now_ms;
	while (!dh_fetch_silence_is_over(&silence))
		wait_for_news(0);
	CHECK_INT(now_ms - begin_ms, LIMIT_MS);
	/* What comes after so long is heard all the same. */
	dh_fetch_silence_heard(&silence, now_ms);
	CHECK(!dh_fetch_silence_is_over(&silence));
	now_ms += LIMIT_MS - 300;
	CHECK_INT(dh_fetch_silence_wait_ms(&silence, now_ms), 300);
}

/* What came while it had no processor is read before it judges. */
static void test_what_came_meanwhile(void)
{
	start();
	dh_fetch_silence_begin(&silence, now_ms);
	wait_for_news(0);
	wait_for_news(100 * LIMIT_MS);
	dh_fetch_silence_heard(&silence, ++now_ms);
	CHECK(!dh_fetch_silence_is_over(&silence));
	/* Even if it came in the last moment, and dealing with it took long. */
	wait_for_news(0);
	wait_for_news(0);
	wait_for_news(0);
	dh_fetch_silence_heard(&silence, now_ms + 5);
	CHECK(!dh_fetch_silence_is_over(&silence));
}

/* Its own lateness is no silence, even if nothing has come. */
static void test_its_own_lateness(void)
{
	start();
	dh_fetch_silence_begin(&silence, now_ms);
	int64_t begin_ms = now_ms;
	wait_for_news(10 * LIMIT_MS);
	CHECK(!dh_fetch_silence_is_over(&silence));
	wait_for_news(0);
	CHECK(!dh_fetch_silence_is_over(&silence));
	wait_for_news(0);
	CHECK(dh_fetch_silence_is_over(&silence));
	CHECK_INT(now_ms - begin_ms, 11 * LIMIT_MS);
}

/* One that has had no processor after all is read does not judge by the time that went by then. */
static void test_late_between_reading_and_judging(void)
{
	start();
	dh_fetch_silence_begin(&silence, now_ms);
	wait_for_news(0);
	now_ms += 10 * LIMIT_MS;
	CHECK(!dh_fetch_silence_is_over(&silence));
	CHECK_INT(dh_fetch_silence_wait_ms(&silence, now_ms), 0);
	wait_for_news(0);
	dh_fetch_silence_heard(&silence, now_ms);
	CHECK(!dh_fetch_silence_is_over(&silence));
}

static const struct check_test tests[] = {
	TEST(test_before_the_text_is_over),
	TEST(test_exactly),
	TEST(test_what_came_meanwhile),
	TEST(test_its_own_lateness),
	TEST(test_late_between_reading_and_judging),
};

int main(int argc, char **argv)
{
	return CHECK_MAIN(argc, argv, tests);
}
