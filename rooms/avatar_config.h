/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An avatar as the operator describes it. Any thread. */
#ifndef DH_AVATAR_CONFIG_H
#define DH_AVATAR_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "ingest/source.h"
#include "playout/stance.h"

/* As in the configuration, which owns the strings. */
struct dh_avatar_config {
	char *name;
	int64_t width, height;
	char *idle, *portrait;                 /* paths; at least one of them */
	char *listening, *thinking, *speaking; /* paths of further clips; NULL: none */
	char *background;      /* "#rrggbb", DH_BACKGROUND_CLEAR, or the path of a picture; NULL: the default colour */
	char *disclosure_mark; /* the path of a picture; NULL: none */
	char *disclosure_mark_at; /* a corner (playout/mark.h); NULL: the default */
	int64_t pingpong;
	int64_t kbps, kbps_2, kbps_3, entry_ms; /* by quality; 0: there is none */
	int64_t temporal;                       /* every second picture is droppable */
	int64_t fade_ms;                        /* from the last picture of a segment into the clip; 0: a cut */
};

/* The path of its clip for that, NULL: none; for DH_STANCE_IDLE always. */
const char *dh_avatar_clip_path(const struct dh_avatar_config *config, enum dh_stance stance);

/* The background if one was set that is no picture: a colour, or DH_BACKGROUND_CLEAR. NULL: it is the
 * default, or a picture. */
const char *dh_avatar_plain_background(const struct dh_avatar_config *config);
/* The same for people: a colour, DH_BACKGROUND_CLEAR, or "picture". */
const char *dh_avatar_background_name(const struct dh_avatar_config *config);

/* By quality, as in playout/qualities.h. */
void dh_avatar_rates(const struct dh_avatar_config *config, int kbps[DH_QUALITIES_MAX]);

/* Sets width and height in `json`, whether there is a mark, and how pictures are coded if they come with
 * their mattes; the second function does nothing if they do not. */
void dh_avatar_describe(const struct dh_avatar_config *config, json_t *json);
void dh_avatar_describe_matte(const struct dh_avatar_config *config, json_t *json);

/* Sets `qualities`, the bit rates, if there is more than one, and `temporal` if it has these layers. */
void dh_avatar_describe_qualities(const struct dh_avatar_config *config, json_t *json);

/* Why a clip with this head is not the avatar's, for people; NULL: it may be. */
const char *dh_avatar_misfit(const struct dh_avatar_config *config, const struct dh_stream_head *head);

/* What has to be prepared, without the pictures of its background and its mark; strings are the configuration's. */
void dh_avatar_source(const struct dh_avatar_config *config, enum dh_ingest_kind kind, struct dh_ingest_source *source);
/* Only whether it has a mark, and in which corner. */
void dh_avatar_source_mark(const struct dh_avatar_config *config, struct dh_ingest_source *source);

#endif
