/* What dh-prepare --version prints. */
#ifndef DH_TOOL_VERSION_H
#define DH_TOOL_VERSION_H

/* One line that changes whenever the output may: our version, the libraries'. */
const char *dh_prepare_version(void);

#endif
