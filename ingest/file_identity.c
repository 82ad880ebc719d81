#include "file_identity.h"

#include <errno.h>
#include <glib.h>
#include <sys/stat.h>
#include <time.h>

#define FRESH_NS   (2 * G_GINT64_CONSTANT(1000000000))

int dh_file_identity_get(struct dh_file_identity *identity, int fd)
{
	struct timespec now;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	clock_gettime(CLOCK_REALTIME, &now);
	identity->device = st.st_dev;
	identity->inode = st.st_ino;
	identity->size = st.st_size;
	identity->mtime_ns = st.st_mtim.tv_sec * G_GINT64_CONSTANT(1000000000) + st.st_mtim.tv_nsec;
	identity->is_fresh =
		now.tv_sec * G_GINT64_CONSTANT(1000000000) + now.tv_nsec - identity->mtime_ns < FRESH_NS;
	return 0;
}

int dh_file_identity_same(const struct dh_file_identity *a, const struct dh_file_identity *b)
{
	return a->device == b->device && a->inode == b->inode && a->size == b->size && a->mtime_ns == b->mtime_ns;
}
