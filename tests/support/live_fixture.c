/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "live_fixture.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"
#include "stream_fixture.h"

static void hear_held(void *arg, bool is_held)
{
	struct live *live = arg;

	pthread_mutex_lock(&live->heard.lock);
	live->held += is_held;
	live->resumed += !is_held;
	pthread_cond_broadcast(&live->heard.change);
	pthread_mutex_unlock(&live->heard.lock);
}

static void hear_no_place(void *arg, const struct dh_live_wait *wait)
{
	struct live *live = arg;

	pthread_mutex_lock(&live->heard.lock);
	live->no_places++;
	live->wait = *wait;
	pthread_cond_broadcast(&live->heard.change);
	pthread_mutex_unlock(&live->heard.lock);
}

static void hear_first_byte(void *arg)
{
	struct live *live = arg;

	pthread_mutex_lock(&live->heard.lock);
	live->first_bytes++;
	pthread_mutex_unlock(&live->heard.lock);
}

static void hear_units(void *arg, struct dh_unit *const *units, size_t count)
{
	struct live *live = arg;

	pthread_mutex_lock(&live->heard.lock);
	live->is_late = live->is_late || live->first_bytes == 0;
	pthread_mutex_unlock(&live->heard.lock);
	hear.units(arg, units, count);
}

static void hear_word(void *arg, const struct dh_stream_word *word)
{
	struct live *live = arg;

	pthread_mutex_lock(&live->heard.lock);
	size_t used = strlen(live->words);
	snprintf(live->words + used, sizeof live->words - used, "%s%d-%d %s", used ? "|" : "",
		(int)dh_ms_from_ticks(word->from_ticks), (int)dh_ms_from_ticks(word->to_ticks), word->text);
	pthread_mutex_unlock(&live->heard.lock);
}

void live_prepare(struct live *live)
{
	int ends[2];

	memset(live, 0, sizeof *live);
	heard_init(&live->heard);
	CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	live->out = ends[0];
	live->in = ends[1];
}

void live_listen(struct ingest_fixture *fixture, struct live *live, int64_t ahead_ticks)
{
	struct dh_ingest_listener listener = hear;
	struct dh_ingest_source source;

	listener.held = hear_held;
	listener.no_place = hear_no_place;
	listener.first_byte = hear_first_byte;
	listener.word = hear_word;
	listener.units = hear_units;
	dh_ingest_source_init(&source);
	source.count = 1;
	source.names[0] = "push";
	source.fds[0] = live->in;
	source.ahead_ticks = ahead_ticks;
	CHECK_INT(dh_ingest_subscribe(fixture->ingest, &source, &listener, live, &live->heard.subscription), 0);
}

void live_open(struct ingest_fixture *fixture, struct live *live, int64_t ahead_ticks)
{
	live_prepare(live);
	live_listen(fixture, live, ahead_ticks);
}

void live_close(struct live *live)
{
	if (live->out >= 0)
		close(live->out);
	heard_clear(&live->heard);
}

void live_push(struct live *live, const void *bytes, size_t size)
{
	CHECK_INT(send(live->out, bytes, size, MSG_NOSIGNAL), size);
}

int live_append(void *arg, const void *bytes, size_t size)
{
	g_byte_array_append(arg, bytes, (guint)size);
	return 0;
}

/* A stream of sound; its end is left to the caller. */
GByteArray *live_sound(int frames)
{
	const struct dh_stream_head head = { .has_audio = true, .rate_den = 1, .encoder = "test" };
	GByteArray *bytes = g_byte_array_new();
	const struct dh_stream_writer writer = { live_append, bytes };

	CHECK_INT(dh_stream_write_head(&writer, &head), 0);
	for (int i = 0; i < frames; i++) {
		struct fixture_unit from = { DH_AUDIO, 0, INT64_C(14400) * i, 14400, 60 };
		CHECK_INT(fixture_write_unit(&writer, &from), 0);
	}
	return bytes;
}

void live_add_end(GByteArray *bytes, int frames)
{
	const struct dh_stream_writer writer = { live_append, bytes };
	const struct dh_stream_end end = { .audio_ticks = INT64_C(14400) * frames };

	CHECK_INT(dh_stream_write_end(&writer, &end), 0);
}
