/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Generators in the configuration, and what runs them. */
#include "config.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "config_options.h"
#include "ingest/generator_pool.h"
#include "ingest/log.h"
#include "rooms/segment_request.h"

#ifndef DH_SCOPE_PATH
#define DH_SCOPE_PATH "dh-scope" /* looked up in PATH */
#endif
#ifndef DH_FETCH_PATH
#define DH_FETCH_PATH "dh-fetch"
#endif

static const struct dh_option generator_options[] = {
	DH_LIST(struct dh_generator_config, command, false),
	DH_NUMBER(struct dh_generator_config, processes, 0, DH_GENERATOR_URLS_MAX, 0),
	DH_NUMBER(struct dh_generator_config, start_s, 1, 3600, 120),
	{ "url", DH_OPTION_LIST, offsetof(struct dh_generator_config, urls), 0, 0, 0, NULL, false },
	DH_LIST(struct dh_generator_config, voices, false),
	DH_LIST(struct dh_generator_config, environment, false),
	DH_NUMBER(struct dh_generator_config, max_s, 1, 3600, 120),
	DH_NUMBER(struct dh_generator_config, memory_mb, 0, 1 << 20, 0),
	DH_LIST(struct dh_generator_config, at_once, false),
	DH_FLAG(struct dh_generator_config, cache, 0),
	DH_TEXT(struct dh_generator_config, retry, ""),
	DH_TEXT(struct dh_generator_config, fallback, NULL),
	DH_NUMBER(struct dh_generator_config, connect_s, 1, 3600, 5),
	DH_NUMBER(struct dh_generator_config, silence_s, 1, 3600, 30),
	DH_TEXT(struct dh_generator_config, underrun, NULL),
	DH_NUMBER(struct dh_generator_config, preroll_ms, -1, DH_PREROLL_MS_MAX, -1),
	DH_OPTIONS_END,
};

static int wrong(const janus_config_container *category, const char *option, const char *expected)
{
	return dh_option_wrong(DH_CONFIG_FILE, category->name, option, expected);
}

static bool is_url(const char *url)
{
	size_t scheme = g_str_has_prefix(url, "http://") ? 7 : g_str_has_prefix(url, "https://") ? 8 : 0;

	for (const char *at = url; *at; at++)
		if (*at <= ' ' || *at > '~')
			return false;
	return scheme && g_ascii_isprint(url[scheme]) && url[scheme] != '/';
}

static int check_urls(const janus_config_container *category, char **urls)
{
	if (g_strv_length(urls) > DH_GENERATOR_URLS_MAX)
		return wrong(category, "url", "at most " G_STRINGIFY(DH_GENERATOR_URLS_MAX) " are expected");
	for (; *urls; urls++)
		if (!is_url(*urls))
			return wrong(category, "url", "texts as in \"http://gpu:9000/say\" are expected");
	return 0;
}

static int check_at_once(const janus_config_container *category, const struct dh_generator_config *generator)
{
	guint count = generator->at_once ? g_strv_length(generator->at_once) : 1;
	guint places = (guint)dh_generator_places(generator);

	for (char **number = generator->at_once; number && *number; number++)
		if (strspn(*number, "0123456789") != strlen(*number) || strlen(*number) > 4)
			return wrong(category, "at_once", "integers from 0 to 9999 are expected");
	return count == 1 || count == places ?
		0 :
		wrong(category, "at_once", "one number, or one for each url or process, is expected");
}

