/* SPDX-License-Identifier: GPL-3.0-or-later */
/* 100,000 random requests, arrivals, stalls and failures under a fake clock, against a model
 * that gets every event. DH_SEED is the seed. */
#include "tests/support/order_model.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define STEPS      100000
#define MODELS_MAX (STEPS + 1)
#define LIVE_MAX   24
#define UTTERANCES 12 /* names in use at a time */
#define MAX_QUEUE  30
#define TIMEOUT_MS 700

/* Segments that are still being made. */
static struct live {
	struct rig_segment spec;
	char id[16];
	int known_ms;
} live[LIVE_MAX];
static int live_count;

static unsigned dice(unsigned sides)
{
	return (unsigned)rand() % sides;
}

/* --- doing things */

static const struct {
	int video_ms, num, den, audio_ms;
	char anchor;
} kinds[] = { { 1000, 25, 1, 1000, 'i' }, { 700, 33, 1, 720, 'i' }, { 1500, 30000, 1001, 1200, 'x' },
	{ 0, 25, 1, 900, 'i' }, { 500, 25, 1, 0, 'i' }, { 40, 25, 1, 40, 'y' } };

static int base_utterance;

static struct dh_order random_order(void)
{
	struct dh_order order = { .priority = dice(8) ? DH_PRIORITY_NORMAL : (enum dh_priority)((int)dice(3) - 1),
		.ttl_ticks = dice(10) ? 0 : (1 + dice(4000)) * MS,
		.repeat = dice(10) ? 0 : (int)dice(4),
		.underrun = (enum dh_underrun)dice(3),
		.preroll_ticks = dice(6) ? 0 : (1 + dice(600)) * MS };
	if (dice(2))
		return order;
	base_utterance += dice(20) == 0;
	snprintf(order.utterance, sizeof order.utterance, "u%u", base_utterance + dice(UTTERANCES));
	order.index = dice(3) ? (int64_t)dice(5) : -1;
	order.is_last = dice(6) == 0;
	return order;
}

static const char *some_id(void)
{
	static char id[16];
	snprintf(id, sizeof id, "s%d", model_count ? model_count - 1 - (int)dice(40) : 0);
	return id;
}

static void enqueue_by_chance(void)
{
	struct model *m = &models[model_count];
	struct dh_order order = random_order();
	char other[16];
	int k = (int)dice(6);
	bool is_live = live_count < LIVE_MAX && dice(2);
	snprintf(m->id, sizeof m->id, "s%d", model_count);
	snprintf(other, sizeof other, "%s", some_id());
	const struct dh_place place = { dice(2) ? other : NULL, dice(2) ? other : NULL };
	struct rig_segment spec = { m->id, (char)('a' + model_count % 8), kinds[k].anchor, kinds[k].video_ms,
		kinds[k].num, kinds[k].den, 1 + (int)dice(12), kinds[k].audio_ms, is_live ? (int)dice(300) : -1 };
	order.source = is_live ? (int)dice(DH_SOURCES_MAX) : 0;
	m->ttl_ticks = order.ttl_ticks;
	m->repeat = order.repeat;
	m->underrun = order.underrun;
	snprintf(m->utterance, sizeof m->utterance, "%.15s", order.utterance);
	int waiting = 0;
	while (dh_playout_waiting(rig.playout, (size_t)waiting))
		waiting++;
	model_count++;
	int err = rig_order(&rig, &spec, &order, dice(4) ? NULL : &place);
	if (err) {
		CHECK(!m->is_queued, "%s was refused", m->id);
		CHECK(err != -ENOBUFS || waiting >= MAX_QUEUE);
		model_count--;
		memset(m, 0, sizeof *m);
		return;
	}
	CHECK(m->is_queued, "%s", m->id);
	if (!is_live || m->is_ended)
		return;
	struct live *l = &live[live_count++];
	*l = (struct live){ .spec = spec, .known_ms = spec.known_ms };
	snprintf(l->id, sizeof l->id, "%s", m->id);
}

