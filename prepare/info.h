/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Describes a prepared segment on standard output, as text or as JSON. */
#ifndef DH_INFO_H
#define DH_INFO_H

#include <stdbool.h>

#include "fault.h"

/* Verifies the whole file. If the segment ended in a failure, shows and returns
 * that. */
int dh_info(const char *path, bool as_json, struct dh_fault *fault);

#endif
