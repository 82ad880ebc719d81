/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hear LASTING_MS: what a microphone is taken to say. Each line of standard input is 20 ms: how loud the room was, and
 * the microphone (dBov). Prints the line's number and what changes: 1 speaking, 2 lasting, 3 silent.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "playout/hearing.h"

static enum dh_hearing_change hear(struct dh_hearing *hearing, const struct dh_sent *sent, int number, double level,
	int lasting_ms, int64_t now)
{
	static const uint8_t opus[] = { 0xf8, 0 };
	const struct dh_heard_packet packet = { (uint16_t)number, (uint32_t)number * 960, (int)lrint(fmax(level, -127)),
		opus, sizeof opus };

	return dh_hearing_packet(hearing, &packet, sent, lasting_ms * DH_TICKS_PER_MS, now);
}

int main(int argc, char **argv)
{
	static struct dh_hearing hearing;
	static struct dh_sent sent;
	int64_t now = 1000 * DH_TICKS_PER_SECOND;
	double room, microphone;

	dh_hearing_init(&hearing);
	for (int i = 0; scanf("%lf %lf", &room, &microphone) == 2; i++) {
		dh_sent_put(&sent, (int)lrint(room), now);
		now += DH_SLOT_TICKS;
		int change = hear(&hearing, &sent, i, fmin(microphone, 0), argc > 1 ? atoi(argv[1]) : 300, now);
		if (change)
			printf("%d %d\n", i, change);
	}
	return 0;
}
