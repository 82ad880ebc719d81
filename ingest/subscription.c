/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "subscription.h"

#include <errno.h>
#include <string.h>

#include "prepare/job.h"

struct dh_subscription *dh_subscription_new(const struct dh_ingest_listener *listener, void *arg)
{
	struct dh_subscription *new = g_new0(struct dh_subscription, 1);
	pthread_mutexattr_t recursive;

	new->listener = *listener;
	new->arg = arg;
	pthread_mutexattr_init(&recursive);
	pthread_mutexattr_settype(&recursive, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(&new->lock, &recursive);
	pthread_mutexattr_destroy(&recursive);
	return new;
}

void dh_subscription_free(struct dh_subscription **subscription)
{
	struct dh_subscription *old = *subscription;

	*subscription = NULL;
	if (!old)
		return;
	pthread_mutex_destroy(&old->lock);
	g_free(old->names[0]);
	g_free(old->names[1]);
	g_free(old);
}

/* --- telling */

#define TELL(s, what, ...) \
	do { \
		if (!(s)->is_gone && (s)->listener.what) \
			(s)->listener.what((s)->arg, __VA_ARGS__); \
	} while (0)

static const char *without_folders(const char *name)
{
	const char *slash = strrchr(name, '/');

	return slash && slash[1] ? slash + 1 : name;
}

/* A worker's text with the names of this subscription's files (prepare/job.h); g_free it. */
static char *name_files(const struct dh_subscription *s, const char *text, bool has_folders)
{
	GString *named = g_string_new(NULL);
	const char *mark;

	for (; (mark = strstr(text, DH_JOB_NAME)); text = mark) {
		g_string_append_len(named, text, mark - text);
		mark += strlen(DH_JOB_NAME);
		const char *name = *mark == '1' ? s->names[0] : *mark == '2' ? s->names[1] : NULL;
		if (name)
			mark++;
		g_string_append(named, !name ? DH_JOB_NAME : has_folders ? name : without_folders(name));
	}
	g_string_append(named, text);
	return g_string_free(named, FALSE);
}

static void tell_note(const struct dh_subscription *s, const char *note)
{
	char *text = name_files(s, note, false);

	TELL(s, note, text);
	g_free(text);
}

static void tell_failure(const struct dh_subscription *s, const struct dh_recording *recording)
{
	char *text = name_files(s, recording->text, true);

	TELL(s, failure, recording->code, text);
	g_free(text);
}

static void tell_start(struct dh_subscription *s, const struct dh_recording *recording)
{
	if (!s->has_head && recording->has_head) {
		s->has_head = true;
		TELL(s, head, &recording->head);
	}
	if (!s->has_anchor && recording->anchor) {
		s->has_anchor = true;
		TELL(s, anchor, recording->anchor);
	}
	if (!s->has_picture && recording->picture) {
		s->has_picture = true;
		TELL(s, picture, recording->picture);
	}
}

static void tell_rest(struct dh_subscription *s, const struct dh_recording *recording, bool may_end)
{
	for (; s->words < recording->words->len; s->words++)
		TELL(s, word, recording->words->pdata[s->words]);
	for (; s->notes < recording->notes->len; s->notes++)
		tell_note(s, recording->notes->pdata[s->notes]);
	if (s->units < recording->units->len) {
		struct dh_unit *const *units = (struct dh_unit *const *)recording->units->pdata + s->units;
		size_t count = recording->units->len - s->units;
		s->units = recording->units->len;
		TELL(s, units, units, count);
	}
	if (recording->state == DH_RECORDING_OPEN || !may_end || s->is_over)
		return;
	s->is_over = true;
	if (recording->state == DH_RECORDING_ENDED)
		TELL(s, end, &recording->end);
	else
		tell_failure(s, recording);
}

void dh_subscription_tell(struct dh_subscription *s, const struct dh_recording *recording, bool may_end)
{
	pthread_mutex_lock(&s->lock);
	tell_start(s, recording);
	tell_rest(s, recording, may_end);
	pthread_mutex_unlock(&s->lock);
}

void dh_subscription_release(struct dh_subscription *s, struct dh_recording *recording, int64_t before_ticks)
{
	s->units -= dh_recording_release(recording, before_ticks, s->units);
}

void dh_subscription_held(struct dh_subscription *s, bool is_held)
{
	pthread_mutex_lock(&s->lock);
	TELL(s, held, is_held);
	pthread_mutex_unlock(&s->lock);
}

void dh_subscription_no_place(struct dh_subscription *s, const struct dh_live_wait *wait)
{
	pthread_mutex_lock(&s->lock);
	TELL(s, no_place, wait);
	pthread_mutex_unlock(&s->lock);
}

void dh_subscription_first_byte(struct dh_subscription *s)
{
	pthread_mutex_lock(&s->lock);
	if (!s->has_first_byte) {
		s->has_first_byte = true;
		if (!s->is_gone && s->listener.first_byte)
			s->listener.first_byte(s->arg);
	}
	pthread_mutex_unlock(&s->lock);
}

int dh_subscription_open(struct dh_subscription *s, int *fd, char **error)
{
	int err = -ECANCELED;

	pthread_mutex_lock(&s->lock);
	if (!s->is_gone)
		err = s->listener.open(s->arg, fd, error);
	pthread_mutex_unlock(&s->lock);
	return err;
}

void dh_subscription_silence(struct dh_subscription *s)
{
	pthread_mutex_lock(&s->lock);
	s->is_gone = true;
	pthread_mutex_unlock(&s->lock);
}
