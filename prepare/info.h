/* What is in a prepared segment, for people or as JSON, on standard output. */
#ifndef DH_INFO_H
#define DH_INFO_H

#include "fault.h"

/* Verifies the whole file. For a segment that ended in a failure it shows that,
 * and returns its code. */
int dh_info(const char *path, int as_json, struct dh_fault *fault);

#endif
