/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How long a service has been silent, for dh-fetch. Time in which dh-fetch had no processor, or
 * waited for whoever reads the answer, is no silence of the service's. Time is an argument.
 *
 *     while (dh_fetch_silence_is_over(&silence) is false) {
 *             wait for news, at most dh_fetch_silence_wait_ms
 *             dh_fetch_silence_woke
 *             read all that has come: dh_fetch_silence_heard
 *     }
 */
#ifndef DH_FETCH_SILENCE_H
#define DH_FETCH_SILENCE_H

#include <stdbool.h>
#include <stdint.h>

struct dh_fetch_silence {
	int64_t limit_ms;
	bool is_counted;
	int64_t heard_ms; /* when last something came, or was awaited */
	int64_t woke_ms;  /* what has come by then is read before anybody is called silent */
};

void dh_fetch_silence_init(struct dh_fetch_silence *silence, int64_t limit_ms, int64_t now_ms);
/* All is said to the service, or it has taken some of what only it delays: from now on its silence counts. */
void dh_fetch_silence_begin(struct dh_fetch_silence *silence, int64_t now_ms);
/* Something came, and is dealt with. */
void dh_fetch_silence_heard(struct dh_fetch_silence *silence, int64_t now_ms);
/* How long to wait for news, at most a second. */
int dh_fetch_silence_wait_ms(const struct dh_fetch_silence *silence, int64_t now_ms);
/* The wait, which began at `since_ms` and should have taken `most_ms` at most, is over. */
void dh_fetch_silence_woke(struct dh_fetch_silence *silence, int64_t since_ms, int most_ms, int64_t now_ms);
/* Whether it has been silent for too long. To be asked when all has been read that had come before
 * the last wait ended. */
bool dh_fetch_silence_is_over(const struct dh_fetch_silence *silence);

#endif
