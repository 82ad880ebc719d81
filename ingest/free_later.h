/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Freeing the media of an hour takes tens of milliseconds: no thread that others wait for
 * should do it.
 */
#ifndef DH_FREE_LATER_H
#define DH_FREE_LATER_H

#include <glib.h>

#include "loader.h"

/* Frees a part of `thing`; false: nothing is left of it. */
typedef bool dh_free_fn(void *thing);

/* Calls some(thing) until it returns false: in a thread of the loader's, or at once if `loader`
 * is NULL or takes no more tasks. Any thread. */
void dh_free_later(struct dh_loader *loader, dh_free_fn *some, void *thing);

/* The same for an array (without a free function) of references to units; NULL is allowed. */
void dh_free_units_later(struct dh_loader *loader, GPtrArray *units);

#endif
