/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "turns.h"

struct line {
	const void *whose;
	GQueue items;
};

struct dh_turns {
	GHashTable *lines; /* by `whose`; none is empty */
	GQueue order;      /* the next one is the first */
};

struct dh_turns *dh_turns_new(void)
{
	struct dh_turns *turns = g_new0(struct dh_turns, 1);

	turns->lines = g_hash_table_new_full(NULL, NULL, NULL, g_free);
	g_queue_init(&turns->order);
	return turns;
}

void dh_turns_free(struct dh_turns **turns)
{
	if (!*turns)
		return;
	g_hash_table_destroy((*turns)->lines);
	g_free(*turns);
	*turns = NULL;
}

void dh_turns_put(struct dh_turns *turns, const void *whose, void *item)
{
	struct line *line = g_hash_table_lookup(turns->lines, whose);

	if (!line) {
		line = g_new0(struct line, 1);
		line->whose = whose;
		g_queue_init(&line->items);
		g_hash_table_insert(turns->lines, (gpointer)whose, line);
		g_queue_push_tail(&turns->order, line);
	}
	g_queue_push_tail(&line->items, item);
}

void *dh_turns_take(struct dh_turns *turns)
{
	struct line *line = g_queue_pop_head(&turns->order);

	if (!line)
		return NULL;
	void *item = g_queue_pop_head(&line->items);
	if (g_queue_is_empty(&line->items))
		g_hash_table_remove(turns->lines, line->whose);
	else
		g_queue_push_tail(&turns->order, line);
	return item;
}
