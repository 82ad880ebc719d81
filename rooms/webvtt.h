/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads the captions of a WebVTT or SubRip file, whatever else is in it.
 *
 * Pure; any thread. Anything may be given: what is no cue is left out, as players do.
 */
#ifndef DH_WEBVTT_H
#define DH_WEBVTT_H

#include <stddef.h>

#include <jansson.h>

#define DH_WEBVTT_BYTES_MAX 524288

/* The cues in `text`, in order, as dh_captions_check accepts them (timed_text.h): those beyond its
 * limits are left out, longer texts cut. Tags, settings and identifiers are dropped. A new
 * reference; NULL: there is none. */
json_t *dh_webvtt_captions(const char *text, size_t size);

#endif
