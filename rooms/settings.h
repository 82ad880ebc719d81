/* What "edit" can change of a room. Immutable and refcounted: a room's are
 * replaced as a whole, so whoever reads them sees old or new ones, never a mix.
 */
#ifndef DH_SETTINGS_H
#define DH_SETTINGS_H

#include <glib.h>
#include <jansson.h>

struct dh_settings {
	const char *description;
	json_t *metadata;         /* an object */
	const char *secret, *pin; /* NULL: none */
	gboolean is_private;
	gboolean signed_tokens;
	/* private */
	gatomicrefcount refs;
};

/* What an edit changes. */
struct dh_settings_change {
	const char *description;  /* these three: NULL leaves it as it is */
	json_t *metadata;
	const char *secret;
	const char *pin;          /* the same; "" takes it away */
	const json_t *is_private; /* the same */
};

/* Copies what is given; `metadata` NULL: an empty object. One reference is the
 * caller's. */
struct dh_settings *dh_settings_new(const struct dh_settings *given);
/* New ones, like `old` but for the change. */
struct dh_settings *dh_settings_changed(const struct dh_settings *old, const struct dh_settings_change *change);
struct dh_settings *dh_settings_ref(struct dh_settings *settings);
void dh_settings_unref(struct dh_settings *settings); /* NULL is fine */

#endif
