/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who gets the next worker. */
#include "ingest/job_queue.h"
#include "tests/support/check.h"

#define JOBS_MAX 20

/* A script, and the order in which jobs are served. A job is OWNER NUMBER: a lower-case
 * owner is live, and a '!' after it means next. '>' serves a job of either kind, 'f' only
 * a file, 'l' only a live one; '-' removes the first one waiting. */
static const struct order {
	const char *name, *script, *served;
} orders[] = {
	{ "in the order of coming", "A1 A2 A3 > > >", "A1 A2 A3" },
	{ "owners take turns", "A1 A2 A3 B1 B2 > > > > >", "A1 B1 A2 B2 A3" },
	{ "three of them", "A1 A2 B1 B2 C1 > > > > >", "A1 B1 C1 A2 B2" },
	{ "next goes first", "A1 A2 B1! > > >", "B1 A1 A2" },
	{ "next among themselves", "A1! A2! B1! C1 > > > >", "A1 B1 A2 C1" },
	{ "who comes has been served", "A1 A2 A3 > B1 > > >", "A1 A2 B1 A3" },
	{ "who waits is not overtaken", "A1 B1 > C1 > D1 >", "A1 B1 C1" },
	{ "files only", "a1 A1 b1 B1 f f f", "A1 B1" },
	{ "live only", "A1 a1 B1 b1 l l l", "a1 b1" },
	{ "both, by turns", "A1 a1 B1 > > >", "A1 B1 a1" },
	{ "some leave", "A1 A2 B1 - > >", "A2 B1" },
	{ "nobody", "> f l", "" },
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
	dh_job_queue_serve(queue, next);
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

	dh_job_queue_init(&queue);
	for (char **word = words; *word; word++) {
		if (**word == '>' || **word == 'f' || **word == 'l')
			serve(&queue, **word != 'l', **word != 'f', served);
		else if (**word == '-')
			dh_job_queue_remove(&queue, queue.waiting.head->data);
		else
			add(&queue, &jobs[n++], *word);
	}
	CHECK_STR(served, row->served);
	while (dh_job_queue_length(&queue) > 0)
		dh_job_queue_remove(&queue, queue.waiting.head->data);
	CHECK_INT(queue.live, 0);
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

	dh_job_queue_init(&queue);
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
