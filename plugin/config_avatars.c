/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Avatars in the configuration. */
#include "config.h"

#include "config_options.h"
#include "playout/mark.h"
#include "playout/matte.h"
#include "prepare/job.h"

static const struct dh_option avatar_options[] = {
	DH_NUMBER(struct dh_avatar_config, width, 16, 2304, 512),
	DH_NUMBER(struct dh_avatar_config, height, 16, 2304, 512),
	DH_TEXT(struct dh_avatar_config, idle, NULL),
	DH_TEXT(struct dh_avatar_config, portrait, NULL),
	DH_TEXT(struct dh_avatar_config, listening, NULL),
	DH_TEXT(struct dh_avatar_config, thinking, NULL),
	DH_TEXT(struct dh_avatar_config, speaking, NULL),
	DH_TEXT(struct dh_avatar_config, background, NULL),
	DH_TEXT(struct dh_avatar_config, disclosure_mark, NULL),
	DH_TEXT(struct dh_avatar_config, disclosure_mark_at, "bottom-right"),
	DH_FLAG(struct dh_avatar_config, pingpong, 0),
	DH_NUMBER(struct dh_avatar_config, kbps, DH_KBPS_MIN, DH_KBPS_MAX, 800),
	DH_NUMBER(struct dh_avatar_config, kbps_2, 0, DH_KBPS_MAX, 0),
	DH_NUMBER(struct dh_avatar_config, kbps_3, 0, DH_KBPS_MAX, 0),
	DH_FLAG(struct dh_avatar_config, temporal, 0),
	DH_NUMBER(struct dh_avatar_config, entry_ms, 40, 10000, 500),
	DH_NUMBER(struct dh_avatar_config, fade_ms, 0, 1000, 0),
	DH_OPTIONS_END,
};

void dh_config_avatar_free(struct dh_avatar_config **avatar)
{
	struct dh_avatar_config *a = *avatar;

	*avatar = NULL;
	if (!a)
		return;
	dh_options_clear(avatar_options, a);
	g_free(a->name);
	g_free(a);
}

static int check_background(const char *category, const struct dh_avatar_config *avatar)
{
	bool is_clear = g_strcmp0(avatar->background, DH_BACKGROUND_CLEAR) == 0;

	if (avatar->background && *avatar->background != '/' && !dh_ingest_is_background(avatar->background))
		return dh_option_wrong(DH_CONFIG_FILE, category, "background",
			"a colour (\"#rrggbb\"), the path of a picture (\"/...\") or \"" DH_BACKGROUND_CLEAR
			"\" is expected");
	if (is_clear && avatar->height > DH_MATTE_HEIGHT_MAX)
		return dh_option_wrong(DH_CONFIG_FILE, category, "height",
			"at most 1144 is expected where the background is " DH_BACKGROUND_CLEAR);
	return 0;
}

static int check_mark(const char *category, const struct dh_avatar_config *avatar)
{
	enum dh_mark_at at;

	if (avatar->disclosure_mark && *avatar->disclosure_mark != '/')
		return dh_option_wrong(DH_CONFIG_FILE, category, "disclosure_mark",
			"the path of a picture (\"/...\") is expected");
	if (!dh_mark_at_parse(&at, avatar->disclosure_mark_at))
		return dh_option_wrong(DH_CONFIG_FILE, category, "disclosure_mark_at", DH_MARK_CORNERS " is expected");
	return 0;
}

static int check_qualities(const char *category, const struct dh_avatar_config *avatar)
{
	int kbps[DH_QUALITIES_MAX];

	dh_avatar_rates(avatar, kbps);
	if (dh_qualities_are_valid(kbps))
		return 0;
	return dh_option_wrong(DH_CONFIG_FILE, category, "kbps, kbps_2, kbps_3",
		"each is expected to be lower than the one before, from 50 on, or 0 behind the last");
}

struct dh_avatar_config *dh_config_avatar_read(const janus_config_container *category, const char *name)
{
	struct dh_avatar_config *avatar = g_new0(struct dh_avatar_config, 1);
	int err;

	avatar->name = g_strdup(name);
	dh_options_default(avatar_options, avatar);
	err = dh_options_read(DH_CONFIG_FILE, category, avatar_options, avatar);
	if (!err && (avatar->width % 2 || avatar->height % 2))
		err = dh_option_wrong(DH_CONFIG_FILE, category->name, "width, height", "even numbers are expected");
	if (!err && !avatar->idle && !avatar->portrait)
		err = dh_option_wrong(DH_CONFIG_FILE, category->name, "idle", "an idle clip or a portrait is needed");
	if (!err)
		err = check_background(category->name, avatar);
	if (!err)
		err = check_mark(category->name, avatar);
	if (!err)
		err = check_qualities(category->name, avatar);
	if (err)
		dh_config_avatar_free(&avatar);
	return avatar;
}
