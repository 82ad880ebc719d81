/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "settings.h"

struct dh_settings *dh_settings_new(const struct dh_settings *given)
{
	struct dh_settings *settings = g_new0(struct dh_settings, 1);

	*settings = *given;
	atomic_init(&settings->refs, 1);
	settings->description = g_strdup(given->description);
	settings->secret = g_strdup(given->secret);
	settings->pin = g_strdup(given->pin);
	settings->disclosure = g_strdup(given->disclosure);
	settings->metadata = given->metadata ? json_deep_copy(given->metadata) : json_object();
	settings->playlist = json_incref(given->playlist);
	settings->forwards = json_incref(given->forwards);
	return settings;
}

/* A new reference; NULL: there are none. */
static json_t *changed_forwards(const json_t *old, const struct dh_settings_change *change)
{
	json_t *forwards = json_array(), *record;
	size_t i;

	json_array_foreach(old, i, record) {
		if (record != change->no_forward)
			json_array_append(forwards, record);
	}
	if (change->forward)
		json_array_append(forwards, change->forward);
	if (json_array_size(forwards) > 0)
		return forwards;
	json_decref(forwards);
	return NULL;
}

struct dh_settings *dh_settings_changed(const struct dh_settings *old, const struct dh_settings_change *change)
{
	/* Not the whole struct: others may be counting references. */
	struct dh_settings given = {
		.description = old->description,
		.metadata = old->metadata,
		.secret = old->secret,
		.pin = old->pin,
		.disclosure = old->disclosure,
		.is_private = old->is_private,
		.signed_tokens = old->signed_tokens,
		.barge_in = old->barge_in,
		.playlist = old->playlist,
	};

	if (change->description)
		given.description = change->description;
	if (change->metadata)
		given.metadata = change->metadata;
	if (change->secret)
		given.secret = change->secret;
	if (change->pin)
		given.pin = *change->pin ? change->pin : NULL;
	if (change->disclosure)
		given.disclosure = *change->disclosure ? change->disclosure : NULL;
	if (change->is_private)
		given.is_private = json_is_true(change->is_private);
	if (change->playlist)
		given.playlist = json_is_null(change->playlist) ? NULL : change->playlist;
	const char *expected;
	if (change->barge_in)
		dh_barge_in_read(&given.barge_in, change->barge_in, "new_", &expected);
	given.forwards = changed_forwards(old->forwards, change);
	struct dh_settings *settings = dh_settings_new(&given);
	json_decref(given.forwards);
	return settings;
}

struct dh_settings *dh_settings_ref(struct dh_settings *settings)
{
	atomic_fetch_add(&settings->refs, 1);
	return settings;
}

void dh_settings_unref(struct dh_settings **settings)
{
	struct dh_settings *old = *settings;

	*settings = NULL;
	if (!old || atomic_fetch_sub(&old->refs, 1) != 1)
		return;
	json_decref(old->metadata);
	json_decref(old->playlist);
	json_decref(old->forwards);
	g_free((char *)old->description);
	g_free((char *)old->secret);
	g_free((char *)old->pin);
	g_free((char *)old->disclosure);
	g_free(old);
}
