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

static int make(struct dh_instance *instance, struct dh_room *room, const struct dh_rtp_forward_config *config,
	struct dh_rtp_forward **forward)
{
	*forward = NULL;
	if (!dh_instance_take_place(&instance->forwards, instance->config->max_forwards))
		return -EDQUOT;
	int err = dh_rtp_forward_alloc(forward, config, &instance->forwards);
	if (!err && dh_room_rtp_forward_count(room) >= instance->config->max_forwards_per_room) {
		dh_rtp_forward_free(forward);
		err = -EUSERS;
	}
	return err;
}

int dh_forwarding_make(struct dh_instance *instance, struct dh_room *room, const json_t *body, json_t *record,
	struct dh_rtp_forward **forward)
{
	struct dh_rtp_forward_config config = dh_forward_record_config(body);

	config.record = record;
	return make(instance, room, &config, forward);
}

struct begin {
	struct dh_rtp_forward **forward;
	int max;
	json_t **reply;
};

/* Others may have begun meanwhile. */
static int begin(struct dh_room *room, void *arg)
{
	const struct begin *b = arg;
	int err = dh_room_rtp_forward(room, b->forward, b->max, b->reply);

	return err == -ENOBUFS ? -EUSERS : err;
}

int dh_forwarding_begin(struct dh_instance *instance, struct dh_room *room, json_t *record,
	struct dh_rtp_forward **forward, json_t **reply)
{
	const struct dh_settings_change change = { .forward = record };
	struct begin b = { forward, (int)instance->config->max_forwards_per_room, reply };
	int err = record ? dh_instance_edit_room_with(instance, room, &change, begin, &b) : begin(room, &b);

	dh_rtp_forward_free(forward);
	return err;
}

static int begin_again(struct dh_instance *instance, struct dh_room *room, json_t *record, const char *host)
{
	struct dh_rtp_forward_config config = dh_forward_record_config(record);
	struct dh_rtp_forward *forward;
	json_t *reply = NULL;

	config.record = record;
	config.begins_again = true;
	if (!dh_forwarding_is_allowed(instance->config, host))
		return -EPERM;
	int err = make(instance, room, &config, &forward);
	if (!err) /* it is kept already */
		err = dh_forwarding_begin(instance, room, NULL, &forward, &reply);
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
	case EUSERS:
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

/* --- ending */

struct stop {
	guint id;
	json_t *left;
};

static int stop(struct dh_room *room, void *arg)
{
	const struct stop *s = arg;

	return dh_room_stop_rtp_forward(room, s->id, s->left);
}

static int stop_permanent(struct dh_instance *instance, struct dh_room *room, guint id, json_t *record,
	enum dh_media media)
{
	struct stop s = { id, dh_forward_record_without(record, media) };
	const struct dh_settings_change change = { .forward = s.left, .no_forward = record };
	int err = dh_instance_edit_room_with(instance, room, &change, stop, &s);

	json_decref(s.left);
	return err;
}

int dh_forwarding_stop_for_good(struct dh_instance *instance, struct dh_room *room, guint id)
{
	enum dh_media media;
	json_t *record;

	g_mutex_lock(&instance->forwards_lock);
	int err = dh_room_rtp_forward_record(room, id, &media, &record);
	if (!err)
		err = record ? stop_permanent(instance, room, id, record, media) :
			       dh_room_stop_rtp_forward(room, id, NULL);
	g_mutex_unlock(&instance->forwards_lock);
	json_decref(record);
	return err;
}
