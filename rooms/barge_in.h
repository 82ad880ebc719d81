/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a viewer's voice does to a room, as configured: part of its settings. */
#ifndef DH_BARGE_IN_H
#define DH_BARGE_IN_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

/* Whose voice. */
enum dh_floor_policy {
	DH_FLOOR_NOBODY,
	DH_FLOOR_NAMED, /* one viewer's, that the room's secret has named */
	DH_FLOOR_ONE,   /* the same, or, while nobody has been named, of who comes first */
	DH_FLOOR_ALL,
};

#define DH_BARGE_IN_MS_MIN 100
#define DH_BARGE_IN_MS_MAX 5000
#define DH_FLOOR_MS_MAX    86400000

struct dh_barge_in {
	int64_t after_ms; /* of voice it interrupts; 0: never */
	bool holds;       /* it puts the room on hold instead */
	enum dh_floor_policy who;
	int64_t floor_ms;         /* how long one viewer has the floor; 0: for ever */
	int64_t floor_silence_ms; /* after so long a silence it is over; 0: for ever */
};

extern const struct dh_barge_in dh_barge_in_default;

/* "nobody", "named", "one" or "all". */
bool dh_floor_policy_parse(const char *name, enum dh_floor_policy *policy);
const char *dh_floor_policy_name(enum dh_floor_policy policy);
/* "interrupt" or "hold". */
bool dh_barge_in_mode_parse(const char *name, bool *holds);
const char *dh_barge_in_mode_name(bool holds);
/* 0, or DH_BARGE_IN_MS_MIN to DH_BARGE_IN_MS_MAX. */
bool dh_barge_in_ms_is_valid(int64_t ms);

/* Takes from `fields`, an object, what it has of "barge_in", "barge_in_mode", "barge_in_by", "floor_ms" and
 * "floor_silence_ms", each with `prefix` before its name. NULL, or the name of a field that is wrong, with
 * *expected: what it should be. Both are static, without the prefix. */
const char *dh_barge_in_read(struct dh_barge_in *barge_in, const json_t *fields, const char *prefix,
	const char **expected);
/* Sets the same fields of `object`. */
void dh_barge_in_describe(const struct dh_barge_in *barge_in, json_t *object);

#endif
