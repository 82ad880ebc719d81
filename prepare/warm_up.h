/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a worker does before it waits for its job. */
#ifndef DH_WARM_UP_H
#define DH_WARM_UP_H

/* Loads libraries and touches their tables and memory, so that a job starts at once. */
void dh_prepare_warm_up(void);

/* In a copy of a process that has warmed up: takes its own copy of the memory at once, a few
 * milliseconds, which would else be needed page by page with the first pictures. */
void dh_prepare_warm_copy(void);

#endif
