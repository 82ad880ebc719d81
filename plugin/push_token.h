/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tokens with which generators push: proof of a room's secret, for one connection and for
 * a short time. docs/push.md describes them. Any thread.
 */
#ifndef DH_PUSH_TOKEN_H
#define DH_PUSH_TOKEN_H

#include <stdint.h>

#define DH_PUSH_TOKEN_MAX   256   /* bytes of a token */
#define DH_PUSH_TOKEN_MAX_S 3600  /* from now to its expiry */
#define DH_PUSH_TOKENS_MAX  10000 /* of a room, used and not expired */

struct dh_push_tokens;

struct dh_push_tokens *dh_push_tokens_new(void);
void dh_push_tokens_free(struct dh_push_tokens **tokens); /* *tokens may be NULL */

/* Whether `token` is right for the room `room` with the secret `secret` at `now_s` (Unix
 * time), and has not been used before; from then on it has. 0; -EINVAL: it is malformed or
 * wrong; -ETIME: too late, or its expiry is too far away; -EALREADY: used before; -ENOBUFS:
 * too many of the room have been used within their time; or too many of all rooms, and of this
 * one 1000. */
int dh_push_token_use(struct dh_push_tokens *tokens, const char *token, const char *secret, const char *room,
	int64_t now_s);

#endif
