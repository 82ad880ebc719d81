/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "segment.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "preroll.h"
#include "timebase.h"
#include "unit_list.h"

enum ending { RUNNING = 0, COMPLETE, FAILED };

struct dh_segment {
	char id[DH_SEGMENT_ID_MAX + 1];
	char asked[DH_SEGMENT_ID_MAX + 1];
	void *user;
	struct dh_order order;
	int64_t expiry_ticks;
	struct dh_arrivals *arrivals; /* NULL: they are not noted */
	bool open, ready, partial;
	enum ending ending;
	struct dh_stream_head head;
	struct dh_unit *anchor, *lead; /* lead NULL: none */
	struct dh_unit_list units[2];  /* by enum dh_media */
	int64_t known_ticks;           /* pts of the newest unit */
	int64_t kept_ticks;            /* it can be played from here on */
	size_t seen, entry;            /* pictures before `seen` are no longer needed, but from `entry` on */
	struct dh_stream_end end;
	size_t bytes;
	int error_code;
	char error[DH_STREAM_TEXT_MAX + 1];
};

int dh_segment_alloc(struct dh_segment **segment, const char *id, void *user)
{
	size_t length = id ? strlen(id) : 0;
	if (length < 1 || length > DH_SEGMENT_ID_MAX)
		return -EINVAL;
	struct dh_segment *s = calloc(1, sizeof *s);
	if (!s)
		return -ENOMEM;
	memcpy(s->id, id, length);
	memcpy(s->asked, id, length);
	s->user = user;
	s->expiry_ticks = INT64_MAX;
	*segment = s;
	return 0;
}

void dh_segment_free(struct dh_segment **segment)
{
	struct dh_segment *s = *segment;
	*segment = NULL;
	if (!s)
		return;
	for (int m = 0; m < 2; m++)
		dh_unit_list_clear(&s->units[m]);
	dh_unit_unref(&s->anchor);
	dh_unit_unref(&s->lead);
	free(s->arrivals);
	free(s);
}

bool dh_segment_drop(struct dh_segment *segment, size_t count)
{
	for (int m = 0; m < 2; m++)
		count -= dh_unit_list_drop(&segment->units[m], count);
	return !dh_unit_list_kept(&segment->units[DH_AUDIO]) && !dh_unit_list_kept(&segment->units[DH_VIDEO]);
}

const char *dh_segment_id(const struct dh_segment *segment)
{
	return segment->id;
}

void *dh_segment_user(const struct dh_segment *segment)
{
	return segment->user;
}

void dh_segment_set_asked(struct dh_segment *segment, const char *id)
{
	snprintf(segment->asked, sizeof segment->asked, "%s", id);
}

const char *dh_segment_asked(const struct dh_segment *segment)
{
	return segment->asked;
}

void dh_segment_set_order(struct dh_segment *segment, const struct dh_order *order)
{
	segment->order = *order;
}

const struct dh_order *dh_segment_order(const struct dh_segment *segment)
{
	return &segment->order;
}

void dh_segment_set_expiry(struct dh_segment *segment, int64_t media_ticks)
{
	segment->expiry_ticks = media_ticks;
}

int64_t dh_segment_expiry_ticks(const struct dh_segment *segment)
{
	return segment->expiry_ticks;
}

int dh_segment_follow_arrivals(struct dh_segment *segment)
{
	if (!segment->arrivals)
		segment->arrivals = calloc(1, sizeof *segment->arrivals);
	return segment->arrivals ? 0 : -ENOMEM;
}

struct dh_arrivals *dh_segment_arrivals(const struct dh_segment *segment)
{
	return segment->arrivals;
}

int dh_segment_open(struct dh_segment *segment, const struct dh_stream_head *head, struct dh_unit *anchor)
{
	if (segment->open || segment->ending != RUNNING || !head->has_video != !anchor ||
		(!head->has_video && !head->has_audio))
		return -EINVAL;
	segment->head = *head;
	if (anchor)
		segment->anchor = dh_unit_ref(anchor);
	segment->open = true;
	return 0;
}

void dh_segment_share_anchor(struct dh_segment *segment, struct dh_unit *anchor)
{
	if (!segment->anchor || segment->anchor == anchor || !dh_unit_same_bytes(segment->anchor, anchor))
		return;
	dh_unit_unref(&segment->anchor);
	segment->anchor = dh_unit_ref(anchor);
}

