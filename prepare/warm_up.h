/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a worker does before it waits for its job. */
#ifndef DH_WARM_UP_H
#define DH_WARM_UP_H

/* Loads libraries and touches their tables and memory, so that a job starts at once. */
void dh_prepare_warm_up(void);

#endif
