/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tokens, which prove that one knows a room's secret (docs/push.md). */
#ifndef DH_SEND_TOKEN_H
#define DH_SEND_TOKEN_H

#include <stdint.h>

#define DH_SEND_NONCE_CHARS 32
#define DH_SEND_TOKEN_S     300 /* how long one is good for; clocks of two machines differ by less */

/* Random, of characters that a nonce may have. Negative errno: there is no randomness. */
int dh_send_nonce(char nonce[DH_SEND_NONCE_CHARS + 1]);

/* A token that expires at `expiry_s`, Unix time. `room` is the id as text. g_free it. */
char *dh_send_token(const char *secret, const char *room, int64_t expiry_s, const char *nonce);

#endif
