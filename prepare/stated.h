/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The length that a container states. Many demuxers guess one, from the bit rate of the
 * first packets or from times that jump; that is no reason for anything.
 */
#ifndef DH_STATED_H
#define DH_STATED_H

#include <stdbool.h>
#include <stdint.h>

#include <libavformat/avformat.h>

/* Whether the demuxer has this among its names. */
bool dh_container_is(const AVFormatContext *format, const char *name);

/* Whether it counts the samples of its sound, and knows no other time. */
bool dh_container_counts_samples(const AVFormatContext *format);

/* The length of the longest of `count` streams; 0: not stated. *is_end: what is stated may
 * be the time at which it ends, wherever it begins. */
int64_t dh_stated_ticks(const AVFormatContext *format, const int *streams, int count, bool *is_end);

#endif
