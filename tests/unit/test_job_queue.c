/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who gets the next worker. */
#include "ingest/job_queue.h"
#include "tests/support/check.h"

#define JOBS_MAX 20

/* A script, and the order in which jobs are served. A job is OWNER NUMBER: a lower-case
 * owner is live, and a '!' after it means next. '>' serves a job of either kind, 'f' only
 * a file, 'l' only a live one; '-' removes the first one waiting; "+a1" makes one next, and "=a1" ends
 * one. */
static const struct order {
	const char *name, *script, *served;
	int max_live;
} orders[] = {
	{ "in the order of coming", "A1 A2 A3 > > >", "A1 A2 A3", 1000 },
	{ "owners take turns", "A1 A2 A3 B1 B2 > > > > >", "A1 B1 A2 B2 A3", 1000 },
	{ "three of them", "A1 A2 B1 B2 C1 > > > > >", "A1 B1 C1 A2 B2", 1000 },
	{ "next goes first", "A1 A2 B1! > > >", "B1 A1 A2", 1000 },
	{ "next among themselves", "A1! A2! B1! C1 > > > >", "A1 B1 A2 C1", 1000 },
	{ "who comes has been served", "A1 A2 A3 > B1 > > >", "A1 A2 B1 A3", 1000 },
	{ "who waits is not overtaken", "A1 B1 > C1 > D1 >", "A1 B1 C1", 1000 },
	{ "files only", "a1 A1 b1 B1 f f f", "A1 B1", 1000 },
	{ "live only", "A1 a1 B1 b1 l l l", "a1 b1", 1000 },
	{ "both, by turns", "A1 a1 B1 > > >", "A1 B1 a1", 1000 },
	{ "some leave", "A1 A2 B1 - > >", "A2 B1", 1000 },
	{ "nobody", "> f l", "", 1000 },
	/* Live ones keep their workers until they have been played. */
	{ "a room's share of what is ahead", "a1 a2 a3 b1 l l l l", "a1 b1 a2", 8 },
	{ "a few rooms' share of what is ahead", "a1 a2 b1 b2 c1 c2 d1 l l l l l l l", "a1 b1 c1 d1 a2 b2", 8 },
	{ "what is next has a place", "a1 a2 b1 b2 c1 c2 d1 l l l l l l d2! l e1! l g1! l",
		"a1 b1 c1 d1 a2 b2 d2 e1 g1", 8 },
	{ "one that waits becomes next", "a1 a2 a3 l l l +a3 l", "a1 a2 a3", 8 },
	{ "one that runs becomes next", "a1 a2 a3 l l l +a1 l", "a1 a2 a3", 8 },
	{ "one becomes next twice", "a1 a2 a3 a4 l l l +a1 +a1 l l", "a1 a2 a3", 8 },
	{ "one has ended", "a1 a2 a3 a4 l l l =a1 l l", "a1 a2 a3", 8 },
	{ "one that was next has ended", "a1! a2 a3 a4 l l l l =a1 l", "a1 a2 a3", 8 },
	{ "a room's share of all", "a1! a2! a3! a4! a5! b1! l l l l l l", "a1 b1 a2 a3 a4", 8 },
	{ "its files do not count", "a1 a2 A3 A4 l l > >", "a1 a2 A3 A4", 8 },
	{ "an interruption's place of three", "a1! a2! a3 a4 l l l l a5! l", "a1 a2 a5", 3 },
	{ "of four", "a1! a2! a3 a4 l l l l a5! l", "a1 a2 a5", 4 },
	{ "of five", "a1! a2! a3 a4 l l l l a5! l", "a1 a2 a5", 5 },
	{ "of six", "a1! a2! a3 a4 l l l l a5! l", "a1 a2 a3 a5", 6 },
	{ "of seven", "a1! a2! a3 a4 l l l l a5! l", "a1 a2 a3 a5", 7 },
	{ "of eight", "a1! a2! a3 a4 l l l l a5! l", "a1 a2 a3 a4 a5", 8 },
	{ "of nine", "a1! a2! a3 a4 l l l l a5! l", "a1 a2 a3 a4 a5", 9 },
	{ "of four, where one of two was ahead", "a1! a2 l l a3! l", "a1 a2 a3", 4 },
	{ "what is next has one place of three", "a1 b1 c1 l l l c2! l", "a1 b1 c2", 3 },
	{ "one place", "a1 b1 l =a1 l", "a1 b1", 1 },
	{ "two places of one room", "a1 a2 l l", "a1 a2", 2 },
};

