/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "forwarding.h"

#include <errno.h>
#include <string.h>

#include "forward_record.h"
#include "ingest/log.h"

bool dh_forwarding_is_allowed(const struct dh_config *config, const char *host)
{
	for (char **allowed = config->forward_hosts; allowed && *allowed; allowed++) {
		if (!strcmp(*allowed, host))
			return true;
	}
	return !config->forward_hosts && (!strcmp(host, "127.0.0.1") || !strcmp(host, "::1"));
}

/* The count is raised before it is compared, so that two requests at a time do not pass the limit. */
static int begin(struct dh_instance *instance, struct dh_room *room, const struct dh_rtp_forward_config *config,
	json_t **reply)
{
	if (atomic_fetch_add(&instance->forwards, 1) >= instance->config->max_forwards) {
		atomic_fetch_sub(&instance->forwards, 1);
		return -EDQUOT;
	}
	return dh_room_rtp_forward(room, config, (int)instance->config->max_forwards_per_room, &instance->forwards,
		reply);
}

int dh_forwarding_begin(struct dh_instance *instance, struct dh_room *room, const json_t *forward, json_t *record,
	json_t **reply)
{
	struct dh_rtp_forward_config config = dh_forward_record_config(forward);

	config.record = record;
	return begin(instance, room, &config, reply);
}

static int begin_again(struct dh_instance *instance, struct dh_room *room, json_t *record, const char *host)
{
	struct dh_rtp_forward_config config = dh_forward_record_config(record);
	json_t *reply = NULL;

	config.record = record;
	config.begins_again = true;
	if (!dh_forwarding_is_allowed(instance->config, host))
		return -EPERM;
	int err = begin(instance, room, &config, &reply);
	json_decref(reply);
	return err;
}

static const char *say(int err)
{
	switch (-err) {
	case EPERM:
		return "it is none of \"forward_hosts\"";
	case EDQUOT:
		return "max_forwards is reached";
	case ENOBUFS:
		return "max_forwards_per_room is reached";
	case EINVAL:
		return "a numeric address is expected";
	case EKEYREJECTED:
		return "srtp_crypto: 30 bytes in base64 are expected";
	default:
		return g_strerror(-err);
	}
}

void dh_forwarding_begin_permanent(struct dh_instance *instance, struct dh_room *room)
{
	struct dh_settings *settings = dh_room_settings(room);
	size_t i;
	json_t *record;

	json_array_foreach(settings->forwards, i, record) {
		const char *host = json_string_value(json_object_get(record, "host"));
		int err = begin_again(instance, room, record, host);
		if (err)
			dh_log(DH_LOG_ERROR, "room %s: its forward to %s does not begin: %s", dh_room_facts(room)->id,
				host, say(err));
	}
	dh_settings_unref(&settings);
}

/* --- permanent changes */

static int change(struct dh_instance *instance, struct dh_room *room, json_t *old, json_t *new)
{
	const struct dh_settings_change change = { .forward = new, .no_forward = old };
	bool visible;

	return dh_instance_edit_room(instance, room, &change, true, &visible);
}

int dh_forwarding_keep(struct dh_instance *instance, struct dh_room *room, json_t *record)
{
	return change(instance, room, NULL, record);
}

int dh_forwarding_drop(struct dh_instance *instance, struct dh_room *room, json_t *record)
{
	return change(instance, room, record, NULL);
}

static int stop(struct dh_instance *instance, struct dh_room *room, guint id)
{
	json_t *record, *left = NULL;
	enum dh_media media;
	int err = dh_room_rtp_forward_record(room, id, &media, &record);

	if (!err && record) {
		left = dh_forward_record_without(record, media);
		err = change(instance, room, record, left);
	}
	if (!err)
		err = dh_room_stop_rtp_forward(room, id, left);
	json_decref(left);
	json_decref(record);
	return err;
}

int dh_forwarding_stop_for_good(struct dh_instance *instance, struct dh_room *room, guint id)
{
	g_mutex_lock(&instance->forwards_lock);
	int err = stop(instance, room, id);
	g_mutex_unlock(&instance->forwards_lock);
	return err;
}
