/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "avatar_config.h"

#include "prepare/job.h"

const char *dh_avatar_colour(const struct dh_avatar_config *config)
{
	return config->background && *config->background == '#' ? config->background : NULL;
}

const char *dh_avatar_background_name(const struct dh_avatar_config *config)
{
	if (!config->background)
		return DH_BACKGROUND;
	return *config->background == '#' ? config->background : "picture";
}

static void set_files(const struct dh_avatar_config *config, struct dh_ingest_source *source)
{
	if (source->kind == DH_INGEST_BACKGROUND) {
		source->names[source->count++] = config->background;
		return;
	}
	if (config->idle)
		source->names[source->count++] = config->idle;
	if (config->portrait)
		source->names[source->count++] = config->portrait;
}

void dh_avatar_source(const struct dh_avatar_config *config, enum dh_ingest_kind kind, struct dh_ingest_source *source)
{
	dh_ingest_source_init(source);
	source->kind = kind;
	source->width = (int)config->width;
	source->height = (int)config->height;
	source->kbps = (int)config->kbps;
	source->entry_ms = (int)config->entry_ms;
	source->pingpong = kind == DH_INGEST_IDLE && config->pingpong;
	source->background = kind == DH_INGEST_BACKGROUND ? NULL : dh_avatar_colour(config);
	set_files(config, source);
}