/* Another segment says what this one, which fails, has not said. */
static void say_on(const struct dh_segment *failed)
{
	const struct model *before = model_of(failed);
	struct model *m = &models[model_count];
	int k = (int)dice(6);
	snprintf(m->id, sizeof m->id, "s%d", model_count);
	snprintf(m->utterance, sizeof m->utterance, "%s", before->utterance);
	m->underrun = before->underrun;
	m->repeat = before->is_started ? 0 : before->repeat;
	m->is_rest = true;
	const struct rig_segment spec = { m->id, (char)('a' + model_count % 8), kinds[k].anchor, kinds[k].video_ms,
		kinds[k].num, kinds[k].den, 1 + (int)dice(12), kinds[k].audio_ms, -1 };
	struct dh_segment *rest = rig_segment(&spec);
	model_count++;
	int err = dh_playout_enqueue_rest(rig.playout, rest, failed);
	if (err) {
		CHECK_INT(err, -ECANCELED);
		CHECK(!m->is_queued, "%s was refused", m->id);
		dh_segment_free(&rest);
		memset(m, 0, sizeof *m);
		model_count--;
		return;
	}
	CHECK(m->is_queued, "%s", m->id);
	if (before->ttl_ticks && !before->is_started)
		m->ttl_ticks = before->queued_ticks + before->ttl_ticks - m->queued_ticks;
	seen.rests++;
	dh_playout_filled(rig.playout, rest);
}

static void arrive_by_chance(void)
{
	if (!live_count)
		return;
	struct live *l = &live[dice((unsigned)live_count)];
	struct dh_segment *segment;
	bool is_over = dice(12) == 0;
	l->spec.id = l->id;
	dh_playout_poll(rig.playout, rig.now);
	segment = dh_playout_find(rig.playout, l->id);
	if (segment && dice(60) == 0) {
		if (dice(2))
			say_on(segment);
		dh_segment_fail(segment, 4, "it broke");
		dh_playout_filled(rig.playout, segment);
		is_over = true;
	} else {
		l->known_ms += (int)dice(400);
		rig_arrive(&rig, &l->spec, is_over ? -1 : l->known_ms);
	}
	if (is_over || !segment)
		*l = live[--live_count];
}

/* Returns how many segments are to have ended. */
static int cut_by_chance(const char *id, const char *name)
{
	const struct dh_cut cut = { .mode = (enum dh_cut_mode)dice(4),
		.segment = dice(3) ? NULL : id,
		.utterance = dice(3) ? NULL : name,
		.has_priority = dice(4) == 0,
		.priority = (enum dh_priority)((int)dice(3) - 1),
		.word_end_ticks = dice(2000) * MS,
		.word_ticks = dice(1000) * MS };
	struct dh_cut_result result;
	bool was_ahead = dh_playout_is_cut_ahead(rig.playout);
	if (!cut.segment && !cut.utterance && !cut.has_priority && dice(8))
		return 0;
	if (dh_playout_begin_cut(rig.playout, &cut, &result))
		return 0;
	while (dh_playout_continue_cut(rig.playout))
		;
	return result.dropped - (dh_playout_is_cut_ahead(rig.playout) && (!was_ahead || result.cut_ticks >= 0));
}

static void hold_by_chance(void)
{
	if (dice(2))
		dh_playout_hold(rig.playout, dice(2000) * MS);
	else
		dh_playout_resume(rig.playout, dice(2) ? -1 : (int64_t)dice(2000) * MS);
}

static void command_by_chance(void)
{
	char id[16], name[16], other[16];
	dh_playout_poll(rig.playout, rig.now);
	snprintf(id, sizeof id, "%s", some_id());
	snprintf(other, sizeof other, "%s", some_id());
	snprintf(name, sizeof name, "u%u", base_utterance + dice(UTTERANCES));
	const struct dh_place place = { dice(2) ? other : NULL, dice(2) ? other : NULL };
	int ends[2] = { 0 }, count = 0;
	for (int type = DH_EVENT_FINISHED; type <= DH_EVENT_FAILED; type++)
		ends[0] += seen.ends[type];
	switch (dice(11)) {
	case 9:
		count = cut_by_chance(id, name);
		break;
	case 10:
		hold_by_chance();
		break;
	case 0:
		count = dh_playout_skip(rig.playout) == 0;
		break;
	case 1:
	case 2:
		count = dh_playout_remove(rig.playout, id) == 0;
		break;
	case 3:
		count = dh_playout_remove_utterance(rig.playout, name);
		count = count < 0 ? 0 : count;
		break;
	case 4:
		if (dice(8) == 0)
			count = dh_playout_interrupt(rig.playout);
		break;
	default:
		dh_playout_move(rig.playout, id, &place);
	}
	for (int type = DH_EVENT_FINISHED; type <= DH_EVENT_FAILED; type++)
		ends[1] += seen.ends[type];
	CHECK_INT(ends[1] - ends[0], count);
}

