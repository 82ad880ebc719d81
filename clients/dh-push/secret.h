/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A room's secret: from a file or from the environment, never from an argument, which every
 * user of the machine can see. */
#ifndef DH_SEND_SECRET_H
#define DH_SEND_SECRET_H

#include "fault.h"

#define DH_SEND_SECRET_VARIABLE "DH_PUSH_SECRET"
#define DH_SEND_SECRET_MAX      4096 /* bytes */

/* The first line of `file`; where that is NULL, `variable`; where that is NULL or empty, none: NULL.
 * Fails with DH_SEND_USAGE. g_free it. */
int dh_send_secret_read(char **secret, const char *file, const char *variable, struct dh_send_fault *fault);

#endif
