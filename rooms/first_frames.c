/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "first_frames.h"

#include <stdatomic.h>

/* Upper edges of the buckets; the last one has none. */
static const int edges_ms[] = { 20, 40, 60, 100, 200, 400, 700, 1000, 2000, 5000, 10000 };

#define BUCKETS (G_N_ELEMENTS(edges_ms) + 1)

struct histogram {
	_Atomic uint64_t counts[BUCKETS];
	_Atomic uint64_t sum_ms;
};

struct source {
	char *name; /* NULL: files, or pushes */
	enum dh_first_kind kind;
	_Atomic uint64_t segments;
	struct histogram total, steps[DH_FIRST_STEPS]; /* steps: the time from the one before */
};

struct dh_first_frames {
	size_t count;
	struct source sources[];
};

struct dh_first_frames *dh_first_frames_new(const char *const *generators, size_t count)
{
	struct dh_first_frames *new = g_malloc0(sizeof(*new) + (count + 2) * sizeof(struct source));

	new->count = count + 2;
	new->sources[0].kind = DH_FIRST_FILE;
	new->sources[1].kind = DH_FIRST_PUSH;
	for (size_t i = 0; i < count; i++) {
		new->sources[i + 2].kind = DH_FIRST_GENERATOR;
		new->sources[i + 2].name = g_strdup(generators[i]);
	}
	return new;
}

void dh_first_frames_free(struct dh_first_frames **frames)
{
	struct dh_first_frames *old = *frames;

	*frames = NULL;
	for (size_t i = 0; old && i < old->count; i++)
		g_free(old->sources[i].name);
	g_free(old);
}

/* --- counting */

static struct source *find(struct dh_first_frames *frames, enum dh_first_kind kind, const char *generator)
{
	for (size_t i = 0; i < frames->count; i++) {
		struct source *source = &frames->sources[i];
		if (source->kind == kind && (kind != DH_FIRST_GENERATOR || !g_strcmp0(source->name, generator)))
			return source;
	}
	return NULL;
}

static void count(struct histogram *histogram, int64_t ms)
{
	size_t bucket = 0;

	ms = MAX(ms, 0); /* a step that is reported a moment late */
	while (bucket < BUCKETS - 1 && ms > edges_ms[bucket])
		bucket++;
	atomic_fetch_add_explicit(&histogram->counts[bucket], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&histogram->sum_ms, (uint64_t)ms, memory_order_relaxed);
}

void dh_first_frames_add(struct dh_first_frames *frames, enum dh_first_kind kind, const char *generator,
	const int64_t ms[DH_FIRST_STEPS])
{
	struct source *source = find(frames, kind, generator);
	int64_t last_ms = ms[DH_FIRST_ASKED];

	if (!source)
		return;
	for (int i = DH_FIRST_BEGUN; i < DH_FIRST_STEPS; i++) {
		if (ms[i] < 0)
			continue;
		count(&source->steps[i], ms[i] - last_ms);
		last_ms = MAX(last_ms, ms[i]);
	}
	count(&source->total, last_ms - ms[DH_FIRST_ASKED]);
	atomic_fetch_add_explicit(&source->segments, 1, memory_order_relaxed);
}

/* --- showing */

static json_t *number(const _Atomic uint64_t *value)
{
	return json_integer((json_int_t)atomic_load_explicit(value, memory_order_relaxed));
}

static json_t *histogram_json(const struct histogram *histogram)
{
	json_t *counts = json_array();

	for (size_t i = 0; i < BUCKETS; i++)
		json_array_append_new(counts, number(&histogram->counts[i]));
	return json_pack("{s:o, s:o}", "counts", counts, "sum_ms", number(&histogram->sum_ms));
}

static json_t *source_json(const struct source *source)
{
	static const char *const kinds[] = { "files", "pushes", "generator" };
	static const char *const names[] = { NULL, "begun", "first_byte", "first_unit", "ready", "first_packet" };
	json_t *steps = json_object();

	for (int i = DH_FIRST_BEGUN; i < DH_FIRST_STEPS; i++)
		json_object_set_new(steps, names[i], histogram_json(&source->steps[i]));
	json_t *json = json_pack("{s:s, s:o, s:o, s:o}", "source", kinds[source->kind], "segments",
		number(&source->segments), "total", histogram_json(&source->total), "steps", steps);
	if (source->name)
		json_object_set_new(json, "generator", json_string(source->name));
	return json;
}

json_t *dh_first_frames_json(const struct dh_first_frames *frames)
{
	json_t *edges = json_array(), *sources = json_array();

	for (size_t i = 0; i < G_N_ELEMENTS(edges_ms); i++)
		json_array_append_new(edges, json_integer(edges_ms[i]));
	for (size_t i = 0; i < frames->count; i++)
		if (atomic_load_explicit(&frames->sources[i].segments, memory_order_relaxed) > 0)
			json_array_append_new(sources, source_json(&frames->sources[i]));
	return json_pack("{s:o, s:o}", "le_ms", edges, "sources", sources);
}
