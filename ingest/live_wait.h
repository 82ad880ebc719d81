/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Why something live that plays next gets no worker. */
#ifndef DH_LIVE_WAIT_H
#define DH_LIVE_WAIT_H

#include <stdbool.h>

struct dh_live_wait {
	bool is_share;   /* its owner has its share of the places for what is live; otherwise all are taken */
	int limit;       /* how many places that is */
	bool is_for_log; /* the log has had no warning of this cause lately */
};

#endif