struct queued_job {
	struct dh_queued queued; /* must be first */
	char name[3];
};

static void serve(struct dh_job_queue *queue, bool files, bool live, char *served)
{
	struct dh_queued *next = dh_job_queue_next(queue, files, live);

	if (!next)
		return;
	if (*served)
		strcat(served, " ");
	strcat(served, ((struct queued_job *)next)->name);
	CHECK(!live || files || dh_job_queue_runnable_live(queue, JOBS_MAX) > 0);
	dh_job_queue_serve(queue, next);
}

static struct dh_queued *find(struct queued_job *jobs, const char *name)
{
	while (strncmp(jobs->name, name, 2) != 0)
		jobs++;
	return &jobs->queued;
}

/* As many would be served. */
static void check_runnable(struct dh_job_queue *queue)
{
	int count = dh_job_queue_runnable_live(queue, JOBS_MAX);
	struct dh_queued *next;

	CHECK_INT(dh_job_queue_runnable_live(queue, 1), MIN(count, 1));
	while ((next = dh_job_queue_next(queue, false, true))) {
		dh_job_queue_serve(queue, next);
		count--;
	}
	CHECK_INT(count, 0);
}

static void add(struct dh_job_queue *queue, struct queued_job *job, const char *word)
{
	static const char owners[26];

	memcpy(job->name, word, 2);
	job->queued.is_live = g_ascii_islower(word[0]);
	job->queued.is_next = word[2] == '!';
	dh_job_queue_add(queue, &job->queued, &owners[g_ascii_toupper(word[0]) - 'A']);
}

static void test_order(const void *arg)
{
	const struct order *row = arg;
	struct queued_job jobs[JOBS_MAX] = { 0 };
	char served[100] = "", **words = g_strsplit(row->script, " ", -1);
	struct dh_job_queue queue;
	size_t n = 0;

	dh_job_queue_init(&queue, row->max_live);
	for (char **word = words; *word; word++) {
		if (**word == '>' || **word == 'f' || **word == 'l')
			serve(&queue, **word != 'l', **word != 'f', served);
		else if (**word == '-')
			dh_job_queue_remove(&queue, queue.waiting.head->data);
		else if (**word == '+')
			dh_job_queue_set_next(&queue, find(jobs, *word + 1));
		else if (**word == '=')
			dh_job_queue_remove(&queue, find(jobs, *word + 1));
		else
			add(&queue, &jobs[n++], *word);
	}
	CHECK_STR(served, row->served);
	check_runnable(&queue);
	for (size_t i = 0; i < n; i++)
		if (jobs[i].queued.turn)
			dh_job_queue_remove(&queue, &jobs[i].queued);
	CHECK_INT(dh_job_queue_length(&queue), 0);
	CHECK_INT(queue.waiting_live, 0);
	CHECK_INT(queue.ahead, 0);
	CHECK_INT(g_hash_table_size(queue.turns), 0);
	dh_job_queue_clear(&queue);
	g_strfreev(words);
}

/* A job prepared ahead becomes next while it waits. */
static void test_promotion(void)
{
	struct queued_job jobs[3] = { 0 };
	char served[100] = "";
	struct dh_job_queue queue;

	dh_job_queue_init(&queue, 100);
	add(&queue, &jobs[0], "A1 ");
	add(&queue, &jobs[1], "A2 ");
	add(&queue, &jobs[2], "B1 ");
	jobs[1].queued.is_next = true;
	for (int i = 0; i < 3; i++)
		serve(&queue, true, true, served);
	CHECK_STR(served, "A2 B1 A1");
	dh_job_queue_clear(&queue);
}

static const struct check_test tests[] = {
	TABLE(test_order, orders),
	TEST(test_promotion),
};

int main(int argc, char **argv)
{
	return CHECK_MAIN(argc, argv, tests);
}
