/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "screen.h"

#include <string.h>

#include "playout/timebase.h"

static int64_t max(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

void dh_screen_begin(struct dh_screen *screen)
{
	*screen = (struct dh_screen){ .numbers = screen->numbers };
}

static void end_caption(struct dh_screen *screen, size_t i, int64_t at_ticks, const struct dh_screen_out *out)
{
	const struct dh_screen_caption ended = screen->shown[i];

	screen->count--;
	memmove(&screen->shown[i], &screen->shown[i + 1], (screen->count - i) * sizeof *screen->shown);
	out->ended(out->arg, &ended, at_ticks);
}

/* More of its words have come. */
static void grow(struct dh_screen *screen, size_t i, const struct dh_screen_play *play, int64_t at_ticks,
	const struct dh_screen_out *out)
{
	struct dh_screen_caption *shown = &screen->shown[i];
	struct dh_caption now;

	if (!shown->caption.is_open ||
		!dh_timed_text_caption(play->timed_text, play->script, shown->caption.first, play->is_complete, &now))
		return;
	bool has_grown = now.end != shown->caption.end;
	shown->caption = now;
	screen->next = now.end;
	if (has_grown)
		out->shown(out->arg, shown, at_ticks);
}

/* Its next word may just be late. */
static int64_t end_ticks(const struct dh_screen_caption *shown)
{
	return shown->caption.to_ticks + (shown->caption.is_open ? DH_CAPTION_PAUSE_MS * DH_TICKS_PER_MS : 0);
}

static void end_all(struct dh_screen *screen, int64_t reached_ticks, int64_t from_ticks,
	const struct dh_screen_out *out)
{
	for (size_t i = 0; i < screen->count;) {
		int64_t to_ticks = end_ticks(&screen->shown[i]);
		if (to_ticks > reached_ticks)
			i++;
		else
			end_caption(screen, i, max(to_ticks, from_ticks), out);
	}
}

/* When the next caption begins; INT64_MAX: it is not known. */
static int64_t next_caption_ticks(const struct dh_screen *screen, const struct dh_screen_play *play)
{
	struct dh_caption given;
	struct dh_script_word word;

	if (dh_timed_text_has_captions(play->timed_text))
		return dh_timed_text_caption(play->timed_text, NULL, screen->next, true, &given) ? given.from_ticks :
												   INT64_MAX;
	return dh_script_word(play->script, screen->next, &word) ? word.from_ticks : INT64_MAX;
}

static void show(struct dh_screen *screen, const struct dh_screen_play *play, int64_t reached_ticks, int64_t from_ticks,
	const struct dh_screen_out *out)
{
	while (next_caption_ticks(screen, play) < reached_ticks) {
		struct dh_screen_caption *shown = &screen->shown[screen->count];
		struct dh_caption caption;
		dh_timed_text_caption(play->timed_text, play->script, screen->next, play->is_complete, &caption);
		screen->next = caption.end;
		if (caption.to_ticks <= from_ticks || screen->count == DH_SCREEN_MAX)
			continue;
		*shown = (struct dh_screen_caption){ ++screen->numbers, caption };
		screen->count++;
		out->shown(out->arg, shown, max(caption.from_ticks, from_ticks));
		/* Its time may be less than a slot. */
		end_all(screen, reached_ticks, from_ticks, out);
	}
}

/* The next marker that has not been passed; false: there is none. */
static bool next_marker(const struct dh_screen *screen, const struct dh_screen_play *play, size_t *index,
	struct dh_marker *marker)
{
	size_t i = screen->next_marker;

	while (i < DH_MARKERS_MAX && screen->has_passed[i])
		i++;
	*index = i;
	return dh_timed_text_marker(play->timed_text, i, marker);
}

static void mark(struct dh_screen *screen, const struct dh_screen_play *play, int64_t reached_ticks, int64_t from_ticks,
	const struct dh_screen_out *out)
{
	struct dh_marker marker;
	size_t i;

	while (next_marker(screen, play, &i, &marker) && marker.at_ticks < reached_ticks) {
		screen->has_passed[i] = true;
		screen->next_marker = i + 1;
		out->marked(out->arg, marker.data, max(marker.at_ticks, from_ticks));
	}
}

void dh_screen_marker_added(struct dh_screen *screen, size_t index)
{
	memmove(&screen->has_passed[index + 1], &screen->has_passed[index],
		(DH_MARKERS_MAX - 1 - index) * sizeof *screen->has_passed);
	screen->has_passed[index] = false;
	if (index < screen->next_marker)
		screen->next_marker = index;
}

void dh_screen_hold(struct dh_screen *screen, int64_t at_ticks, const struct dh_screen_out *out)
{
	while (screen->count)
		end_caption(screen, 0, at_ticks, out);
	screen->was_held = true;
}

void dh_screen_advance(struct dh_screen *screen, const struct dh_screen_play *play, int64_t reached_ticks,
	int64_t slot_ticks, const struct dh_screen_out *out)
{
	int64_t from_ticks = max(reached_ticks - slot_ticks, 0);

	if (screen->was_held && reached_ticks == screen->reached_ticks)
		return;
	if (screen->was_held) {
		screen->was_held = false;
		screen->next = 0;
	} else if (reached_ticks < screen->reached_ticks) {
		while (screen->count)
			end_caption(screen, 0, from_ticks, out);
		screen->next = screen->next_marker = 0;
		memset(screen->has_passed, 0, sizeof screen->has_passed);
	}
	screen->reached_ticks = reached_ticks;
	for (size_t i = 0; i < screen->count; i++)
		grow(screen, i, play, from_ticks, out);
	end_all(screen, reached_ticks, from_ticks, out);
	show(screen, play, reached_ticks, from_ticks, out);
	mark(screen, play, reached_ticks, from_ticks, out);
}

int64_t dh_screen_next_ticks(const struct dh_screen *screen, const struct dh_screen_play *play)
{
	int64_t next_ticks = next_caption_ticks(screen, play);
	struct dh_marker marker;
	size_t index;

	for (size_t i = 0; i < screen->count; i++)
		if (end_ticks(&screen->shown[i]) < next_ticks)
			next_ticks = end_ticks(&screen->shown[i]);
	if (next_marker(screen, play, &index, &marker) && marker.at_ticks < next_ticks)
		next_ticks = marker.at_ticks;
	return next_ticks;
}
