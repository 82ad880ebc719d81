/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "choice.h"

#include <string.h>

/* Of the lowest quality's bits, what is left without every second picture, in percent. */
#define THIN_PERCENT 65
/* What is heard so long after a change took effect may be about before: a report comes once a second. */
#define SETTLE_TICKS (3 * DH_TICKS_PER_SECOND / 2)
#define SAMPLE_TICKS (1 * DH_TICKS_PER_SECOND)
/* Reports that come once a second come a little earlier, too. A trial is judged from its beginning. */
#define SECOND_TICKS    (900 * DH_TICKS_PER_MS)
#define TRIAL_TICKS_MIN (400 * DH_TICKS_PER_MS)
#define LOST_LEAST      2 /* packets */
/* How many the first report of a connection counts for: it does not say. */
#define FIRST_PACKETS 64

/* Loss beyond the usual, in 4096ths: 2 % in a trial, 10 % in any second, 4 % in two in a row. */
#define LOSS_TRIAL     82
#define LOSS_MUCH      410
#define LOSS_SOME      164
#define LOSS_LITTLE    41 /* with delay, as LOSS_SOME */
#define USUAL_LOSS_MAX 410
/* Longer than the shortest round trip. */
#define DELAY_TRIAL_MS 100
#define DELAY_SOME_MS  250
/* Delay alone does not say how much arrives. */
#define DELAYED_PERCENT 80
/* What is meant to fit leaves some room. */
#define FIT_PERCENT 95

void dh_choice_init(struct dh_choice *choice, const int kbps[DH_QUALITIES_MAX], bool can_thin, int64_t entry_ticks,
	int place, int64_t now_ticks)
{
	memset(choice, 0, sizeof *choice);
	choice->places = choice->qualities = dh_qualities_count(kbps);
	memcpy(choice->kbps, kbps, (size_t)choice->places * sizeof *kbps);
	if (can_thin) {
		choice->kbps[choice->places] = kbps[choice->places - 1] * THIN_PERCENT / 100;
		choice->places++;
	}
	choice->place = place < choice->places ? place : choice->places - 1;
	choice->entry_ticks = entry_ticks;
	choice->changed_ticks = now_ticks - entry_ticks - SETTLE_TICKS;
	choice->pause_ticks = DH_CHOICE_PAUSE_MIN_TICKS;
	choice->proved_ticks = INT64_MAX;
	choice->least_rtt_ms = -1;
}

static void note_sent(struct dh_choice *choice, uint64_t sent_bytes, int64_t now_ticks)
{
	int64_t ms = dh_ms_from_ticks(now_ticks - choice->sample_ticks);
	if (choice->has_sample && now_ticks - choice->sample_ticks < SAMPLE_TICKS)
		return;
	if (choice->has_sample && sent_bytes >= choice->sample_bytes)
		choice->sent_kbps = (int)((int64_t)(sent_bytes - choice->sample_bytes) * 8 / ms);
	choice->has_sample = true;
	choice->sample_ticks = now_ticks;
	choice->sample_bytes = sent_bytes;
}

static void go_to(struct dh_choice *choice, int place, int64_t now_ticks)
{
	choice->place = place;
	choice->changed_ticks = now_ticks;
	choice->is_trial = false;
	choice->lossy = choice->delayed = 0;
}

static int sent_kbps(const struct dh_choice *choice)
{
	return choice->sent_kbps ? choice->sent_kbps : choice->kbps[choice->place];
}

/* What a place takes, if what is sent now is as usual for its own. */
static int share_of(const struct dh_choice *choice, int place)
{
	return (int)((int64_t)choice->kbps[place] * sent_kbps(choice) / choice->kbps[choice->place]);
}

/* The best of the places below whose share of what is sent now is at most `kbps`. */
static int fitting(const struct dh_choice *choice, int kbps)
{
	int place = choice->place + 1;
	while (place + 1 < choice->places && share_of(choice, place) > (int64_t)kbps * FIT_PERCENT / 100)
		place++;
	return place;
}

