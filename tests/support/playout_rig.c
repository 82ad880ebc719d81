/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/playout_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct dh_continuity_seed near_wraps = {
	.payload_type = { 111, 96 },
	.first_sequence = { 65530, 65500 },
	.first_timestamp = { 0xffffff00u, 0xfffff000u },
	.first_picture_id = 0x7ff0,
	.first_tl0picidx = 250,
};

/* --- segments */

static size_t picture_size, anchor_size;

void rig_sizes(size_t picture, size_t anchor)
{
	picture_size = picture;
	anchor_size = anchor;
}

static int qualities = 1;
static bool is_temporal;

void rig_temporal(bool temporal)
{
	is_temporal = temporal;
}

void rig_qualities(int count)
{
	qualities = count;
}

static bool fades;

void rig_fades(bool has_fades)
{
	fades = has_fades;
}

static struct dh_unit *sound_unit(char tag, int64_t index)
{
	const uint8_t bytes[4] = { (uint8_t)tag, (uint8_t)(index >> 8), (uint8_t)index, 3 };
	const uint8_t fade[5] = { '~', bytes[1], bytes[2], 4, 5 };
	return dh_unit_new_sound(index * DH_SLOT_TICKS, bytes, sizeof bytes, fade, fades ? sizeof fade : 0);
}

/* Bytes of a picture: kind, tag, anchor's tag, index (4 bytes), quality, how many pictures before it the one is that
 * it refers to, padding. */
static struct dh_unit *picture_unit_of(char kind, char tag, char anchor, int index, int quality, int64_t pts,
	int64_t duration)
{
	int back = kind == 'D' && is_temporal ? 2 : kind == 'D' || kind == 'T';
	const uint8_t bytes[] = { (uint8_t)kind, (uint8_t)tag, (uint8_t)anchor, (uint8_t)(index >> 24),
		(uint8_t)(index >> 16), (uint8_t)(index >> 8), (uint8_t)index, (uint8_t)quality, (uint8_t)back };
	size_t size = kind == 'K' ? anchor_size : picture_size;
	if (!size)
		size = kind == 'K' ? 1500 : 40; /* anchors take several packets */
	uint8_t *data = calloc(1, size);
	memcpy(data, bytes, sizeof bytes);
	struct dh_unit *unit = dh_unit_new(DH_VIDEO, pts, duration, data, size);
	free(data);
	unit->flags = kind == 'E' ? DH_UNIT_ENTRY : kind == 'T' ? DH_UNIT_DROPPABLE : 0;
	/* Idle pictures look like their index; a segment's pictures like idle picture 30
	 * + index. */
	memset(unit->luma, tag == 'i' ? index : 30 + index % 20, DH_LUMA_BYTES);
	return unit;
}

static struct dh_unit *picture_unit(char kind, char tag, char anchor, int index, int64_t pts, int64_t duration)
{
	struct dh_unit *lower = NULL;
	for (int quality = kind == 'K' ? 0 : qualities - 1;; quality--) {
		struct dh_unit *unit = picture_unit_of(kind, tag, anchor, index, quality, pts, duration);
		unit->lower = lower;
		if (quality == 0)
			return unit;
		lower = unit;
	}
}

static char kind_of(int since_entry)
{
	return since_entry == 0 ? 'E' : is_temporal && since_entry % 2 ? 'T' : 'D';
}

static void append(struct dh_segment *segment, struct dh_unit *unit)
{
	if (dh_segment_append(segment, unit)) {
		fprintf(stderr, "rig: a unit was refused\n");
		abort();
	}
	dh_unit_unref(&unit);
}

void rig_fill(struct dh_segment *segment, const struct rig_segment *spec, int known_ms)
{
	int64_t known = known_ms < 0 ? INT64_MAX : known_ms * MS;
	for (;;) {
		int64_t picture = (int64_t)dh_segment_count(segment, DH_VIDEO);
		int64_t sound = (int64_t)dh_segment_count(segment, DH_AUDIO);
		int64_t picture_at = spec->video_ms ? dh_ticks_of_frame(picture, spec->num, spec->den) : INT64_MAX;
		int64_t sound_at = sound * DH_SLOT_TICKS;
		if (picture_at >= spec->video_ms * MS)
			picture_at = INT64_MAX;
		if (sound_at >= spec->audio_ms * MS)
			sound_at = INT64_MAX;
		int64_t next = picture_at < sound_at ? picture_at : sound_at;
		if (next == INT64_MAX || next > known)
			break;
		if (sound_at <= picture_at) {
			append(segment, sound_unit(spec->tag, sound));
		} else {
			int64_t duration = dh_ticks_of_frame(picture + 1, spec->num, spec->den) - picture_at;
			append(segment,
				picture_unit(kind_of((int)(picture % spec->every)), spec->tag, spec->anchor,
					(int)picture, picture_at, duration));
		}
	}
	if (known_ms < 0)
		dh_segment_complete(segment);
}

