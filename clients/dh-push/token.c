/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "token.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <glib.h>

int dh_send_nonce(char nonce[DH_SEND_NONCE_CHARS + 1])
{
	unsigned char bytes[DH_SEND_NONCE_CHARS / 2];

	if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
		return -EIO;
	for (size_t i = 0; i < sizeof bytes; i++)
		snprintf(nonce + 2 * i, 3, "%02x", bytes[i]);
	return 0;
}

char *dh_send_token(const char *secret, const char *room, int64_t expiry_s, const char *nonce)
{
	char *head = g_strdup_printf("%" G_GINT64_FORMAT ".%s", expiry_s, nonce);
	char *text = g_strdup_printf("push.%s.%s", head, room);
	char *mac = g_compute_hmac_for_string(G_CHECKSUM_SHA256, (const guchar *)secret, strlen(secret), text, -1);
	char *token = g_strdup_printf("%s.%s", head, mac);

	g_free(mac);
	g_free(text);
	g_free(head);
	return token;
}
