/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A source that is pushed through a socket, and a listener that also hears when it is held. */
#ifndef DH_TESTS_LIVE_FIXTURE_H
#define DH_TESTS_LIVE_FIXTURE_H

#include <stdbool.h>
#include <stdint.h>

#include "ingest_fixture.h"

struct live {
	struct heard heard; /* the first member: it is the listener's argument */
	int out, in;        /* the sender's end, and the one that live_listen gives away */
	/* protected by heard.lock */
	int held, resumed, first_bytes;
	int no_places; /* how often it heard that there is none */
	struct dh_live_wait wait;
	bool is_late;    /* units came before the first byte was reported */
	char words[200]; /* "0-300 One|…", in milliseconds */
};

/* What is pushed between the two is there before its time begins. */
void live_prepare(struct live *live);
/* Subscribes to it; `ahead_ticks` as in ingest/source.h. */
void live_listen(struct ingest_fixture *fixture, struct live *live, int64_t ahead_ticks);
/* Both. */
void live_open(struct ingest_fixture *fixture, struct live *live, int64_t ahead_ticks);
void live_close(struct live *live);

/* Writes all of it. */
void live_push(struct live *live, const void *bytes, size_t size);

/* For struct dh_stream_writer; `arg` is a GByteArray. */
int live_append(void *arg, const void *bytes, size_t size);

/* A stream of sound, frames of 20 ms; its end is left to the caller, who drops the array. */
GByteArray *live_sound(int frames);
void live_add_end(GByteArray *bytes, int frames);

#endif
