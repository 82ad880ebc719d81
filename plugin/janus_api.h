/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The gateway that loaded us: Janus's callbacks, and the plugin's own table of
 * functions. The only globals that a Janus plugin must have.
 */
#ifndef DH_JANUS_API_H
#define DH_JANUS_API_H

#include <janus/plugins/plugin.h>
#include <jansson.h>

/* 102 is Janus 1.0 to 1.1 (Debian 12), 106 is Janus 1.4. The part of the API that this
 * plugin uses is the same in all of them, so newer versions are accepted. */
#if JANUS_PLUGIN_API_VERSION < 102
#error "Janus' plugin API 102 (Janus 1.0) or newer is needed"
#endif

#define DH_PACKAGE "janus.plugin.digitalhuman"

/* Set by init before anything else runs, then never changed. Hold no lock while calling
 * one of its functions. */
extern const janus_callbacks *dh_gateway;
extern janus_plugin dh_plugin;

#endif
