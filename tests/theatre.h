/* What a plugin needs to play, in a folder of its own: a configuration, an
 * avatar's idle clip, and segments, some of which are prepared (no process is
 * started for those) and some tell tests/fake_worker what to do.
 */
#ifndef DH_THEATRE_H
#define DH_THEATRE_H

#define THEATRE_SECRET    "sesame-1704"  /* of rooms; the log must not tell it */
#define THEATRE_ADMIN_KEY "admin-sesame-1704"
#define THEATRE_PIN       "4711"
#define THEATRE_AVATAR    "demo"
#define THEATRE_GENERATOR "echo"

struct theatre {
	char folder[64];
};

/* Rooms 1 (open, with a generator), 2 (with secret) and 3 (with secret and PIN),
 * and room 9, of an avatar whose idle clip the worker has to prepare.
 * `worker`: the program; NULL: neither worker nor generator exist, and no process
 * is ever started. `general`: further lines of that category (NULL: none). 0, or
 * -1 with errno. */
int theatre_make(struct theatre *theatre, const char *worker, const char *general);
void theatre_clear(struct theatre *theatre);

/* A file in the folder; 0, or -1 with errno. */
int theatre_file(const struct theatre *theatre, const char *name, const void *bytes, size_t size);

/* Names of segments, NULL at the end. Those that are prepared: */
extern const char *const theatre_prepared[];
/* … those that need tests/fake_worker; what is not good of them fails; */
extern const char *const theatre_deeds[];
/* … and half a second of picture and sound, for dh-prepare. */
#define THEATRE_PICTURE "face.y4m"
#define THEATRE_SOUND   "voice.wav"

#endif
