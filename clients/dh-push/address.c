/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "address.h"

#include <stdbool.h>
#include <string.h>
#include <gio/gio.h>

static const struct scheme {
	const char *prefix;
	enum dh_send_scheme scheme;
	int default_port;
} schemes[] = {
	{ "tcp://", DH_SEND_TCP, DH_SEND_TCP_PORT },
	{ "tls://", DH_SEND_TLS, DH_SEND_TLS_PORT },
	{ "unix:", DH_SEND_UNIX, 0 },
	{ "", DH_SEND_TCP, DH_SEND_TCP_PORT },
};

static bool is_host_and_port(const char *text, int default_port)
{
	GSocketConnectable *parsed = g_network_address_parse(text, (guint16)default_port, NULL);
	bool is_good = parsed && *g_network_address_get_hostname(G_NETWORK_ADDRESS(parsed)) &&
		g_network_address_get_port(G_NETWORK_ADDRESS(parsed)) > 0;

	g_clear_object(&parsed);
	return is_good && !strpbrk(text, "/@ ");
}

int dh_send_address_parse(struct dh_send_address *address, const char *text, struct dh_send_fault *fault)
{
	const struct scheme *scheme = schemes;

	while (strncmp(text, scheme->prefix, strlen(scheme->prefix)) != 0)
		scheme++;
	*address = (struct dh_send_address){
		.scheme = scheme->scheme,
		.text = text,
		.rest = text + strlen(scheme->prefix),
		.default_port = scheme->default_port,
	};
	if (scheme->scheme != DH_SEND_UNIX && !is_host_and_port(address->rest, scheme->default_port))
		return dh_send_fail(fault, DH_SEND_USAGE,
			"\"%s\" is no address: expected HOST:PORT, tls://HOST:PORT or unix:PATH", text);
	if (scheme->scheme == DH_SEND_UNIX && (!*address->rest || strlen(address->rest) > DH_SEND_PATH_MAX))
		return dh_send_fail(fault, DH_SEND_USAGE, "\"%s\": a socket's path has 1 to %d bytes", text,
			DH_SEND_PATH_MAX);
	return 0;
}
