/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What dh-prepare --version prints. */
#ifndef DH_TOOL_VERSION_H
#define DH_TOOL_VERSION_H

/* One line with all versions that may change the output: ours and the libraries'. */
const char *dh_prepare_version(void);

#endif
