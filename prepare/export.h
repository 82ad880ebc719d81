/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writes a prepared segment as WebM, for any player. */
#ifndef DH_EXPORT_H
#define DH_EXPORT_H

#include "fault.h"

/* The anchor comes first, as the key frame, and the first picture 1 ms after it;
 * everything else keeps its time. Pictures with mattes are coded anew, as VP8 with alpha, without the
 * anchor. `path` and `to` as in file.h. */
int dh_export(const char *path, const char *to, struct dh_fault *fault);

#endif