/* The timeline relies on this order. */
static bool may_follow(const struct dh_segment *segment, const struct dh_unit *unit)
{
	const struct dh_unit_list *units = &segment->units[unit->media];
	if (unit->pts_ticks < segment->known_ticks)
		return false;
	if (unit->media == DH_AUDIO)
		return segment->head.has_audio && unit->pts_ticks == (int64_t)units->count * DH_SLOT_TICKS;
	if (!segment->head.has_video)
		return false;
	if (!units->count)
		return (unit->flags & DH_UNIT_ENTRY) != 0;
	return unit->pts_ticks - dh_unit_list_at(units, units->count - 1)->pts_ticks >= DH_STREAM_PICTURE_TICKS_MIN;
}

static int take_lead(struct dh_segment *segment, struct dh_unit *unit)
{
	bool has_units = segment->units[DH_AUDIO].count || segment->units[DH_VIDEO].count;
	if (!segment->head.has_audio || segment->lead || has_units || unit->pts_ticks < 1 ||
		unit->pts_ticks > DH_STREAM_LEAD_TICKS_MAX)
		return -EINVAL;
	segment->lead = dh_unit_ref(unit);
	return 0;
}

int dh_segment_append(struct dh_segment *segment, struct dh_unit *unit)
{
	if (unit->flags & DH_UNIT_LEAD)
		return segment->open && segment->ending == RUNNING ? take_lead(segment, unit) : -EINVAL;
	if (!segment->open || segment->ending != RUNNING || !may_follow(segment, unit))
		return -EINVAL;
	struct dh_unit_list *units = &segment->units[unit->media];
	int err = dh_unit_list_add(units, unit);
	if (err)
		return err;
	segment->known_ticks = unit->pts_ticks;
	segment->bytes += dh_unit_bytes(unit);
	return 0;
}

static int64_t length_ticks(const struct dh_segment *segment, enum dh_media media)
{
	const struct dh_unit_list *units = &segment->units[media];
	if (!units->count)
		return 0;
	const struct dh_unit *last = dh_unit_list_at(units, units->count - 1);
	return last->pts_ticks + last->duration_ticks;
}

static void stop(struct dh_segment *segment, enum ending ending)
{
	segment->ending = ending;
	segment->end.video_ticks = length_ticks(segment, DH_VIDEO);
	segment->end.audio_ticks = length_ticks(segment, DH_AUDIO);
}

void dh_segment_complete(struct dh_segment *segment)
{
	if (segment->ending == RUNNING)
		stop(segment, COMPLETE);
}

/* A text that is too long is cut between two characters. */
static size_t length_to_keep(const char *text)
{
	size_t length = strnlen(text, DH_STREAM_TEXT_MAX + 1);
	if (length <= DH_STREAM_TEXT_MAX)
		return length;
	length = DH_STREAM_TEXT_MAX;
	while (length > 0 && (text[length] & 0xc0) == 0x80)
		length--;
	return length;
}

void dh_segment_fail(struct dh_segment *segment, int code, const char *text)
{
	if (segment->ending != RUNNING)
		return;
	stop(segment, FAILED);
	segment->error_code = code;
	memcpy(segment->error, text, length_to_keep(text));
}

void dh_segment_set_partial(struct dh_segment *segment, bool partial)
{
	segment->partial = partial;
}

bool dh_segment_is_partial(const struct dh_segment *segment)
{
	return segment->partial;
}

bool dh_segment_mark_ready(struct dh_segment *segment)
{
	bool first = !segment->ready;
	segment->ready = true;
	return first;
}

bool dh_segment_is_open(const struct dh_segment *segment)
{
	return segment->open;
}

bool dh_segment_is_complete(const struct dh_segment *segment)
{
	return segment->ending == COMPLETE;
}

const char *dh_segment_error(const struct dh_segment *segment, int *code)
{
	if (segment->ending != FAILED)
		return NULL;
	if (code)
		*code = segment->error_code;
	return segment->error;
}

const struct dh_stream_head *dh_segment_head(const struct dh_segment *segment)
{
	return &segment->head;
}

struct dh_unit *dh_segment_anchor(const struct dh_segment *segment)
{
	return segment->anchor;
}

