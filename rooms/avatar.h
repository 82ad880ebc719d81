/* An avatar: a size and an idle clip, prepared once and shared by its rooms.
 *
 * It is prepared when the first room wants it, and where that fails again and
 * again, ever more seldom, as long as there are rooms. What came out of it is
 * immutable; any thread may read it once dh_avatar_state says so.
 */
#ifndef DH_AVATAR_H
#define DH_AVATAR_H

#include <glib.h>

#include "plugin/config.h"
#include "playout/segment.h"
#include "ingest/ingest.h"

struct dh_avatar;
struct dh_room;

/* One that has failed stays so until another attempt succeeds. */
enum dh_avatar_state { DH_AVATAR_PREPARING, DH_AVATAR_READY, DH_AVATAR_FAILED };

/* `config` must outlive it. */
struct dh_avatar *dh_avatar_new(const struct dh_avatar_config *config, struct dh_io *io,
	struct dh_ingest *ingest);

/* No room may have it any more. Not from the I/O thread. */
void dh_avatar_free(struct dh_avatar *avatar);

const struct dh_avatar_config *dh_avatar_get_config(const struct dh_avatar *avatar);

/* `room` is told by dh_room_avatar_changed when the clip is there or could
 * not be made, as often as it was tried; at once when it is there already. An
 * avatar that has failed before is tried again at once. A reference to `room` is
 * held until it leaves. */
void dh_avatar_join(struct dh_avatar *avatar, struct dh_room *room);
void dh_avatar_leave(struct dh_avatar *avatar, struct dh_room *room);

enum dh_avatar_state dh_avatar_state(struct dh_avatar *avatar);

/* Why it failed last, a copy; NULL when it did not. */
char *dh_avatar_error(struct dh_avatar *avatar);

/* The anchor's picture, lent; NULL unless it is ready. */
GBytes *dh_avatar_picture(struct dh_avatar *avatar);

/* The idle clip as a segment of its own, which is the caller's. -EAGAIN unless
 * it is ready; -ENOMEM, -EINVAL. */
int dh_avatar_clip(struct dh_avatar *avatar, struct dh_segment **clip);

#endif
