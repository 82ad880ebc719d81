/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One stream of an input and its decoder. Private to source.c. */
#ifndef DH_TRACK_H
#define DH_TRACK_H

#include <stdbool.h>

#include <libavformat/avformat.h>

#include "fault.h"
#include "frame.h"

struct dh_track;

/* What its container says. */
struct dh_track_kind {
	bool is_mp4;           /* how pictures are reordered, and when sound starts and ends */
	bool states_durations; /* how long each picture lasts */
	bool counts_samples;   /* nothing of when sound is heard: times are counted from samples */
	bool divides_packets;  /* only when the first of several frames of sound is heard */
	bool is_avi;           /* nothing of when pictures are shown, but only of their order */
};

/* `stream` must outlive the track. */
int dh_track_alloc(struct dh_track **track, AVStream *stream, enum dh_media media, const char *name, int max_side,
	const struct dh_track_kind *kind, struct dh_fault *fault);
void dh_track_free(struct dh_track **track);

/* Its packets are files of pictures: each must be whole, and is turned as it says. */
void dh_track_set_still(struct dh_track *track);

int dh_track_stream(const struct dh_track *track);
enum dh_media dh_track_media(const struct dh_track *track);

/* Passes a packet to the decoder; NULL: there are no more. Counts damaged ones. */
int dh_track_send(struct dh_track *track, const AVPacket *packet, struct dh_fault *fault);

/* Stores a decoded frame in `av` and describes it in `frame`; frame->av stays NULL if
 * more packets are needed, or at the end. */
int dh_track_receive(struct dh_track *track, AVFrame *av, struct dh_frame *frame, struct dh_fault *fault);

/* Whether its pictures turned out to be a film after all. */
bool dh_track_is_film(const struct dh_track *track);

bool dh_track_ended(const struct dh_track *track);
int dh_track_damaged(const struct dh_track *track);
void dh_track_rate(const struct dh_track *track, int64_t *num, int64_t *den);

#endif
