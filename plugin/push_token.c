/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "push_token.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <glib.h>

#define NONCE_MIN 16
#define NONCE_MAX 64
#define MAC_CHARS 64
/* Only who knows a secret can add one. */
#define USED_MAX 100000

struct dh_push_tokens {
	GMutex lock;
	/* protected by lock: the MACs of tokens that were used, with their expiry */
	GHashTable *used;
};

struct token {
	char *head; /* expiry "." nonce */
	int64_t expiry_s;
	const char *mac;
};

struct dh_push_tokens *dh_push_tokens_new(void)
{
	struct dh_push_tokens *tokens = g_new0(struct dh_push_tokens, 1);

	g_mutex_init(&tokens->lock);
	tokens->used = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	return tokens;
}

void dh_push_tokens_free(struct dh_push_tokens **tokens)
{
	struct dh_push_tokens *old = *tokens;

	*tokens = NULL;
	if (!old)
		return;
	g_hash_table_unref(old->used);
	g_mutex_clear(&old->lock);
	g_free(old);
}

static bool parse(const char *text, struct token *token)
{
	static const char digits[] = "0123456789", lower_hex[] = "0123456789abcdef",
			  nonce_chars[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
	size_t expiry = strspn(text, digits);
	size_t nonce = text[expiry] == '.' ? strspn(text + expiry + 1, nonce_chars) : 0;

	if (expiry < 1 || expiry > 12 || nonce < NONCE_MIN || nonce > NONCE_MAX || text[expiry + 1 + nonce] != '.')
		return false;
	token->mac = text + expiry + 1 + nonce + 1;
	if (strlen(token->mac) != MAC_CHARS || strspn(token->mac, lower_hex) != MAC_CHARS)
		return false;
	token->expiry_s = g_ascii_strtoll(text, NULL, 10);
	token->head = g_strndup(text, expiry + 1 + nonce);
	return true;
}

/* Takes the same time wherever they differ. */
static bool is_same_mac(const char *a, const char *b)
{
	unsigned char difference = 0;

	for (int i = 0; i < MAC_CHARS; i++)
		difference |= (unsigned char)(a[i] ^ b[i]);
	return difference == 0;
}

static bool is_right(const struct token *token, const char *secret, const char *room)
{
	char *text = g_strdup_printf("push.%s.%s", token->head, room);
	char *mac = g_compute_hmac_for_string(G_CHECKSUM_SHA256, (const guchar *)secret, strlen(secret), text, -1);
	bool is_right = is_same_mac(mac, token->mac);

	g_free(mac);
	g_free(text);
	return is_right;
}

static gboolean is_over(gpointer mac, gpointer expiry_s, gpointer now_s)
{
	(void)mac;
	return *(const int64_t *)expiry_s < *(const int64_t *)now_s;
}

static int mark_used(struct dh_push_tokens *tokens, const struct token *token, int64_t now_s)
{
	int err = 0;

	g_mutex_lock(&tokens->lock);
	if (g_hash_table_size(tokens->used) >= USED_MAX)
		g_hash_table_foreach_remove(tokens->used, is_over, &now_s);
	if (g_hash_table_contains(tokens->used, token->mac))
		err = -EALREADY;
	else if (g_hash_table_size(tokens->used) >= USED_MAX)
		err = -ENOBUFS;
	else
		g_hash_table_insert(tokens->used, g_strdup(token->mac),
			g_memdup2(&token->expiry_s, sizeof token->expiry_s));
	g_mutex_unlock(&tokens->lock);
	return err;
}

int dh_push_token_use(struct dh_push_tokens *tokens, const char *text, const char *secret, const char *room,
	int64_t now_s)
{
	struct token token;
	int err;

	if (!parse(text, &token))
		return -EINVAL;
	if (!is_right(&token, secret, room))
		err = -EINVAL;
	else if (token.expiry_s < now_s || token.expiry_s > now_s + DH_PUSH_TOKEN_MAX_S)
		err = -ETIME;
	else
		err = mark_used(tokens, &token, now_s);
	g_free(token.head);
	return err;
}
