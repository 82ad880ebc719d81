/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "stated.h"

#include <libavutil/avstring.h>

#include "playout/timebase.h"
#include "raw.h"

static bool is_any_of(const AVFormatContext *format, const char *const *names)
{
	for (; *names; names++)
		if (av_match_name(*names, format->iformat->name))
			return true;
	return false;
}

bool dh_container_is(const AVFormatContext *format, const char *name)
{
	return av_match_name(name, format->iformat->name);
}

bool dh_container_counts_samples(const AVFormatContext *format)
{
	static const char *const names[] = { "wav", "aiff", "au", "caf", "w64", "mp3", "aac", "ac3", "eac3", "amr",
		"amrnb", "amrwb", "flac", NULL };
	return is_any_of(format, names) || dh_raw_is_samples(format->iformat->name);
}

static bool states_length(const AVFormatContext *format)
{
	static const char *const names[] = { "mov", "matroska", "flv", "flac", "wav", "aiff", "au", "caf", "w64",
		NULL };
	/* MP3 may have a header that states it */
	return is_any_of(format, names) ||
		(dh_container_is(format, "mp3") && format->duration_estimation_method == AVFMT_DURATION_FROM_STREAM);
}

int64_t dh_stated_ticks(const AVFormatContext *format, const int *streams, int count, bool *is_end)
{
	int64_t longest = 0, all;
	bool are_all_known = count > 0;
	*is_end = dh_container_is(format, "matroska") || dh_container_is(format, "flv");
	if (!states_length(format))
		return 0;
	for (int i = 0; i < count; i++) {
		const AVStream *st = format->streams[streams[i]];
		int64_t ticks = st->duration > 0 ?
			av_rescale_q(st->duration, st->time_base, (AVRational){ 1, (int)DH_TICKS_PER_SECOND }) :
			0;
		are_all_known &= ticks > 0;
		longest = ticks > longest ? ticks : longest;
	}
	all = format->duration > 0 ? av_rescale(format->duration, DH_TICKS_PER_SECOND, AV_TIME_BASE) : 0;
	return are_all_known && (all == 0 || longest < all) ? longest : all;
}
