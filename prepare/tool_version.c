/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tool_version.h"

#include <stdio.h>

#include <libavcodec/avcodec.h>
#include <libswresample/swresample.h>
#include <libswscale/swscale.h>
#include <opus.h>
#include <vpx/vpx_codec.h>

#include "playout/stream.h"

#ifndef DH_VERSION
#define DH_VERSION "0"
#endif

const char *dh_prepare_version(void)
{
	static char text[200];
	snprintf(text, sizeof text, "dh-prepare %s (format %d; %s; %s; libavcodec %u; libswscale %u; libswresample %u)",
		DH_VERSION, DH_STREAM_VERSION, vpx_codec_version_str(), opus_get_version_string(), avcodec_version(),
		swscale_version(), swresample_version());
	return text;
}
