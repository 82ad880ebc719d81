/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "barge_in.h"

#include <string.h>

#include <glib.h>

const struct dh_barge_in dh_barge_in_default = {
	.who = DH_FLOOR_ALL,
	.floor_ms = 60000,
	.floor_silence_ms = 15000,
};

static const char *const policies[] = {
	[DH_FLOOR_NOBODY] = "nobody",
	[DH_FLOOR_NAMED] = "named",
	[DH_FLOOR_ONE] = "one",
	[DH_FLOOR_ALL] = "all",
};

bool dh_floor_policy_parse(const char *name, enum dh_floor_policy *policy)
{
	for (size_t i = 0; i < G_N_ELEMENTS(policies); i++) {
		if (strcmp(name, policies[i]))
			continue;
		*policy = (enum dh_floor_policy)i;
		return true;
	}
	return false;
}

const char *dh_floor_policy_name(enum dh_floor_policy policy)
{
	return policies[policy];
}

const char *dh_barge_in_mode_name(bool holds)
{
	return holds ? "hold" : "interrupt";
}

bool dh_barge_in_mode_parse(const char *name, bool *holds)
{
	*holds = !strcmp(name, "hold");
	return *holds || !strcmp(name, "interrupt");
}

bool dh_barge_in_ms_is_valid(int64_t ms)
{
	return ms == 0 || (ms >= DH_BARGE_IN_MS_MIN && ms <= DH_BARGE_IN_MS_MAX);
}

static const json_t *field(const json_t *fields, const char *prefix, const char *name)
{
	char *whole = g_strconcat(prefix, name, NULL);
	const json_t *value = json_object_get(fields, whole);

	g_free(whole);
	return value;
}

static bool read_ms(const json_t *value, int64_t *ms)
{
	if (!value)
		return true;
	*ms = json_integer_value(value);
	return json_is_integer(value) && *ms >= 0 && *ms <= DH_FLOOR_MS_MAX;
}

const char *dh_barge_in_read(struct dh_barge_in *barge_in, const json_t *fields, const char *prefix,
	const char **expected)
{
	const json_t *who = field(fields, prefix, "barge_in_by"), *mode = field(fields, prefix, "barge_in_mode");

	*expected = "0, or 100 to 5000 milliseconds";
	if (!read_ms(field(fields, prefix, "barge_in"), &barge_in->after_ms) ||
		!dh_barge_in_ms_is_valid(barge_in->after_ms))
		return "barge_in";
	*expected = "\"interrupt\" or \"hold\"";
	if (mode && (!json_is_string(mode) || !dh_barge_in_mode_parse(json_string_value(mode), &barge_in->holds)))
		return "barge_in_mode";
	*expected = "\"nobody\", \"named\", \"one\" or \"all\"";
	if (who && (!json_is_string(who) || !dh_floor_policy_parse(json_string_value(who), &barge_in->who)))
		return "barge_in_by";
	*expected = "an integer from 0 to 86400000";
	if (!read_ms(field(fields, prefix, "floor_ms"), &barge_in->floor_ms))
		return "floor_ms";
	if (!read_ms(field(fields, prefix, "floor_silence_ms"), &barge_in->floor_silence_ms))
		return "floor_silence_ms";
	return NULL;
}

void dh_barge_in_describe(const struct dh_barge_in *barge_in, json_t *object)
{
	json_object_set_new(object, "barge_in", json_integer(barge_in->after_ms));
	json_object_set_new(object, "barge_in_mode", json_string(dh_barge_in_mode_name(barge_in->holds)));
	json_object_set_new(object, "barge_in_by", json_string(policies[barge_in->who]));
	json_object_set_new(object, "floor_ms", json_integer(barge_in->floor_ms));
	json_object_set_new(object, "floor_silence_ms", json_integer(barge_in->floor_silence_ms));
}
