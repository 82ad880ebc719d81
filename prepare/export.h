/* A prepared segment as WebM, so that any player shows it. */
#ifndef DH_EXPORT_H
#define DH_EXPORT_H

#include "fault.h"

/* The anchor comes first, as key frame, and the segment's first picture 1 ms
 * after it; all else keeps its time. */
int dh_export(const char *path, const char *to, struct dh_fault *fault);

#endif
