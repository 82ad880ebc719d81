/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "avatar_config.h"

#include "playout/mark.h"
#include "playout/matte.h"
#include "prepare/job.h"

/* Of a mark only one picture is of use. */
#define MARK_MS 40

const char *dh_avatar_plain_background(const struct dh_avatar_config *config)
{
	return config->background && *config->background != '/' ? config->background : NULL;
}

const char *dh_avatar_clip_path(const struct dh_avatar_config *config, enum dh_stance stance)
{
	switch (stance) {
	case DH_STANCE_LISTENING:
		return config->listening;
	case DH_STANCE_THINKING:
		return config->thinking;
	case DH_STANCE_SPEAKING:
		return config->speaking;
	default:
		return NULL;
	}
}

const char *dh_avatar_background_name(const struct dh_avatar_config *config)
{
	if (!config->background)
		return DH_BACKGROUND;
	return *config->background != '/' ? config->background : "picture";
}

void dh_avatar_rates(const struct dh_avatar_config *config, int kbps[DH_QUALITIES_MAX])
{
	kbps[0] = (int)config->kbps;
	kbps[1] = (int)config->kbps_2;
	kbps[2] = (int)config->kbps_3;
}

static void set_files(const struct dh_avatar_config *config, struct dh_ingest_source *source)
{
	if (source->kind == DH_INGEST_BACKGROUND) {
		source->names[source->count++] = config->background;
		return;
	}
	if (source->kind == DH_INGEST_MARK) {
		source->names[source->count++] = config->disclosure_mark;
		return;
	}
	if (config->idle)
		source->names[source->count++] = config->idle;
	if (config->portrait)
		source->names[source->count++] = config->portrait;
}

void dh_avatar_source_mark(const struct dh_avatar_config *config, struct dh_ingest_source *source)
{
	source->has_mark = config->disclosure_mark != NULL;
	if (config->disclosure_mark_at)
		dh_mark_at_parse(&source->mark_at, config->disclosure_mark_at);
}

void dh_avatar_source(const struct dh_avatar_config *config, enum dh_ingest_kind kind, struct dh_ingest_source *source)
{
	dh_ingest_source_init(source);
	source->kind = kind;
	source->width = (int)config->width;
	source->height = (int)config->height;
	source->kbps = (int)config->kbps;
	source->kbps_2 = (int)config->kbps_2;
	source->kbps_3 = (int)config->kbps_3;
	source->entry_ms = (int)config->entry_ms;
	source->temporal = config->temporal != 0;
	source->pingpong = kind == DH_INGEST_IDLE && config->pingpong;
	if (kind == DH_INGEST_MARK)
		source->portrait_ms = MARK_MS;
	if (kind != DH_INGEST_BACKGROUND && kind != DH_INGEST_MARK)
		source->background = dh_avatar_plain_background(config);
	if (kind != DH_INGEST_BACKGROUND)
		dh_avatar_source_mark(config, source);
	set_files(config, source);
}

const char *dh_avatar_misfit(const struct dh_avatar_config *config, const struct dh_stream_head *head)
{
	struct dh_ingest_source source;

	dh_avatar_source(config, DH_INGEST_IDLE, &source);
	const char *misfit = dh_ingest_source_misfit(&source, head);
	if (!misfit && (head->width != source.width || head->height != dh_ingest_source_coded_height(&source)))
		misfit = "the idle clip has another size than the avatar";
	return misfit;
}

static void describe_size(const struct dh_avatar_config *config, json_t *json)
{
	json_object_set_new(json, "width", json_integer(config->width));
	json_object_set_new(json, "height", json_integer(config->height));
}

void dh_avatar_describe(const struct dh_avatar_config *config, json_t *json)
{
	describe_size(config, json);
	if (config->disclosure_mark)
		json_object_set_new(json, "disclosure_mark", json_true());
	dh_avatar_describe_matte(config, json);
}

void dh_avatar_describe_matte(const struct dh_avatar_config *config, json_t *json)
{
	int height = (int)config->height;

	if (g_strcmp0(config->background, DH_BACKGROUND_CLEAR) != 0)
		return;
	describe_size(config, json);
	json_object_set_new(json, "matte", json_string("below"));
	json_object_set_new(json, "matte_top", json_integer(dh_matte_top(height)));
	json_object_set_new(json, "coded_height", json_integer(dh_matte_coded_height(height)));
}

void dh_avatar_describe_qualities(const struct dh_avatar_config *config, json_t *json)
{
	int kbps[DH_QUALITIES_MAX];

	dh_avatar_rates(config, kbps);
	if (config->temporal)
		json_object_set_new(json, "temporal", json_true());
	if (dh_qualities_count(kbps) == 1)
		return;
	json_object_set_new(json, "qualities", json_array());
	for (int q = 0; q < dh_qualities_count(kbps); q++)
		json_array_append_new(json_object_get(json, "qualities"), json_integer(kbps[q]));
}
