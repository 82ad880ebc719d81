/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "file_identity.h"

#include <errno.h>
#include <glib.h>
#include <inttypes.h>
#include <time.h>

/* The coarsest timestamp granularity of any file system. */
#define FRESH_NS (2 * G_GINT64_CONSTANT(1000000000))

static int64_t ns_of(struct timespec time)
{
	return time.tv_sec * G_GINT64_CONSTANT(1000000000) + time.tv_nsec;
}

int dh_file_identity_of(struct dh_file_identity *identity, const struct stat *st)
{
	struct timespec now;

	if (!S_ISREG(st->st_mode))
		return -EINVAL;
	clock_gettime(CLOCK_REALTIME, &now);
	identity->device = st->st_dev;
	identity->inode = st->st_ino;
	identity->size = st->st_size;
	identity->mtime_ns = ns_of(st->st_mtim);
	identity->ctime_ns = ns_of(st->st_ctim);
	identity->is_fresh = ns_of(now) - identity->ctime_ns < FRESH_NS;
	return 0;
}

int dh_file_identity_get(struct dh_file_identity *identity, struct dh_opener *opener, int envelope)
{
	struct stat st;
	int err = dh_opener_stat(opener, envelope, &st);

	return err < 0 ? err : dh_file_identity_of(identity, &st);
}

bool dh_file_identity_alike(const struct dh_file_identity *a, const struct dh_file_identity *b)
{
	return a->device == b->device && a->inode == b->inode && a->size == b->size && a->mtime_ns == b->mtime_ns;
}

bool dh_file_identity_same(const struct dh_file_identity *a, const struct dh_file_identity *b)
{
	return dh_file_identity_alike(a, b) && a->ctime_ns == b->ctime_ns;
}

char *dh_file_identity_text(const struct dh_file_identity *identity)
{
	return g_strdup_printf("%" PRIx64 ":%" PRIx64 ":%" PRId64 ":%" PRId64 ":%" PRId64, identity->device,
		identity->inode, identity->size, identity->mtime_ns, identity->ctime_ns);
}
