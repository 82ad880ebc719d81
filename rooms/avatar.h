/* An avatar: a size and an idle clip, prepared once and shared by its rooms.
 *
 * It is prepared when the first room wants it, and where that fails again and
 * again, ever more seldom, as long as there are rooms. What came out of it is
 * immutable; any thread may read it once dh_avatar_state says so.
 */
#ifndef DH_AVATAR_H
#define DH_AVATAR_H

#include <glib.h>

#include "playout/segment.h"
#include "ingest/ingest.h"

/* As the configuration has it; texts are the owner's. */
struct dh_avatar_config {
	char *name;
	int64_t width, height;
	char *idle, *portrait;   /* paths; at least one of them */
	int64_t pingpong;
	int64_t kbps, entry_ms;
};

struct dh_avatar;

/* Who wants to know when the clip is there, or could not be made: `changed` is
 * called as often as it was tried, from any thread and without a lock. */
struct dh_avatar_listener {
	void (*changed)(void *arg);
	void *(*ref)(void *arg); /* returns `arg` */
	void (*unref)(void *arg);
};

/* One that has failed stays so until another attempt succeeds. */
enum dh_avatar_state { DH_AVATAR_PREPARING, DH_AVATAR_READY, DH_AVATAR_FAILED };

/* `config` must outlive it. */
struct dh_avatar *dh_avatar_new(const struct dh_avatar_config *config, struct dh_io *io,
	struct dh_ingest *ingest);

/* No room may have it any more. Not from the I/O thread. */
void dh_avatar_free(struct dh_avatar *avatar);

const struct dh_avatar_config *dh_avatar_get_config(const struct dh_avatar *avatar);

/* A room comes: `listener` (which stays the caller's) hears of the clip, at once
 * when it is there already; an avatar that has failed is tried again at once. A
 * reference to `arg` is held until it leaves. */
void dh_avatar_join(struct dh_avatar *avatar, const struct dh_avatar_listener *listener, void *arg);
void dh_avatar_leave(struct dh_avatar *avatar, void *arg);

enum dh_avatar_state dh_avatar_state(struct dh_avatar *avatar);

/* Why it failed last, a copy; NULL when it did not. */
char *dh_avatar_error(struct dh_avatar *avatar);

/* The anchor's picture, lent; NULL unless it is ready. */
GBytes *dh_avatar_picture(struct dh_avatar *avatar);

/* The idle clip as a segment of its own, which is the caller's. -EAGAIN unless
 * it is ready; -ENOMEM, -EINVAL. */
int dh_avatar_clip(struct dh_avatar *avatar, struct dh_segment **clip);

#endif