int64_t dh_segment_known_ticks(const struct dh_segment *segment)
{
	return segment->ending == RUNNING ? segment->known_ticks : INT64_MAX;
}

static int64_t max(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

int64_t dh_segment_duration_ticks(const struct dh_segment *segment, enum dh_duration rule)
{
	if (segment->ending == RUNNING)
		return -1;
	int64_t video = segment->end.video_ticks, audio = segment->end.audio_ticks;
	int64_t length = rule == DH_DURATION_LONGEST || !audio ? max(video, audio) : audio;
	return dh_slot_ceil(length);
}

bool dh_segment_last_picture(const struct dh_segment *segment, enum dh_duration rule, size_t *index)
{
	const struct dh_unit_list *pictures = &segment->units[DH_VIDEO];
	int64_t duration = dh_segment_duration_ticks(segment, rule);
	size_t n = pictures->count;
	while (n > pictures->released && dh_unit_list_at(pictures, n - 1)->pts_ticks >= duration)
		n--;
	*index = n - 1;
	return n > pictures->released;
}

struct dh_unit *dh_segment_lead(const struct dh_segment *segment)
{
	return segment->lead;
}

int64_t dh_segment_lead_slots_ticks(const struct dh_segment *segment)
{
	return segment->lead ? dh_slot_ceil(segment->lead->pts_ticks) : 0;
}

int64_t dh_segment_own_ticks(const struct dh_segment *segment, enum dh_duration rule)
{
	int64_t ticks = dh_segment_duration_ticks(segment, rule);
	return ticks < 0 ? ticks : max(ticks - dh_segment_lead_slots_ticks(segment), 0);
}

int64_t dh_segment_stated_ticks(const struct dh_segment *segment)
{
	return segment->head.stated_ticks > 0 ? dh_slot_ceil(segment->head.stated_ticks) : -1;
}

size_t dh_segment_count(const struct dh_segment *segment, enum dh_media media)
{
	return segment->units[media].count;
}

struct dh_unit *dh_segment_unit(const struct dh_segment *segment, enum dh_media media, size_t index)
{
	return dh_unit_list_at(&segment->units[media], index);
}

/* Pictures from the last entry to the last one, if that is shown for long: they go out at once after a hold. */
#define STANDING_MAX 1000

/* Finds the last entry that begins no later than `ticks`; looks at each picture once. */
static void look_for_entry(struct dh_segment *segment, int64_t ticks)
{
	const struct dh_unit_list *pictures = &segment->units[DH_VIDEO];
	for (; segment->seen < pictures->count; segment->seen++) {
		const struct dh_unit *unit = dh_unit_list_at(pictures, segment->seen);
		if (unit->pts_ticks > ticks)
			break;
		if (unit->flags & DH_UNIT_ENTRY)
			segment->entry = segment->seen;
	}
}

void dh_segment_release(struct dh_segment *segment, int64_t before_ticks)
{
	const struct dh_unit_list *pictures = &segment->units[DH_VIDEO], *sound = &segment->units[DH_AUDIO];
	look_for_entry(segment, before_ticks);
	/* without pictures, or under the last one, sound goes on alone */
	bool is_alone = segment->seen == pictures->count && pictures->count - segment->entry <= STANDING_MAX;
	int64_t entry_ticks = is_alone ? before_ticks : dh_unit_list_at(pictures, segment->entry)->pts_ticks;
	int64_t from_ticks = dh_slot_floor(entry_ticks);
	int64_t kept_ticks = is_alone ? from_ticks : dh_slot_ceil(entry_ticks);
	size_t packet = sound->released;
	if (from_ticks <= 0)
		return;
	while (packet + 1 < sound->count && dh_unit_list_at(sound, packet)->pts_ticks < from_ticks)
		packet++;
	if (kept_ticks > segment->kept_ticks)
		segment->kept_ticks = kept_ticks;
	segment->bytes -= dh_unit_list_release(&segment->units[DH_VIDEO], segment->entry);
	segment->bytes -= dh_unit_list_release(&segment->units[DH_AUDIO], packet);
}

int64_t dh_segment_kept_ticks(const struct dh_segment *segment)
{
	return segment->kept_ticks;
}

size_t dh_segment_first(const struct dh_segment *segment, enum dh_media media)
{
	return segment->units[media].released;
}

size_t dh_segment_bytes(const struct dh_segment *segment)
{
	return segment->bytes;
}
