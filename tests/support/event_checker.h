/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Checks segment events, as event handlers get them, against docs/api.md: each segment is
 * queued, may start, and ends exactly once, with no event before or after. Segments are
 * identified by id and room; an id may be used again after its end. */
#ifndef DH_EVENT_CHECKER_H
#define DH_EVENT_CHECKER_H

#include <jansson.h>

struct event_checker;

struct event_checker *event_checker_new(void);
void event_checker_free(struct event_checker **checker);

/* Handles one event; for struct gateway_options. Any thread. */
void event_checker_see(void *checker, const json_t *event);

/* How many segments there have been, and how many of them have not ended. */
int event_checker_count(struct event_checker *checker);
int event_checker_open(struct event_checker *checker);

/* The first promise that was broken; NULL if none was. Valid as long as the checker. */
const char *event_checker_error(struct event_checker *checker);

#endif
