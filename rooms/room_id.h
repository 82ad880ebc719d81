/* Ids of rooms: integers, or texts where the configuration says `string_ids`.
 * Inside they are texts always; what is asked and told is JSON of either kind.
 */
#ifndef DH_ROOM_ID_H
#define DH_ROOM_ID_H

#include <glib.h>
#include <jansson.h>

#define DH_ROOM_ID_MAX 256 /* bytes of a text */

/* As the configuration or a request has it, an integer as text; NULL: `text` is
 * no integer from 1 to 2^53 - 1 (what JavaScript keeps exactly), or, with
 * `string_ids`, not 1 to DH_ROOM_ID_MAX bytes without control characters. The
 * caller's. */
char *dh_room_id_parse(const char *text, gboolean string_ids);
char *dh_room_id_from_json(const json_t *id, gboolean string_ids);

json_t *dh_room_id_to_json(const char *id, gboolean string_ids);

/* A large one, so that nobody guesses it or meets it by chance among an
 * operator's small ones; with `string_ids` a UUID. */
char *dh_room_id_random(gboolean string_ids);

#endif
