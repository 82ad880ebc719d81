/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The part of a room that "edit" can change. Immutable and refcounted: an edit replaces
 * them as a whole, so readers see the old or the new ones, never a mix.
 */
#ifndef DH_SETTINGS_H
#define DH_SETTINGS_H

#include <stdatomic.h>
#include <stdbool.h>

#include <glib.h>
#include <jansson.h>

#include "barge_in.h"

struct dh_settings {
	const char *description;
	json_t *metadata;         /* an object */
	const char *secret, *pin; /* NULL: none */
	const char *disclosure;   /* that the face is no person's, in words; NULL: none */
	bool is_private;
	bool signed_tokens;
	struct dh_barge_in barge_in;
	json_t *playlist; /* see playlist.h; NULL: none */
	json_t *forwards; /* the permanent ones: their records, see rtp_forward.h, in an array; NULL: none */
	/* private */
	atomic_int refs;
};

/* One edit. */
struct dh_settings_change {
	/* NULL: no change */
	const char *description;
	json_t *metadata;
	const char *secret;
	const char *pin;        /* "": no PIN any more */
	const char *disclosure; /* "": none any more */
	const json_t *is_private;
	json_t *playlist;       /* null: none any more */
	const json_t *barge_in; /* an object with valid fields for dh_barge_in_read, each after "new_" */
	json_t *forward;        /* a record that is added; */
	json_t *no_forward;     /* … that is no more: this very object */
};

/* A copy of `given`; `metadata` NULL: an empty object. Takes references to `playlist` and
 * `forwards`. One reference is the caller's. */
struct dh_settings *dh_settings_new(const struct dh_settings *given);
/* A copy of `old` with `change` applied. One reference is the caller's. */
struct dh_settings *dh_settings_changed(const struct dh_settings *old, const struct dh_settings_change *change);
struct dh_settings *dh_settings_ref(struct dh_settings *settings);
void dh_settings_unref(struct dh_settings **settings);

#endif
