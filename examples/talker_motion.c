/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "talker_motion.h"

#include <math.h>
#include <string.h>

#define TAU (2 * M_PI)

#define BLINK_S      0.30 /* from open to open */
#define BLINK_GAP_S  2.1  /* between blinks at least */
#define BLINK_VARY_S 2.6
#define LOOK_S       1.7 /* the eyes rest on a place for so long */
#define LOOK_TURN_S  0.07
#define EDGE_S       0.40 /* no blink, no glance this close to either end */
#define NOD_S        0.30 /* half the length of a nod */

/* 0 to 1, the same for the same seed and number. */
static double chance(uint64_t seed, uint64_t number)
{
	uint64_t x = seed * 0x9e3779b97f4a7c15u + number * 0xbf58476d1ce4e5b9u + 0x94d049bb133111ebu;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return (double)((x ^ x >> 31) >> 11) / 9007199254740992.0;
}

static double smooth(double x)
{
	x = fmin(1, fmax(0, x));
	return x * x * (3 - 2 * x);
}

/* 0 at both ends, 1 between: motion swells and fades. */
static double swell(double now_s, double end_s)
{
	return smooth(now_s / DH_MOTION_REACH_S) * smooth((end_s - now_s) / DH_MOTION_REACH_S);
}

static double wave(double now_s, double period_s, double turn)
{
	return sin(TAU * now_s / period_s + turn);
}

/* The lids go down fast and up slower. */
static double blink_shape(double since_s)
{
	if (since_s < 0 || since_s > BLINK_S)
		return 0;
	return since_s < 0.1 ? smooth(since_s / 0.1) : 1 - smooth((since_s - 0.12) / (BLINK_S - 0.12));
}

static double blink_at(const struct dh_motion *motion, double now_s, double end_s)
{
	double start = EDGE_S + 0.3 + 1.6 * chance(motion->seed, 1);

	for (uint64_t i = 2; start <= now_s; i++) {
		if (now_s < start + BLINK_S)
			return start + BLINK_S < end_s - EDGE_S ? blink_shape(now_s - start) : 0;
		start += BLINK_S + BLINK_GAP_S;
		start += BLINK_VARY_S * chance(motion->seed, i) * chance(motion->seed, i + 7);
	}
	return 0;
}

/* Where the eyes rest during the n-th look; mostly at the viewer. */
static void look_target(const struct dh_motion *motion, long n, double end_s, double *x, double *y)
{
	uint64_t number = 1000 + 3 * (uint64_t)n;

	*x = *y = 0;
	if (n < 1 || (n + 1) * LOOK_S > end_s - EDGE_S || chance(motion->seed, number) < 0.45)
		return;
	*x = 0.56 * (chance(motion->seed, number + 1) - 0.5);
	*y = 0.30 * (chance(motion->seed, number + 2) - 0.5);
}

static void gaze_at(struct dh_pose *pose, const struct dh_motion *motion, double now_s, double end_s)
{
	long n = (long)(now_s / LOOK_S);
	double turn = smooth((now_s - (double)n * LOOK_S) / LOOK_TURN_S);
	double x0, y0, x1, y1;

	look_target(motion, n - 1, end_s, &x0, &y0);
	look_target(motion, n, end_s, &x1, &y1);
	pose->gaze_x = x0 + (x1 - x0) * turn;
	pose->gaze_y = y0 + (y1 - y0) * turn;
}

/* How much of a nod there is: stresses lift the brows and dip the head. */
static double nod_at(const double *stresses, size_t count, double now_s)
{
	double sum = 0;

	for (size_t i = count; i-- > 0 && stresses[i] > now_s - NOD_S;) {
		double away = fabs(now_s - stresses[i]) / NOD_S;
		if (away < 1)
			sum += 0.5 + 0.5 * cos(M_PI * away);
	}
	return fmin(1, sum);
}

void dh_motion_at(struct dh_pose *pose, const struct dh_motion *motion, double now_s, double end_s,
	const double *stresses, size_t stress_count)
{
	double amount = swell(now_s, end_s), sway = amount * motion->lively;
	double nod = nod_at(stresses, stress_count, now_s) * amount;
	double turn = TAU * chance(motion->seed, 0);

	memset(pose, 0, sizeof(*pose));
	pose->breath = (0.5 - 0.5 * cos(TAU * now_s / 4.2)) * amount;
	pose->x = sway * (1.5 * wave(now_s, 7.3, turn) + 0.6 * wave(now_s, 3.1, 0));
	pose->y = sway * 0.8 * wave(now_s, 5.1, 2 * turn) - 0.7 * pose->breath + 1.5 * nod;
	pose->roll = sway * 0.007 * wave(now_s, 6.1, 3 * turn);
	pose->yaw = sway * 0.45 * wave(now_s, 7.3, turn + 0.4);
	pose->pitch = sway * 0.25 * wave(now_s, 4.7, turn) + 0.5 * nod;
	pose->brows = 0.55 * nod;
	pose->blink = blink_at(motion, now_s, end_s);
	gaze_at(pose, motion, now_s, end_s);
}
