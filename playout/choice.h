/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which of an avatar's qualities a viewer's network carries: from what its receiver says of what arrives. Pure; time is
 * an argument. Belongs to whoever hears the receiver.
 *
 * Places are the qualities, 0 the best, and behind them one more where the lowest can be sent with every second picture
 * left out.
 *
 * - What goes wrong is loss (receiver reports; Janus's slow_link), or a queue that grows: a
 *   round trip that takes longer than it did, or an estimate of the bandwidth (REMB) that falls below what is
 *   sent. A low REMB alone says nothing: it is at most half more than what has been sent lately.
 *   Less loss than would count alone counts where it comes with delay.
 * - Then it goes down at once, as far as what arrived will bear. What is heard in the next moments is still about the
 *   time before, and changes nothing.
 * - The way up is a trial of two seconds, one place at a time. Less trouble than elsewhere ends it, but one lost packet
 *   does not: 2 % of its packets and at least two, a round trip of 100 ms more, a REMB that falls. Then it goes back,
 *   and waits twice as long before the next one. Half a minute without trouble after one that lasted makes the wait
 *   short again. Where less arrived than the next place takes, the first wait is longer.
 * - Loss that is there at the lowest place, too, or that never was worse, is the path's own: less would not lessen it.
 *   Only more than that counts.
 */
#ifndef DH_CHOICE_H
#define DH_CHOICE_H

#include <stdbool.h>
#include <stdint.h>

#include "qualities.h"
#include "timebase.h"

#define DH_CHOICE_TRIAL_TICKS      (2 * DH_TICKS_PER_SECOND)
#define DH_CHOICE_PAUSE_MIN_TICKS  (5 * DH_TICKS_PER_SECOND)
#define DH_CHOICE_PAUSE_LONG_TICKS (20 * DH_TICKS_PER_SECOND)
#define DH_CHOICE_PAUSE_MAX_TICKS  (120 * DH_TICKS_PER_SECOND)
#define DH_CHOICE_FORGET_TICKS     (30 * DH_TICKS_PER_SECOND)

/* Zero it, then call dh_choice_init. */
struct dh_choice {
	/* immutable */
	int kbps[DH_QUALITIES_MAX + 1]; /* by place */
	int places, qualities;          /* how many */
	int64_t entry_ticks;            /* a change takes effect within this */
	/* where it is */
	int place;
	int64_t changed_ticks; /* when that changed; trouble of before ends a while later */
	bool is_trial;
	int64_t trial_end_ticks;
	int64_t up_ticks;     /* no trial before */
	int64_t pause_ticks;  /* before the next one, once more goes wrong */
	int64_t proved_ticks; /* when the last trial lasted; INT64_MAX: something went wrong since */
	/* what is known of the path */
	int usual_loss;     /* 4096ths */
	int lossy, delayed; /* seconds in a row with some loss; with some delay */
	int least_rtt_ms;   /* -1: not known */
	int remb_kbps;      /* the last; 0: none */
	/* what reports say since `begin_ticks`: a second, or a trial */
	bool has_report;
	int32_t last_lost;
	uint16_t last_highest;
	int64_t begin_ticks;
	int lost, expected; /* packets */
	int rtt_ms;         /* the shortest; -1: not known */
	/* what was sent */
	bool has_sample;
	int64_t sample_ticks;
	uint64_t sample_bytes;
	int sent_kbps; /* lately; 0: not known */
};

/* `kbps` by quality. `can_thin`: the lowest can be sent without droppable pictures. `entry_ticks`: the distance between
 * entries. It begins at `place`, or the last one. */
void dh_choice_init(struct dh_choice *choice, const int kbps[DH_QUALITIES_MAX], bool can_thin, int64_t entry_ticks,
	int place, int64_t now_ticks);

/* A receiver report on pictures. A browser sends one with each request for a packet, up to fifty a second, so that each
 * alone says little. */
struct dh_choice_report {
	int32_t lost;     /* since the connection began; what was sent again and came is lost no more */
	uint16_t highest; /* sequence number that has come */
	int rtt_ms;       /* the way there and back; -1: not known */
	bool is_first;    /* of the connection; then … */
	int first_lost;   /* … so much of all until now, in 256ths */
};

/* What is heard; `sent_bytes` of pictures have been sent so far. Each returns whether the place changes. */
bool dh_choice_report(struct dh_choice *choice, const struct dh_choice_report *report, uint64_t sent_bytes,
	int64_t now_ticks);
bool dh_choice_remb(struct dh_choice *choice, int kbps, uint64_t sent_bytes, int64_t now_ticks);
bool dh_choice_slow_link(struct dh_choice *choice, uint64_t sent_bytes, int64_t now_ticks);

/* Where it is: the quality, and whether droppable pictures are left out. */
int dh_choice_quality(const struct dh_choice *choice, bool *is_thin);

#endif
