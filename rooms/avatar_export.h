/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef DH_AVATAR_EXPORT_H
#define DH_AVATAR_EXPORT_H

#include "avatar.h"

/* What `dh-prepare --avatar` needs to encode for this avatar elsewhere: a prepared stream
 * with its anchor, the anchor's picture and one picture of its clip. A new reference; NULL
 * unless the avatar is ready, or out of memory. Any thread. */
GBytes *dh_avatar_export(const struct dh_avatar *avatar);

#endif
