/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "avatar_pictures.h"

#include "playout/mark.h"

enum which { BACKGROUND, MARK, PICTURES };

static const struct {
	const char *option;
	enum dh_ingest_kind kind;
	const char *wrong_size;
} kinds[PICTURES] = {
	[BACKGROUND] = { "background", DH_INGEST_BACKGROUND, "it is not a picture of the avatar's size" },
	[MARK] = { "disclosure_mark", DH_INGEST_MARK, "it is not a mark for an avatar of this size" },
};

struct dh_avatar_pictures {
	const struct dh_avatar_config *config;
	struct dh_ingest *ingest;
	void (*done)(void *arg, const char *error);
	void *arg;
	int now; /* which is being prepared */
	struct dh_subscription *subscription;
	GBytes *made[PICTURES];
};

struct dh_avatar_pictures *dh_avatar_pictures_new(const struct dh_avatar_config *config, struct dh_ingest *ingest)
{
	struct dh_avatar_pictures *pictures = g_new0(struct dh_avatar_pictures, 1);

	pictures->config = config;
	pictures->ingest = ingest;
	return pictures;
}

void dh_avatar_pictures_free(struct dh_avatar_pictures **pictures)
{
	g_free(*pictures);
	*pictures = NULL;
}

void dh_avatar_pictures_stop(struct dh_avatar_pictures *pictures)
{
	if (pictures->subscription)
		dh_ingest_unsubscribe(&pictures->subscription);
	for (int i = 0; i < PICTURES; i++)
		g_clear_pointer(&pictures->made[i], g_bytes_unref);
}

/* --- one after the other; the I/O thread */

static void prepare_next(struct dh_avatar_pictures *pictures);

static void fail(struct dh_avatar_pictures *pictures, const char *why)
{
	char *text = g_strdup_printf("%s: %s", kinds[pictures->now].option, why);

	pictures->done(pictures->arg, text);
	g_free(text);
}

static void on_picture(void *arg, GBytes *i420)
{
	struct dh_avatar_pictures *pictures = arg;

	pictures->made[pictures->now] = g_bytes_ref(i420);
}

static size_t size_of(const struct dh_avatar_pictures *pictures)
{
	int width = (int)pictures->config->width, height = (int)pictures->config->height;

	return pictures->now == MARK ? dh_mark_size(width, height) : (size_t)width * (size_t)height * 3 / 2;
}

static void on_end(void *arg, const struct dh_stream_end *end)
{
	struct dh_avatar_pictures *pictures = arg;
	GBytes *made = pictures->made[pictures->now];

	(void)end;
	dh_ingest_unsubscribe(&pictures->subscription);
	/* a file prepared elsewhere may hold anything */
	if (!made || g_bytes_get_size(made) != size_of(pictures)) {
		fail(pictures, kinds[pictures->now].wrong_size);
		return;
	}
	pictures->now++;
	prepare_next(pictures);
}

static void on_failure(void *arg, int code, const char *text)
{
	(void)code;
	fail(arg, text);
}

static bool is_needed(const struct dh_avatar_config *config, int which)
{
	if (which == MARK)
		return config->disclosure_mark != NULL;
	return config->background && !dh_avatar_plain_background(config);
}

static void prepare_next(struct dh_avatar_pictures *pictures)
{
	static const struct dh_ingest_listener listener = {
		.picture = on_picture,
		.end = on_end,
		.failure = on_failure,
	};
	struct dh_ingest_source source;

	while (pictures->now < PICTURES && !is_needed(pictures->config, pictures->now))
		pictures->now++;
	if (pictures->now == PICTURES) {
		pictures->done(pictures->arg, NULL);
		return;
	}
	dh_avatar_source(pictures->config, kinds[pictures->now].kind, &source);
	int err = dh_ingest_subscribe(pictures->ingest, &source, &listener, pictures, &pictures->subscription);
	if (err)
		fail(pictures, g_strerror(-err));
}

void dh_avatar_pictures_start(struct dh_avatar_pictures *pictures, void (*done)(void *arg, const char *error),
	void *arg)
{
	dh_avatar_pictures_stop(pictures);
	pictures->done = done;
	pictures->arg = arg;
	pictures->now = 0;
	prepare_next(pictures);
}

GBytes *dh_avatar_pictures_background(const struct dh_avatar_pictures *pictures)
{
	return pictures->made[BACKGROUND];
}

GBytes *dh_avatar_pictures_mark(const struct dh_avatar_pictures *pictures)
{
	return pictures->made[MARK];
}