static bool is_settled(const struct dh_choice *choice, int64_t now_ticks)
{
	return now_ticks - choice->changed_ticks >= choice->entry_ticks + SETTLE_TICKS;
}

/* Waits before it goes up, and longer the next time. */
static void wait(struct dh_choice *choice, int64_t now_ticks)
{
	choice->up_ticks = now_ticks + choice->pause_ticks;
	choice->pause_ticks *= 2;
	if (choice->pause_ticks > DH_CHOICE_PAUSE_MAX_TICKS)
		choice->pause_ticks = DH_CHOICE_PAUSE_MAX_TICKS;
}

/* So much arrives of what is sent. */
static bool go_down(struct dh_choice *choice, int kbps, int64_t now_ticks)
{
	bool is_trial = choice->is_trial;
	choice->proved_ticks = INT64_MAX;
	if (!is_trial && (!is_settled(choice, now_ticks) || choice->place + 1 == choice->places))
		return false;
	int place = is_trial ? choice->place + 1 : fitting(choice, kbps);
	/* the next better one is known to be too much */
	if (!is_trial && place - 1 > choice->place && choice->pause_ticks < DH_CHOICE_PAUSE_LONG_TICKS)
		choice->pause_ticks = DH_CHOICE_PAUSE_LONG_TICKS;
	go_to(choice, place, now_ticks);
	wait(choice, now_ticks);
	return true;
}

static void begin_second(struct dh_choice *choice, int64_t now_ticks)
{
	choice->begin_ticks = now_ticks;
	choice->lost = choice->expected = 0;
	choice->rtt_ms = -1;
}

/* Nothing is wrong: perhaps the trial has lasted, or it is time for one. */
static bool go_on(struct dh_choice *choice, int64_t now_ticks)
{
	if (choice->is_trial && now_ticks >= choice->trial_end_ticks) {
		begin_second(choice, now_ticks);
		choice->is_trial = false;
		choice->proved_ticks = now_ticks;
		choice->up_ticks = now_ticks + DH_CHOICE_PAUSE_MIN_TICKS;
	}
	if (choice->proved_ticks <= now_ticks - DH_CHOICE_FORGET_TICKS)
		choice->pause_ticks = DH_CHOICE_PAUSE_MIN_TICKS;
	if (choice->is_trial || choice->place == 0 || now_ticks < choice->up_ticks)
		return false;
	go_to(choice, choice->place - 1, now_ticks);
	begin_second(choice, now_ticks);
	choice->is_trial = true;
	choice->trial_end_ticks = now_ticks + choice->entry_ticks + DH_CHOICE_TRIAL_TICKS;
	return true;
}

/* --- what is heard */

static int delay_ms(struct dh_choice *choice)
{
	if (choice->rtt_ms < 0)
		return 0;
	/* paths change: what was the least once is forgotten little by little */
	choice->least_rtt_ms += choice->least_rtt_ms >= 0;
	if (choice->least_rtt_ms < 0 || choice->rtt_ms < choice->least_rtt_ms)
		choice->least_rtt_ms = choice->rtt_ms;
	return choice->rtt_ms - choice->least_rtt_ms;
}

static void add_report(struct dh_choice *choice, const struct dh_choice_report *report, int64_t now_ticks)
{
	int16_t more = (int16_t)(report->highest - choice->last_highest);
	if (!choice->has_report)
		begin_second(choice, now_ticks - (report->is_first ? SECOND_TICKS : 0));
	if (!choice->has_report && report->is_first) {
		choice->expected = FIRST_PACKETS;
		choice->lost = report->first_lost * FIRST_PACKETS / 256;
	} else if (choice->has_report && more > 0)
		choice->expected += more;
	if (choice->has_report && report->lost > choice->last_lost)
		choice->lost += report->lost - choice->last_lost;
	if (report->rtt_ms >= 0 && (choice->rtt_ms < 0 || report->rtt_ms < choice->rtt_ms))
		choice->rtt_ms = report->rtt_ms;
	choice->has_report = true;
	choice->last_lost = report->lost;
	choice->last_highest = report->highest;
}

