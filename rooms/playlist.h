/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a room plays while nothing else wants to be played: files, one after the other, for days.
 *
 * Pure, and for one thread. It knows the order of things and where it is in it; its owner plays them.
 *
 * A playlist is a JSON object: "items" is an array of 1 to DH_PLAYLIST_ITEMS_MAX texts, "shuffle", "repeat" and
 * "patient" are flags. An item is a file, a folder (it ends in "/") or either at a time of day ("18:00 news.mp4",
 * local time), all as `enqueue` names files.
 */
#ifndef DH_PLAYLIST_H
#define DH_PLAYLIST_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>
#include <jansson.h>

#define DH_PLAYLIST_ITEMS_MAX 500
#define DH_PLAYLIST_ITEM_MAX  1024  /* bytes */
#define DH_PLAYLIST_FILES_MAX 20000 /* of all items of a round */
#define DH_PLAYLIST_TRIES_MAX 60    /* to list a folder that cannot be read, before it goes on with other files */

/* What is to be played. */
struct dh_playlist_turn {
	char *file; /* g_free it */
	int64_t from_ms;
	bool is_timed;
	bool is_again;    /* it was returned */
	bool is_restored; /* it is where the playlist was before (dh_playlist_restore) */
	int tries;        /* for its owner; 0 at first */
	uint64_t number;  /* rising: what is returned keeps its order */
	uint64_t round;   /* where it is, if it is not timed */
	uint64_t at;
};

/* The names of the files in a folder, in order; NULL: it cannot be read now. */
typedef GPtrArray *dh_playlist_list_fn(void *arg, const char *folder);

struct dh_playlist;

/* NULL: `items` is right; otherwise what is expected. */
const char *dh_playlist_check(const json_t *items);

/* `settings`: a playlist as JSON; `seed`: of what is shuffled. */
struct dh_playlist *dh_playlist_new(const json_t *settings, uint32_t seed);
void dh_playlist_free(struct dh_playlist **playlist);

/* Takes what is next: what is due at its time of day, what was returned, and then the next of the round.
 * Each round lists folders again. False: there is nothing, or nothing any more. */
bool dh_playlist_next(struct dh_playlist *playlist, dh_playlist_list_fn *list, void *arg,
	struct dh_playlist_turn *turn);
/* It was not played to its end, and comes next again, from `from_ms` on. Copies the turn. */
void dh_playlist_return(struct dh_playlist *playlist, const struct dh_playlist_turn *turn, int64_t from_ms);

/* It is now `minute` of the day (0 to 1439); call it at least once in each. What has its time then is due. */
void dh_playlist_tick(struct dh_playlist *playlist, int minute);
bool dh_playlist_is_due(const struct dh_playlist *playlist);
bool dh_playlist_has_times(const struct dh_playlist *playlist);

/* Where it is when `turn` has been played up to `at_ms`, and to go on there. What does not fit the
 * playlist is ignored. */
json_t *dh_playlist_position(const struct dh_playlist *playlist, const struct dh_playlist_turn *turn, int64_t at_ms);
void dh_playlist_restore(struct dh_playlist *playlist, const json_t *position);

#endif