struct dh_segment *rig_segment(const struct rig_segment *spec)
{
	struct dh_segment *segment;
	struct dh_stream_head head = { .has_video = spec->video_ms > 0,
		.has_audio = spec->audio_ms > 0,
		.width = spec->video_ms ? 64 : 0,
		.height = spec->video_ms ? 64 : 0,
		.rate_num = spec->num,
		.rate_den = spec->den };
	struct dh_unit *anchor = spec->video_ms ? picture_unit('K', spec->anchor, spec->anchor, 0, 0, DH_SLOT_TICKS) :
						  NULL;
	if (dh_segment_alloc(&segment, spec->id, NULL) || dh_segment_open(segment, &head, anchor)) {
		fprintf(stderr, "rig: no segment\n");
		abort();
	}
	dh_unit_unref(&anchor);
	rig_fill(segment, spec, spec->known_ms);
	return segment;
}

void rig_enqueue(struct rig *rig, const struct rig_segment *spec)
{
	dh_playout_poll(rig->playout, rig->now);
	int err = dh_playout_enqueue(rig->playout, rig_segment(spec));
	if (err) {
		fprintf(stderr, "rig: enqueue %s: %d\n", spec->id, err);
		abort();
	}
}

int rig_order(struct rig *rig, const struct rig_segment *spec, const struct dh_order *order,
	const struct dh_place *place)
{
	struct dh_segment *segment = rig_segment(spec);
	dh_segment_set_order(segment, order);
	dh_playout_poll(rig->playout, rig->now);
	int err = dh_playout_enqueue_at(rig->playout, segment, place);
	if (err)
		dh_segment_free(&segment);
	return err;
}

void rig_arrive(struct rig *rig, const struct rig_segment *spec, int known_ms)
{
	dh_playout_poll(rig->playout, rig->now);
	struct dh_segment *segment = dh_playout_find(rig->playout, spec->id);
	if (!segment || dh_segment_is_complete(segment) || dh_segment_error(segment, NULL))
		return;
	rig_fill(segment, spec, known_ms);
	dh_playout_filled(rig->playout, segment);
}

/* --- judging what leaves */

static void wrong(struct rig_viewer *v, const char *why)
{
	if (!v->wrong++)
		snprintf(v->why, sizeof v->why, "%s (after %d pictures, %d sounds)", why, v->picture_count,
			v->sound_count);
}

/* Only K may change golden; all others need what the model says they need. Nothing needs a droppable one. */
static void decode(struct rig_viewer *v, const uint8_t *data)
{
	char kind = (char)data[0], tag = (char)data[1], anchor = (char)data[2];
	int index = data[3] << 24 | data[4] << 16 | data[5] << 8 | data[6], quality = data[7], back = data[8];
	int follows = v->last_tag == tag && v->last_index + back == index && v->last_quality == quality;
	if (kind == 'K')
		v->golden = tag;
	else if (v->golden != anchor || ((kind == 'D' || kind == 'T') && !follows))
		v->broken++;
	if (kind == 'T')
		return;
	v->last_tag = kind == 'K' ? 0 : tag;
	v->last_index = index;
	v->last_quality = quality;
}

static void count_burst(struct rig_viewer *v, int64_t now)
{
	v->burst = v->burst_at_ticks == now ? v->burst + 1 : 1;
	v->burst_at_ticks = now;
	if (v->burst > v->burst_max)
		v->burst_max = v->burst;
}

/* Anchors and entries are in layer 0; its indices go on, unless something was reported lost. Others are in layer 1,
 * with Y until the first that refers to one of its own; N says that none refers to it. */
