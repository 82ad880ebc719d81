/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "connection.h"

#include <stdbool.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <gio/gunixsocketaddress.h>

/* A machine that is gone without a word is noticed after about a minute and a half. (There is no limit
 * on how long what was sent stays unread: the gateway may hold a segment for long.) */
#define KEEPALIVE_IDLE_S  30
#define KEEPALIVE_EVERY_S 10
#define KEEPALIVE_TIMES   6

struct dh_send_connection {
	GSocketConnection *plain;
	GIOStream *stream; /* the same, or TLS over it */
	bool is_tls;
};

/* --- TLS */

static const struct {
	GTlsCertificateFlags flag;
	const char *text;
} mistakes[] = {
	{ G_TLS_CERTIFICATE_UNKNOWN_CA, "its issuer is not trusted" },
	{ G_TLS_CERTIFICATE_BAD_IDENTITY, "it is for another name" },
	{ G_TLS_CERTIFICATE_NOT_ACTIVATED, "it is not valid yet" },
	{ G_TLS_CERTIFICATE_EXPIRED, "it has expired" },
	{ G_TLS_CERTIFICATE_REVOKED, "it was revoked" },
	{ G_TLS_CERTIFICATE_INSECURE, "its algorithm is not secure" },
	{ G_TLS_CERTIFICATE_GENERIC_ERROR, "it is damaged" },
};

/* Never accepts what GIO does not, but says why. */
static gboolean on_certificate(GTlsConnection *tls, GTlsCertificate *certificate, GTlsCertificateFlags errors,
	gpointer arg)
{
	GString *why = arg;

	(void)tls;
	(void)certificate;
	g_string_truncate(why, 0);
	for (size_t i = 0; i < G_N_ELEMENTS(mistakes); i++) {
		if (errors & mistakes[i].flag)
			g_string_append_printf(why, "%s%s", why->len ? ", " : "", mistakes[i].text);
	}
	return FALSE;
}

static int trust(GTlsConnection *tls, const char *ca, struct dh_send_fault *fault)
{
	GError *error = NULL;
	/* GIO reads a file that does not exist as an empty one, and finds nothing in it. */
	GList *certificates = g_tls_certificate_list_new_from_file(ca, &error);
	char *path = g_canonicalize_filename(ca, NULL);
	GTlsDatabase *database = certificates ? g_tls_file_database_new(path, &error) : NULL;

	if (database)
		g_tls_connection_set_database(tls, database);
	else
		dh_send_fail(fault, DH_SEND_USAGE, "--ca %s: %s", ca, error ? error->message : "no certificate in it");
	g_clear_error(&error);
	g_clear_object(&database);
	g_free(path);
	g_list_free_full(certificates, g_object_unref);
	return fault->code;
}

static int shake_hands(GTlsConnection *tls, const struct dh_send_address *address, struct dh_send_fault *fault)
{
	GError *error = NULL;
	GString *why = g_string_new(NULL);
	gulong id = g_signal_connect(tls, "accept-certificate", G_CALLBACK(on_certificate), why);

	if (!g_tls_connection_handshake(tls, NULL, &error)) {
		if (why->len)
			dh_send_fail(fault, DH_SEND_NO_CONNECTION, "the certificate of %s is not accepted: %s",
				address->text, why->str);
		else
			dh_send_fail(fault, DH_SEND_NO_CONNECTION, "%s: no TLS: %s", address->text, error->message);
		g_clear_error(&error);
	}
	g_signal_handler_disconnect(tls, id);
	g_string_free(why, TRUE);
	return fault->code;
}

