/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "push_token.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <glib.h>

#define NONCE_MIN 16
#define NONCE_MAX 64
#define MAC_CHARS 64
/* Used ones that are remembered, in all, and of a room for which there is no space left: so one
 * room's secret is none to use up what others need. */
#define ALL_MAX     100000
#define ROOM_ALWAYS 1000
/* Expired ones are forgotten in small steps, but faster than others come. */
#define FORGET_MAX 8

struct used {
	int64_t expiry_s;
	char mac[MAC_CHARS];
};

struct room {
	char *id;
	GSequence *used; /* struct used, by expiry */
};

struct dh_push_tokens {
	GMutex lock;
	/* protected by lock */
	GHashTable *rooms; /* by id, those of which tokens are remembered */
	GQueue turns;      /* the same */
	int count;         /* of their tokens */
};

struct token {
	char *head; /* expiry "." nonce */
	int64_t expiry_s;
	const char *mac;
};

static void room_free(void *arg)
{
	struct room *room = arg;

	g_sequence_free(room->used);
	g_free(room->id);
	g_free(room);
}

struct dh_push_tokens *dh_push_tokens_new(void)
{
	struct dh_push_tokens *tokens = g_new0(struct dh_push_tokens, 1);

	g_mutex_init(&tokens->lock);
	tokens->rooms = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, room_free);
	g_queue_init(&tokens->turns);
	return tokens;
}

void dh_push_tokens_free(struct dh_push_tokens **tokens)
{
	struct dh_push_tokens *old = *tokens;

	*tokens = NULL;
	if (!old)
		return;
	g_queue_clear(&old->turns);
	g_hash_table_unref(old->rooms);
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

/* --- those that were used; call with the lock held */

static int compare(gconstpointer one, gconstpointer other, gpointer arg)
{
	const struct used *a = one, *b = other;

	(void)arg;
	if (a->expiry_s != b->expiry_s)
		return a->expiry_s < b->expiry_s ? -1 : 1;
	return memcmp(a->mac, b->mac, MAC_CHARS);
}

static void forget_some(struct dh_push_tokens *tokens, struct room *room, int64_t now_s)
{
	for (int i = 0; i < FORGET_MAX && !g_sequence_is_empty(room->used); i++) {
		GSequenceIter *first = g_sequence_get_begin_iter(room->used);
		if (((const struct used *)g_sequence_get(first))->expiry_s >= now_s)
			return;
		g_sequence_remove(first);
		tokens->count--;
	}
}

/* Also of rooms whose generators come no more. */
static void forget_in_turn(struct dh_push_tokens *tokens, int64_t now_s)
{
	struct room *room = g_queue_pop_head(&tokens->turns);

	if (!room)
		return;
	forget_some(tokens, room, now_s);
	if (g_sequence_is_empty(room->used))
		g_hash_table_remove(tokens->rooms, room->id);
	else
		g_queue_push_tail(&tokens->turns, room);
}

static struct room *room_of(struct dh_push_tokens *tokens, const char *id)
{
	struct room *room = g_hash_table_lookup(tokens->rooms, id);

	if (room)
		return room;
	room = g_new0(struct room, 1);
	room->id = g_strdup(id);
	room->used = g_sequence_new(g_free);
	g_hash_table_insert(tokens->rooms, room->id, room);
	g_queue_push_tail(&tokens->turns, room);
	return room;
}

static bool is_full(const struct dh_push_tokens *tokens, const struct room *room)
{
	int count = g_sequence_get_length(room->used);

	return count >= DH_PUSH_TOKENS_MAX || (tokens->count >= ALL_MAX && count >= ROOM_ALWAYS);
}

static int add(struct dh_push_tokens *tokens, struct room *room, const struct used *used)
{
	if (g_sequence_lookup(room->used, (gpointer)used, compare, NULL))
		return -EALREADY;
	if (is_full(tokens, room))
		return -ENOBUFS;
	g_sequence_insert_sorted(room->used, g_memdup2(used, sizeof *used), compare, NULL);
	tokens->count++;
	return 0;
}

static int mark_used(struct dh_push_tokens *tokens, const struct token *token, const char *id, int64_t now_s)
{
	struct used used = { .expiry_s = token->expiry_s };

	memcpy(used.mac, token->mac, MAC_CHARS);
	g_mutex_lock(&tokens->lock);
	forget_in_turn(tokens, now_s);
	struct room *room = room_of(tokens, id);
	forget_some(tokens, room, now_s);
	int err = add(tokens, room, &used);
	g_mutex_unlock(&tokens->lock);
	return err;
}

/* --- */

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
		err = mark_used(tokens, &token, room, now_s);
	g_free(token.head);
	return err;
}