static void check_layer(struct rig_viewer *v, const uint8_t *payload)
{
	bool is_droppable = payload[6] == 'T', is_base = payload[6] != 'D' && !is_droppable;
	if (payload[5] != (is_base ? 0 : v->is_behind_base ? 0x60 : 0x40) || !(payload[0] & 0x20) == is_droppable)
		wrong(v, "TID, Y, N");
	if (v->begun[DH_VIDEO] && payload[4] != (uint8_t)(v->tl0picidx + is_base) && (!v->reports_losses || !is_base))
		wrong(v, "TL0PICIDX");
	v->is_behind_base = is_base || (v->is_behind_base && is_droppable);
}

static void take_video(struct rig *rig, struct rig_viewer *v, const uint8_t *payload, size_t size, uint32_t timestamp,
	uint16_t sequence, int marker)
{
	if (size < 15 || payload[0] & 0x07 || (payload[0] & 0x80) == 0 || payload[1] != 0xe0)
		wrong(v, "VP8 descriptor");
	uint16_t id = (uint16_t)((payload[2] & 0x7f) << 8 | payload[3]);
	int begins = payload[0] & 0x10;
	if (begins) {
		if (v->unfinished)
			wrong(v, "a picture begins within another");
		if (v->begun[DH_VIDEO] && id != ((v->picture_id + 1) & 0x7fff))
			wrong(v, "picture ID");
		check_layer(v, payload);
		if (v->begun[DH_VIDEO] && (int32_t)(timestamp - v->timestamp[DH_VIDEO]) <= 0)
			wrong(v, "video timestamp does not rise");
		v->pictures[v->picture_count++ % RIG_LOG_MAX] = (struct rig_picture){ .kind = (char)payload[6],
			.tag = (char)payload[7],
			.index = payload[9] << 24 | payload[10] << 16 | payload[11] << 8 | payload[12],
			.quality = payload[13],
			.sent_ticks = rig->now,
			.timestamp = timestamp - v->seed.first_timestamp[DH_VIDEO],
			.id = id,
			.tl0picidx = payload[4],
			.layer = payload[5],
			.first = sequence };
		decode(v, payload + 6);
	} else if (timestamp != v->timestamp[DH_VIDEO] || id != v->picture_id) {
		wrong(v, "one picture, two timestamps or IDs");
	} else if (!v->unfinished) {
		wrong(v, "a packet after the picture's last");
	}
	struct rig_picture *picture = &v->pictures[(v->picture_count - 1) % RIG_LOG_MAX];
	picture->bytes += size - 6;
	picture->last = sequence;
	picture->done_ticks = marker ? rig->now : 0;
	v->unfinished = !marker;
	count_burst(v, rig->now);
	v->picture_id = id;
	v->tl0picidx = payload[4];
}

static void log_sound(struct rig *rig, struct rig_viewer *v, const uint8_t *packet, size_t size, uint32_t timestamp)
{
	int at = v->sound_count++ % RIG_LOG_MAX;
	v->sound_index[at] = size > 3 ? packet[1] << 8 | packet[2] : -1;
	v->sound_ticks[at] = rig->now;
	v->sound_timestamp[at] = timestamp;
	v->sound[at] = size == 1 ? ',' : size == 3 ? '.' : (char)packet[0];
}

static void take_audio(struct rig *rig, struct rig_viewer *v, const uint8_t *payload, size_t size, uint32_t timestamp)
{
	uint32_t since = timestamp - v->timestamp[DH_AUDIO];
	if (v->begun[DH_AUDIO] && (since < 960 * (uint32_t)v->last_slots || since % 960))
		wrong(v, "audio timestamp");
	v->sound_packets++;
	v->last_slots = v->sound_slots > 1 && (payload[0] & 3) == 3 ? payload[1] & 0x3f : 1;
	timestamp -= v->seed.first_timestamp[DH_AUDIO];
	if (v->last_slots == 1) {
		log_sound(rig, v, payload, size, timestamp);
		return;
	}
	/* Code 3 of RFC 6716: sizes of all frames but the last, then the frames. */
	const uint8_t *frame = payload + 2 + v->last_slots - 1;
	for (int i = 0; i < v->last_slots; i++) {
		size_t left = size - (size_t)(frame - payload);
		size_t length = i < v->last_slots - 1 ? payload[2 + i] : left;
		uint8_t packet[16] = { payload[0] & 0xfc };
		if (length > left || length >= sizeof packet) {
			wrong(v, "a frame's size");
			return;
		}
		memcpy(packet + 1, frame, length);
		log_sound(rig, v, packet, length + 1, timestamp + 960 * (uint32_t)i);
		frame += length;
	}
	if (v->last_slots > v->sound_slots ||
		timestamp / 960 % (uint32_t)v->sound_slots + (uint32_t)v->last_slots > (uint32_t)v->sound_slots)
		wrong(v, "a packet lasts too long, or across its grid");
}