static int wrap(struct dh_send_connection *connection, const struct dh_send_address *address, GSocketConnectable *to,
	const char *ca, struct dh_send_fault *fault)
{
	GError *error = NULL;
	GIOStream *stream = g_tls_client_connection_new(G_IO_STREAM(connection->plain), to, &error);

	if (!stream) { /* GIO's TLS is a module, which may not be installed */
		dh_send_fail(fault, DH_SEND_NO_CONNECTION, "%s: %s", address->text, error->message);
		g_clear_error(&error);
		return fault->code;
	}
	g_object_unref(connection->stream);
	connection->stream = stream;
	connection->is_tls = true;
	/* The protocol has last lines of its own. */
	g_tls_connection_set_require_close_notify(G_TLS_CONNECTION(stream), FALSE);
	if (ca && trust(G_TLS_CONNECTION(stream), ca, fault))
		return fault->code;
	return shake_hands(G_TLS_CONNECTION(stream), address, fault);
}

/* --- the connection */

static GSocketConnectable *target_of(const struct dh_send_address *address)
{
	if (address->scheme == DH_SEND_UNIX)
		return G_SOCKET_CONNECTABLE(g_unix_socket_address_new(address->rest));
	return g_network_address_parse(address->rest, (guint16)address->default_port, NULL);
}

static void tune(GSocket *socket)
{
	if (g_socket_get_family(socket) == G_SOCKET_FAMILY_UNIX)
		return;
	g_socket_set_keepalive(socket, TRUE);
	g_socket_set_option(socket, IPPROTO_TCP, TCP_NODELAY, 1, NULL);
	g_socket_set_option(socket, IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S, NULL);
	g_socket_set_option(socket, IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_EVERY_S, NULL);
	g_socket_set_option(socket, IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_TIMES, NULL);
}

int dh_send_connection_alloc(struct dh_send_connection **connection, const struct dh_send_address *address,
	const char *ca, struct dh_send_fault *fault)
{
	struct dh_send_connection *new = g_new0(struct dh_send_connection, 1);
	GSocketClient *client = g_socket_client_new();
	GSocketConnectable *to = target_of(address);
	GError *error = NULL;

	*connection = NULL;
	g_socket_client_set_timeout(client, DH_SEND_CONNECT_S);
	g_socket_client_set_enable_proxy(client, FALSE);
	new->plain = g_socket_client_connect(client, to, NULL, &error);
	if (new->plain) {
		new->stream = G_IO_STREAM(g_object_ref(new->plain));
		tune(g_socket_connection_get_socket(new->plain));
		if (address->scheme == DH_SEND_TLS)
			wrap(new, address, to, ca, fault);
	} else {
		dh_send_fail(fault, DH_SEND_NO_CONNECTION, "%s: %s", address->text, error->message);
		g_clear_error(&error);
	}
	g_object_unref(to);
	g_object_unref(client);
	if (fault->code)
		dh_send_connection_free(&new);
	*connection = new;
	return fault->code;
}

void dh_send_connection_free(struct dh_send_connection **connection)
{
	struct dh_send_connection *old = *connection;

	*connection = NULL;
	if (!old)
		return;
	/* Closing TLS in order would wait for the gateway. */
	if (old->plain)
		g_io_stream_close(G_IO_STREAM(old->plain), NULL, NULL);
	g_clear_object(&old->stream);
	g_clear_object(&old->plain);
	g_free(old);
}

void dh_send_connection_set_timeout(struct dh_send_connection *connection, unsigned seconds)
{
	g_socket_set_timeout(g_socket_connection_get_socket(connection->plain), seconds);
}

GInputStream *dh_send_connection_input(struct dh_send_connection *connection)
{
	return g_io_stream_get_input_stream(connection->stream);
}

GOutputStream *dh_send_connection_output(struct dh_send_connection *connection)
{
	return g_io_stream_get_output_stream(connection->stream);
}

void dh_send_connection_end(struct dh_send_connection *connection)
{
	if (connection->is_tls)
		g_output_stream_close(dh_send_connection_output(connection), NULL, NULL);
	else
		g_socket_shutdown(g_socket_connection_get_socket(connection->plain), FALSE, TRUE, NULL);
}