static int check_generator(const janus_config_container *category, const struct dh_generator_config *generator)
{
	if (!generator->command == !generator->urls)
		return wrong(category, "command, url", "one of the two is expected");
	if (generator->command && !g_path_is_absolute(generator->command[0]))
		return wrong(category, "command", "an absolute path of a program is expected first");
	if (generator->processes && !generator->command)
		return wrong(category, "processes", "a \"command\" is expected with it");
	for (char **entry = generator->environment; entry && *entry; entry++) {
		if (!strchr(*entry, '=') || **entry == '=')
			return wrong(category, "environment", "texts \"NAME=value\" are expected");
	}
	if (*generator->retry && strcmp(generator->retry, "tail"))
		return wrong(category, "retry", "\"tail\" or \"\" is expected");
	enum dh_underrun underrun;
	if (generator->underrun && !dh_underrun_parse(generator->underrun, &underrun))
		return wrong(category, "underrun", "\"hold\", \"idle\" or \"skip\" is expected");
	int err = generator->urls ? check_urls(category, generator->urls) : 0;
	return err ? err : check_at_once(category, generator);
}

/* Probably every sentence would fail. */
static void warn_of_voices(const struct dh_generator_config *generator)
{
	for (char **argument = generator->command; argument && *argument && !generator->voices; argument++) {
		if (!strstr(*argument, "{voice}"))
			continue;
		dh_log(DH_LOG_WARNING,
			DH_CONFIG_FILE ": generator-%s: {voice} in its command stays as it is: it has no voices",
			generator->name);
		return;
	}
}

struct dh_generator_config *dh_config_generator_read(const janus_config_container *category, const char *name)
{
	struct dh_generator_config *generator = g_new0(struct dh_generator_config, 1);
	int err;

	generator->name = g_strdup(name);
	dh_options_default(generator_options, generator);
	err = dh_options_read(DH_CONFIG_FILE, category, generator_options, generator);
	if (!err)
		err = check_generator(category, generator);
	if (err)
		dh_config_generator_free(&generator);
	else
		warn_of_voices(generator);
	return generator;
}

void dh_config_find_fallbacks(struct dh_config *config)
{
	for (guint i = 0; i < config->generators->len; i++) {
		struct dh_generator_config *generator = config->generators->pdata[i];
		if (!generator->fallback)
			continue;
		generator->fallback_config = dh_config_find_generator(config, generator->fallback);
		if (!generator->fallback_config || generator->fallback_config == generator)
			dh_log(DH_LOG_ERROR, "%s: generator-%s: fallback: there is no other generator %s",
				DH_CONFIG_FILE, generator->name, generator->fallback);
		if (generator->fallback_config == generator)
			generator->fallback_config = NULL;
	}
}

void dh_config_generator_free(struct dh_generator_config **generator)
{
	dh_options_clear(generator_options, *generator);
	g_free((*generator)->name);
	g_free(*generator);
	*generator = NULL;
}

/* Looks beside dh-scope. */
static void find_fetch(struct dh_config *config)
{
	char *folder = g_path_get_dirname(config->scope);
	char *beside = g_build_filename(folder, "dh-fetch", NULL);
	bool is_there = g_path_is_absolute(config->scope) && g_file_test(beside, G_FILE_TEST_IS_EXECUTABLE);

	config->fetch = g_strdup(is_there ? beside : DH_FETCH_PATH);
	g_free(beside);
	g_free(folder);
}

/* Looks beside dh-prepare: they are built and installed together. */
void dh_config_find_scope(struct dh_config *config)
{
	char *folder = g_path_get_dirname(config->worker);
	char *beside = g_build_filename(folder, "dh-scope", NULL);
	bool is_there = g_path_is_absolute(config->worker) && g_file_test(beside, G_FILE_TEST_IS_EXECUTABLE);

	if (!*config->scope) {
		g_free(config->scope);
		config->scope = g_strdup(is_there ? beside : DH_SCOPE_PATH);
	}
	g_free(beside);
	g_free(folder);
	find_fetch(config);
}

/* Generators run in it: without it every one of them fails. */
void dh_config_warn_of_scope(const struct dh_config *config)
{
	char *found = config->generators->len ? g_find_program_in_path(config->scope) : NULL;

	if (config->generators->len && !found)
		dh_log(DH_LOG_WARNING, "%s does not exist, or cannot be executed: no generator can be started (scope)",
			config->scope);
	g_free(found);
}