/* No packet ever carries a timestamp ahead of media time, but for pictures of a slot's first 2 ms and their anchors:
 * they leave with the slot's sound. */
static void check_ahead(const struct rig *rig, struct rig_viewer *v, enum dh_media media, uint32_t timestamp)
{
	int64_t clock = media == DH_VIDEO ? DH_TICKS_PER_VIDEO_CLOCK : DH_TICKS_PER_AUDIO_SAMPLE;
	int64_t now = (rig->now - rig->origin) / clock, slot = (rig->now - rig->origin) / DH_SLOT_TICKS * DH_SLOT_TICKS;
	bool goes_with_sound = media == DH_VIDEO && v->begun[DH_AUDIO] &&
		(int32_t)(timestamp - (uint32_t)((slot + 2 * MS) / clock)) <= 0;
	if ((int32_t)(timestamp - (uint32_t)now) > 0 && !goes_with_sound)
		wrong(v, "timestamp ahead of media time");
}

static void on_packet(void *arg, void *user, enum dh_media media, const uint8_t *rtp, size_t size)
{
	struct rig *rig = arg;
	struct rig_viewer *v = user;
	uint16_t sequence = (uint16_t)(rtp[2] << 8 | rtp[3]);
	uint32_t timestamp = (uint32_t)rtp[4] << 24 | (uint32_t)rtp[5] << 16 | (uint32_t)rtp[6] << 8 | rtp[7];
	v->last_packet = rig->packets++;
	if (rtp[0] != 0x80 || (rtp[1] & 0x7f) != v->seed.payload_type[media] || size > 1275 + 12)
		wrong(v, "RTP header");
	if (v->begun[media] && sequence != (uint16_t)(v->sequence[media] + 1))
		wrong(v, "gap in sequence numbers");
	check_ahead(rig, v, media, timestamp - v->seed.first_timestamp[media]);
	if (media == DH_VIDEO)
		take_video(rig, v, rtp + 12, size - 12, timestamp, sequence, rtp[1] & 0x80);
	else
		take_audio(rig, v, rtp + 12, size - 12, timestamp);
	v->begun[media] = 1;
	v->sequence[media] = sequence;
	v->timestamp[media] = timestamp;
}

static void on_event(void *arg, const struct dh_playout_event *event)
{
	struct rig *rig = arg;
	struct rig_event *e = &rig->events[rig->event_count++ % RIG_LOG_MAX];
	*e = (struct rig_event){ .type = event->type,
		.media_ticks = event->media_ticks,
		.played_ticks = event->played_ticks,
		.position_ticks = event->position_ticks,
		.reason = event->reason,
		.index = event->index,
		.count = event->count };
	if (event->segment || event->utterance)
		snprintf(e->id, sizeof e->id, "%s", event->segment ? dh_segment_id(event->segment) : event->utterance);
	if (rig->on_event)
		rig->on_event(rig->arg, event);
}

static void on_sound(void *arg, unsigned loudness, int64_t media_ticks, const uint8_t *payload, size_t size)
{
	struct rig *rig = arg;
	if (rig->on_sound)
		rig->on_sound(rig->arg, loudness, media_ticks, payload, size);
}

static void on_slot(void *arg, bool in_time)
{
	struct rig *rig = arg;
	if (rig->on_slot)
		rig->on_slot(rig->arg, in_time);
}

/* This comes after the event of the segment's end. Frees it bit by bit, as rooms do. */
static void on_handed(void *arg, void *user, const int64_t late_ticks[2])
{
	struct rig_viewer *v = user;

	(void)arg;
	v->handed++;
	memcpy(v->late_ticks, late_ticks, sizeof v->late_ticks);
}

