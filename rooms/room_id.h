/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Room ids: integers, or strings if `string_ids` is set. The code keeps both as
 * strings; JSON has them as what they are.
 */
#ifndef DH_ROOM_ID_H
#define DH_ROOM_ID_H

#include <stdbool.h>

#include <glib.h>
#include <jansson.h>

#define DH_ROOM_ID_MAX 256 /* bytes of a string */

/* The id in a configuration or a request, as a string that the caller owns. NULL: not
 * an integer from 1 to 2^53 - 1 (which JavaScript can represent exactly), or, with
 * `string_ids`, not a string of 1 to DH_ROOM_ID_MAX bytes without control characters. */
char *dh_room_id_parse(const char *text, bool string_ids);
char *dh_room_id_from_json(const json_t *id, bool string_ids);

/* A new reference. */
json_t *dh_room_id_to_json(const char *id, bool string_ids);

/* A random id, which the caller owns: a large number, which nobody guesses and which
 * does not collide with an operator's small ones; with `string_ids` a UUID. */
char *dh_room_id_random(bool string_ids);

#endif
