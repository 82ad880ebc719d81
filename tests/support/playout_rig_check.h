/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What tests that use a rig have in common. */
#ifndef RIG_CHECK_H
#define RIG_CHECK_H

#include "tests/support/check.h"
#include "tests/support/playout_rig.h"

static const int64_t start = 1000 * DH_TICKS_PER_SECOND + 4711;
static struct rig rig;

/* Speech of 1 s at 25 fps; all use the anchor 'i'. */
/* clang-format off */
#define SPEECH(name, letter) { name, letter, 'i', 1000, 25, 1, 10, 1000, -1 }
/* clang-format on */

static void check_viewers(void)
{
	for (int i = 0; i < rig.viewer_count; i++) {
		const struct rig_viewer *v = rig.viewers[i];
		CHECK(!v->wrong, "viewer %d: %s", i, v->why);
		CHECK_INT(v->broken, 0);
	}
}

/* Runs on, then checks every viewer and frees everything. */
static void finish_after(int64_t ms)
{
	rig_run(&rig, rig.now + ms * MS);
	check_viewers();
	rig_close(&rig);
}

__attribute__((unused)) static int64_t media_ms(int64_t ms)
{
	return start + ms * MS;
}

#endif