static void on_ended(void *arg, struct dh_segment *segment)
{
	struct rig *rig = arg;
	const struct rig_event *e = &rig->events[(rig->event_count - 1) % RIG_LOG_MAX];
	if (e->type < DH_EVENT_FINISHED || e->type > DH_EVENT_FAILED || strcmp(e->id, dh_segment_id(segment))) {
		fprintf(stderr, "rig: segment %s ends without an event\n", dh_segment_id(segment));
		abort();
	}
	while (!dh_segment_drop(segment, 7))
		;
	dh_segment_free(&segment);
}

/* --- the rig */

void rig_open(struct rig *rig, const struct dh_playout_config *config, int64_t now)
{
	static const struct dh_playout_sink sink = { on_packet, on_event, on_ended, on_sound, on_handed, on_slot };
	struct dh_playout_config defaults;
	dh_playout_config_init(&defaults);
	memset(rig, 0, sizeof *rig);
	rig->now = rig->origin = now;
	if (dh_playout_alloc(&rig->playout, config ? config : &defaults, &sink, rig, now)) {
		fprintf(stderr, "rig: no playout\n");
		abort();
	}
}

void rig_open_idle(struct rig *rig, const struct dh_playout_config *config, int64_t now)
{
	static const struct rig_segment idle = { "idle", 'i', 'i', 2000, 25, 1, 10, 0, -1 };
	rig_open(rig, config, now);
	if (dh_playout_set_idle(rig->playout, rig_segment(&idle))) {
		fprintf(stderr, "rig: no idle clip\n");
		abort();
	}
}

void rig_close(struct rig *rig)
{
	dh_playout_free(&rig->playout);
	for (int i = 0; i < rig->viewer_count; i++)
		free(rig->viewers[i]);
	rig_sizes(0, 0);
	rig_qualities(1);
	rig_temporal(false);
	rig_fades(false);
}

struct rig_viewer *rig_join(struct rig *rig, const struct dh_continuity_seed *seed)
{
	return rig_join_way(rig, seed, &(struct dh_viewer_way){ .ptime = 20 });
}

struct rig_viewer *rig_join_way(struct rig *rig, const struct dh_continuity_seed *seed, const struct dh_viewer_way *way)
{
	struct rig_viewer *v = calloc(1, sizeof *v);
	v->seed = seed ? *seed : near_wraps;
	v->sound_slots = way->ptime / 20;
	dh_playout_poll(rig->playout, rig->now);
	if (dh_playout_add_viewer(rig->playout, &v->seed, way, v, &v->viewer))
		abort();
	rig->viewers[rig->viewer_count++] = v;
	return v;
}

void rig_leave(struct rig *rig, struct rig_viewer *viewer)
{
	dh_playout_remove_viewer(rig->playout, &viewer->viewer);
}

void rig_run(struct rig *rig, int64_t until)
{
	for (;;) {
		int64_t deadline = dh_playout_deadline_ticks(rig->playout);
		if (deadline > until)
			break;
		if (deadline > rig->now)
			rig->now = deadline;
		dh_playout_poll(rig->playout, rig->now);
	}
	rig->now = until;
}

void rig_stall(struct rig *rig, int64_t ticks)
{
	rig->now += ticks;
	dh_playout_poll(rig->playout, rig->now);
}

int rig_count(const struct rig *rig, enum dh_event_type type, const char *id)
{
	int count = 0;
	for (int i = 0; i < rig->event_count && i < RIG_LOG_MAX; i++)
		count += rig->events[i].type == type && (!id || !strcmp(rig->events[i].id, id));
	return count;
}

const struct rig_event *rig_event(const struct rig *rig, enum dh_event_type type, const char *id)
{
	const struct rig_event *found = NULL;
	for (int i = 0; i < rig->event_count && i < RIG_LOG_MAX; i++)
		if (rig->events[i].type == type && (!id || !strcmp(rig->events[i].id, id)))
			found = &rig->events[i];
	return found;
}

int rig_ends(const struct rig *rig, const char *id)
{
	int ends = 0;
	for (int type = DH_EVENT_FINISHED; type <= DH_EVENT_FAILED; type++)
		ends += rig_count(rig, type, id);
	return ends;
}

int rig_first(const struct rig_viewer *viewer, char tag, int from)
{
	for (int i = from; i < viewer->picture_count && i < RIG_LOG_MAX; i++)
		if (viewer->pictures[i].kind != 'K' && viewer->pictures[i].tag == tag)
			return i;
	return -1;
}
