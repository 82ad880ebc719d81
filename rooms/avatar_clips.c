/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "avatar_clips.h"

#include <errno.h>

#include "ingest/log.h"
#include "prepared_clip.h"

struct dh_avatar_clips {
	const struct dh_avatar_config *config;
	struct dh_ingest *ingest;
	struct dh_avatar_look look; /* references */
	void (*done)(void *arg);
	void *arg;
	enum dh_stance now; /* which is being prepared */
	struct dh_subscription *subscription;
	struct dh_prepared_clip clips[DH_STANCES];
	bool is_there[DH_STANCES];
};

struct dh_avatar_clips *dh_avatar_clips_new(const struct dh_avatar_config *config, struct dh_ingest *ingest)
{
	struct dh_avatar_clips *clips = g_new0(struct dh_avatar_clips, 1);

	clips->config = config;
	clips->ingest = ingest;
	for (int i = 0; i < DH_STANCES; i++)
		dh_prepared_clip_init(&clips->clips[i]);
	return clips;
}

void dh_avatar_clips_free(struct dh_avatar_clips **clips)
{
	for (int i = 0; *clips && i < DH_STANCES; i++)
		dh_prepared_clip_clear(&(*clips)->clips[i]);
	g_free(*clips);
	*clips = NULL;
}

static void forget_look(struct dh_avatar_look *look)
{
	dh_unit_unref(&look->anchor);
	g_clear_pointer(&look->picture, g_bytes_unref);
	g_clear_pointer(&look->frame, g_bytes_unref);
	g_clear_pointer(&look->background, g_bytes_unref);
	g_clear_pointer(&look->mark, g_bytes_unref);
}

void dh_avatar_clips_stop(struct dh_avatar_clips *clips)
{
	if (clips->subscription)
		dh_ingest_unsubscribe(&clips->subscription);
	for (int i = 0; i < DH_STANCES; i++) {
		dh_prepared_clip_reset(&clips->clips[i]);
		clips->is_there[i] = false;
	}
	forget_look(&clips->look);
}

/* --- one after the other; the I/O thread */

static void prepare_next(struct dh_avatar_clips *clips);

static void finish(struct dh_avatar_clips *clips, const char *error)
{
	if (clips->subscription)
		dh_ingest_unsubscribe(&clips->subscription);
	clips->is_there[clips->now] = !error;
	if (error) {
		dh_log(DH_LOG_ERROR, "avatar %s: its clip %s cannot be used: %s", clips->config->name,
			dh_avatar_clip_path(clips->config, clips->now), error);
		dh_prepared_clip_reset(&clips->clips[clips->now]);
	}
	clips->now++;
	prepare_next(clips);
}

static void on_head(void *arg, const struct dh_stream_head *head)
{
	struct dh_avatar_clips *clips = arg;

	dh_prepared_clip_head(&clips->clips[clips->now], head);
}

static void on_anchor(void *arg, struct dh_unit *anchor)
{
	struct dh_avatar_clips *clips = arg;

	dh_prepared_clip_anchor(&clips->clips[clips->now], anchor);
}

static void on_units(void *arg, struct dh_unit *const *units, size_t count)
{
	struct dh_avatar_clips *clips = arg;

	dh_prepared_clip_units(&clips->clips[clips->now], units, count);
}

static const char *misfit(const struct dh_avatar_clips *clips, const struct dh_prepared_clip *clip)
{
	if (!clip->anchor || clip->units->len == 0)
		return "it has no picture";
	if (!dh_unit_same_bytes(clip->anchor, clips->look.anchor))
		return "it was prepared for another avatar";
	return dh_avatar_misfit(clips->config, &clip->head);
}

static void on_end(void *arg, const struct dh_stream_end *end)
{
	struct dh_avatar_clips *clips = arg;

	(void)end;
	finish(clips, misfit(clips, &clips->clips[clips->now]));
}

static void on_failure(void *arg, int code, const char *text)
{
	(void)code;
	finish(arg, text);
}

static void prepare_next(struct dh_avatar_clips *clips)
{
	static const struct dh_ingest_listener listener = {
		.head = on_head,
		.anchor = on_anchor,
		.units = on_units,
		.end = on_end,
		.failure = on_failure,
	};
	struct dh_ingest_source source;

	while (clips->now < DH_STANCES && !dh_avatar_clip_path(clips->config, clips->now))
		clips->now++;
	if (clips->now == DH_STANCES) {
		forget_look(&clips->look);
		clips->done(clips->arg);
		return;
	}
	dh_avatar_source(clips->config, DH_INGEST_SEGMENT, &source);
	source.count = 1;
	source.names[0] = dh_avatar_clip_path(clips->config, clips->now);
	source.names[1] = NULL;
	source.anchor = clips->look.picture;
	source.anchor_frame = clips->look.frame;
	source.background_picture = clips->look.background;
	source.mark_picture = clips->look.mark;
	int err = dh_ingest_subscribe(clips->ingest, &source, &listener, clips, &clips->subscription);
	if (err)
		finish(clips, g_strerror(-err));
}

void dh_avatar_clips_start(struct dh_avatar_clips *clips, const struct dh_avatar_look *look, void (*done)(void *arg),
	void *arg)
{
	dh_avatar_clips_stop(clips);
	clips->look.anchor = dh_unit_ref(look->anchor);
	clips->look.picture = g_bytes_ref(look->picture);
	clips->look.frame = g_bytes_ref(look->frame);
	clips->look.background = look->background ? g_bytes_ref(look->background) : NULL;
	clips->look.mark = look->mark ? g_bytes_ref(look->mark) : NULL;
	clips->done = done;
	clips->arg = arg;
	clips->now = DH_STANCE_IDLE;
	prepare_next(clips);
}

int dh_avatar_clips_segment(const struct dh_avatar_clips *clips, enum dh_stance stance, struct dh_segment **segment)
{
	return clips->is_there[stance] ? dh_prepared_clip_segment(&clips->clips[stance], segment) : -ENOENT;
}