/* In 4096ths. */
static int loss_of(const struct dh_choice *choice)
{
	if (!choice->lost)
		return 0;
	return choice->lost < choice->expected ? choice->lost * 4096 / choice->expected : 4096;
}

/* Beyond the usual. One packet is not much, of however few. */
static int loss_beyond(const struct dh_choice *choice)
{
	return choice->lost < LOST_LEAST ? 0 : loss_of(choice) - choice->usual_loss;
}

static void learn_loss(struct dh_choice *choice, int loss, int64_t now_ticks)
{
	bool is_lowest = choice->place + 1 == choice->places;
	if (choice->is_trial || !is_settled(choice, now_ticks) || (!is_lowest && loss_beyond(choice) >= LOSS_SOME))
		return;
	choice->usual_loss += (loss - choice->usual_loss) / 8;
	if (choice->usual_loss > USUAL_LOSS_MAX)
		choice->usual_loss = USUAL_LOSS_MAX;
}

/* From the trial's beginning on. */
static bool trial_second(struct dh_choice *choice, int64_t now_ticks)
{
	if (loss_beyond(choice) >= LOSS_TRIAL || delay_ms(choice) >= DELAY_TRIAL_MS) {
		begin_second(choice, now_ticks);
		return go_down(choice, 0, now_ticks);
	}
	return go_on(choice, now_ticks);
}

static bool end_second(struct dh_choice *choice, int64_t now_ticks)
{
	int loss = loss_of(choice), more = loss_beyond(choice), delay = delay_ms(choice);
	bool is_lossy = more >= LOSS_SOME || (more >= LOSS_LITTLE && delay >= DELAY_TRIAL_MS);
	learn_loss(choice, loss, now_ticks);
	begin_second(choice, now_ticks);
	choice->lossy = is_lossy ? choice->lossy + 1 : 0;
	choice->delayed = delay >= DELAY_SOME_MS ? choice->delayed + 1 : 0;
	if (more >= LOSS_MUCH || choice->lossy >= 2)
		return go_down(choice, sent_kbps(choice) * (4096 - loss) / 4096, now_ticks);
	if (choice->delayed >= 2)
		return go_down(choice, sent_kbps(choice) * DELAYED_PERCENT / 100, now_ticks);
	return !is_lossy && delay < DELAY_SOME_MS ? go_on(choice, now_ticks) : false;
}

bool dh_choice_report(struct dh_choice *choice, const struct dh_choice_report *report, uint64_t sent_bytes,
	int64_t now_ticks)
{
	note_sent(choice, sent_bytes, now_ticks);
	add_report(choice, report, now_ticks);
	int64_t ticks = now_ticks - choice->begin_ticks;
	if (choice->is_trial)
		return ticks >= TRIAL_TICKS_MIN && trial_second(choice, now_ticks);
	return ticks >= SECOND_TICKS && end_second(choice, now_ticks);
}

/* Receivers raise it slowly, and lower it, by a seventh and more, only where packets take longer and longer. */
bool dh_choice_remb(struct dh_choice *choice, int kbps, uint64_t sent_bytes, int64_t now_ticks)
{
	bool falls = kbps < choice->remb_kbps - choice->remb_kbps / 10;
	note_sent(choice, sent_bytes, now_ticks);
	choice->remb_kbps = kbps;
	/* in a trial it is not known yet what is sent */
	return falls && (choice->is_trial || kbps < choice->sent_kbps) ? go_down(choice, kbps, now_ticks) : false;
}

bool dh_choice_slow_link(struct dh_choice *choice, uint64_t sent_bytes, int64_t now_ticks)
{
	note_sent(choice, sent_bytes, now_ticks);
	return go_down(choice, choice->sent_kbps, now_ticks);
}

int dh_choice_quality(const struct dh_choice *choice, bool *is_thin)
{
	*is_thin = choice->place == choice->qualities;
	return *is_thin ? choice->place - 1 : choice->place;
}
