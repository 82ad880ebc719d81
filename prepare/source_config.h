/* How an input is opened. */
#ifndef DH_SOURCE_CONFIG_H
#define DH_SOURCE_CONFIG_H

#include "playout/unit.h"
#include "raw.h"

#define DH_WANT_AUDIO (1 << DH_AUDIO)
#define DH_WANT_VIDEO (1 << DH_VIDEO)

struct dh_source_config {
	int fd;
	const char *name;
	const struct dh_raw *raw;
	int want;       /* DH_WANT_… */
	int max_side;   /* of a picture in the input */
	int max_ms;     /* an input that states to be longer is refused; 0: no limit */
	int silence_ms;
};

#endif
