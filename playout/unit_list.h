/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Units of one medium in order, of which the first may be forgotten: the others keep their
 * indices. Private to segment.c. */
#ifndef DH_UNIT_LIST_H
#define DH_UNIT_LIST_H

#include <stddef.h>

#include "unit.h"

/* Zero it. */
struct dh_unit_list {
	struct dh_unit **at; /* those that are kept: at[0] has the index `released` */
	size_t count, released, capacity;
};

void dh_unit_list_clear(struct dh_unit_list *list);

static inline size_t dh_unit_list_kept(const struct dh_unit_list *list)
{
	return list->count - list->released;
}

/* `index` is from `released` to `count` - 1. */
static inline struct dh_unit *dh_unit_list_at(const struct dh_unit_list *list, size_t index)
{
	return list->at[index - list->released];
}

/* Takes a reference. 0 or -ENOMEM. */
int dh_unit_list_add(struct dh_unit_list *list, struct dh_unit *unit);

/* Forgets units before the index `end`, at most 1000 at a time; returns their bytes. */
size_t dh_unit_list_release(struct dh_unit_list *list, size_t end);

/* Drops up to `count` of the last ones; returns how many. */
size_t dh_unit_list_drop(struct dh_unit_list *list, size_t count);

#endif