static void watch_by_chance(void)
{
	if (rig.viewer_count < RIG_VIEWERS_MAX && (dice(140) == 0 || !rig.viewer_count)) {
		rig_join(&rig, NULL);
		return;
	}
	if (!rig.viewer_count)
		return;
	struct rig_viewer *v = rig.viewers[dice((unsigned)rig.viewer_count)];
	if (!v->viewer)
		return;
	if (dice(100) == 0) {
		rig_leave(&rig, v);
		v->viewer = NULL;
	} else if (dice(3)) {
		dh_playout_viewer_pli(rig.playout, v->viewer, rig.now);
	} else {
		dh_playout_viewer_pause(rig.playout, v->viewer, dice(2));
	}
}

static void check_limits(void)
{
	size_t count = 0, playing = dh_playout_playing(rig.playout, NULL) != NULL;
	enum dh_priority last = DH_PRIORITY_URGENT;
	for (; dh_playout_waiting(rig.playout, count); count++) {
		const struct dh_order *order = dh_segment_order(dh_playout_waiting(rig.playout, count));
		CHECK(order->priority <= last, "the queue is not in order");
		last = order->priority;
	}
	CHECK(count <= MAX_QUEUE);
	size_t open = 0;
	for (int i = model_count > 400 ? model_count - 400 : 0; i < model_count; i++)
		open += !models[i].is_ended;
	/* Nothing is lost: what has not ended plays or waits. */
	CHECK(open <= count + playing);
	dh_playout_poll(rig.playout, rig.now);
	CHECK(dh_playout_deadline_ticks(rig.playout) > rig.now, "it wants to be woken for nothing");
}

static void step(void)
{
	rig_run(&rig, rig.now + dice(140) * MS + dice(720));
	if (dice(200) == 0)
		rig_stall(&rig, dice(1500) * MS);
	switch (dice(12)) {
	case 0:
	case 1:
		enqueue_by_chance();
		break;
	case 2:
		command_by_chance();
		break;
	case 4:
		if (dh_playout_is_on_hold(rig.playout) && dice(3) == 0)
			hold_by_chance();
		break;
	case 3:
		watch_by_chance();
		break;
	default:
		arrive_by_chance();
	}
}

static void end_all(void)
{
	dh_playout_poll(rig.playout, rig.now);
	dh_playout_interrupt(rig.playout);
	rig_run(&rig, rig.now + 5000 * MS);
	for (int i = 0; i < model_count; i++)
		CHECK(models[i].is_ended, "%s has no end", models[i].id);
	CHECK(!seen.playing && !seen.is_speaking);
	/* Everything happened. */
	for (int type = DH_EVENT_FINISHED; type <= DH_EVENT_FAILED; type++)
		CHECK(seen.ends[type] > 50, "end %d: %d", type, seen.ends[type]);
	for (int reason = DH_REASON_LATE; reason <= DH_REASON_PRIORITY; reason++)
		CHECK(seen.reasons[reason] > 50, "reason %d: %d", reason, seen.reasons[reason]);
	CHECK(seen.rests > 50, "%d", seen.rests);
	CHECK(seen.ends[DH_EVENT_HOLDING] > 50 && seen.ends[DH_EVENT_RESUMING] > 50);
	CHECK(seen.ends[DH_EVENT_MISSING] > 50, "%d", seen.ends[DH_EVENT_MISSING]);
	CHECK(seen.ends[DH_EVENT_HIGH_WATER] > 5 && seen.ends[DH_EVENT_LOW_WATER] > 5, "%d, %d",
		seen.ends[DH_EVENT_HIGH_WATER], seen.ends[DH_EVENT_LOW_WATER]);
}

static void test_random(void)
{
	const char *given = getenv("DH_SEED");
	unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : 12;
	struct dh_playout_config config;
	printf("   seed %u\n", seed);
	srand(seed);
	models = calloc(MODELS_MAX, sizeof *models);
	dh_playout_config_init(&config);
	config.max_queue = MAX_QUEUE;
	config.index_timeout_ticks = TIMEOUT_MS * MS;
	config.low_water_ticks = 2000 * MS;
	config.high_water_ticks = 9000 * MS;
	rig_open_idle(&rig, &config, start);
	rig.on_event = see;
	rig_fades(true);
	for (int i = 0; i < STEPS; i++) {
		step();
		if (i % 16 == 0)
			check_limits();
	}
	end_all();
	printf("   %d segments in %d s, %llu packets\n", model_count, (int)((rig.now - start) / (1000 * MS)),
		(unsigned long long)rig.packets);
	free(models);
	finish_after(0);
}

static const struct check_test tests[] = {
	TEST(test_random),
};

int main(int argc, char **argv)
{
	return CHECK_MAIN(argc, argv, tests);
}
