/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "unit_list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The others wait for the next time, for the sake of whoever waits for this thread. */
#define RELEASED_AT_A_TIME 1000

void dh_unit_list_clear(struct dh_unit_list *list)
{
	dh_unit_list_drop(list, list->count);
	free(list->at);
	*list = (struct dh_unit_list){ 0 };
}

static int reserve(struct dh_unit_list *list)
{
	if (dh_unit_list_kept(list) < list->capacity)
		return 0;
	size_t capacity = list->capacity ? list->capacity * 2 : 64;
	struct dh_unit **at = realloc(list->at, capacity * sizeof *at);
	if (!at)
		return -ENOMEM;
	list->at = at;
	list->capacity = capacity;
	return 0;
}

int dh_unit_list_add(struct dh_unit_list *list, struct dh_unit *unit)
{
	int err = reserve(list);
	if (err)
		return err;
	list->at[dh_unit_list_kept(list)] = dh_unit_ref(unit);
	list->count++;
	return 0;
}

size_t dh_unit_list_release(struct dh_unit_list *list, size_t end)
{
	size_t n = end - list->released, bytes = 0;
	if (n > RELEASED_AT_A_TIME)
		n = RELEASED_AT_A_TIME;
	if (!n)
		return 0;
	for (size_t i = 0; i < n; i++) {
		bytes += dh_unit_bytes(list->at[i]);
		dh_unit_unref(&list->at[i]);
	}
	memmove(list->at, list->at + n, (dh_unit_list_kept(list) - n) * sizeof *list->at);
	list->released += n;
	return bytes;
}

size_t dh_unit_list_drop(struct dh_unit_list *list, size_t count)
{
	size_t n = 0;
	for (; n < count && dh_unit_list_kept(list); n++, list->count--)
		dh_unit_unref(&list->at[dh_unit_list_kept(list) - 1]);
	return n;
}
