/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "generator_command.h"

#include <glib.h>
#include <string.h>
#include <sys/wait.h>

#include "playout/unit.h"
#include "prepare/job.h"

#define NICENESS "5" /* below pacing, above preparing ahead of time */

/* `voice` is always one of the configured voices. */
static char *with_voice(const char *argument, const char *voice)
{
	if (!voice)
		return g_strdup(argument);
	char **parts = g_strsplit(argument, "{voice}", -1);
	char *joined = g_strjoinv(voice, parts);
	g_strfreev(parts);
	return joined;
}

/* The url is in the environment: others cannot read it there. */
static void add_fetch(GPtrArray *argv, const struct dh_generator_spec *spec)
{
	const struct dh_generator_config *config = spec->config;

	g_ptr_array_add(argv, g_strdup(spec->fetch));
	g_ptr_array_add(argv, g_strdup_printf("--connect-s=%" G_GINT64_FORMAT, config->connect_s));
	g_ptr_array_add(argv, g_strdup_printf("--silence-s=%" G_GINT64_FORMAT, config->silence_s));
	if (spec->socket >= 0)
		g_ptr_array_add(argv, g_strdup_printf("--socket=%d", DH_SCOPE_MORE_FD));
}

char **dh_generator_arguments(const struct dh_generator_spec *spec)
{
	GPtrArray *argv = g_ptr_array_new();

	g_ptr_array_add(argv, g_strdup(spec->scope));
	g_ptr_array_add(argv, g_strdup("--nice=" NICENESS));
	g_ptr_array_add(argv, g_strdup_printf("--memory-mb=%" G_GINT64_FORMAT, spec->config->memory_mb));
	g_ptr_array_add(argv, g_strdup_printf("--grace-ms=%d", DH_GENERATOR_GRACE_MS));
	if (spec->user && *spec->user)
		g_ptr_array_add(argv, g_strdup_printf("--user=%s", spec->user));
	if (spec->is_process)
		g_ptr_array_add(argv, g_strdup("--listen"));
	g_ptr_array_add(argv, g_strdup("--"));
	if (spec->url)
		add_fetch(argv, spec);
	for (char **argument = spec->url ? NULL : spec->config->command; argument && *argument; argument++)
		g_ptr_array_add(argv, with_voice(*argument, spec->voice));
	g_ptr_array_add(argv, NULL);
	return (char **)g_ptr_array_free(argv, FALSE);
}

static void add_variable(GPtrArray *envp, const char *name, const char *value)
{
	if (value && *value)
		g_ptr_array_add(envp, g_strdup_printf("%s=%s", name, value));
}

static void add_scene(GPtrArray *envp, const struct dh_generator_scene *scene)
{
	add_variable(envp, "DH_ROOM", scene->room);
	add_variable(envp, "DH_SEGMENT", scene->segment);
	add_variable(envp, "DH_METADATA", scene->metadata);
	add_variable(envp, "DH_CLIP", scene->clip);
	if (scene->position_ms >= 0)
		g_ptr_array_add(envp, g_strdup_printf("DH_POSITION_MS=%" G_GINT64_FORMAT, scene->position_ms));
	char *thumbnail = scene->thumbnail ? g_base64_encode(scene->thumbnail, DH_LUMA_BYTES) : NULL;
	add_variable(envp, "DH_THUMBNAIL", thumbnail);
	g_free(thumbnail);
}

/* Inherits nothing of the gateway's environment, which may hold secrets. */
char **dh_generator_environment(const struct dh_generator_spec *spec, const char *mark)
{
	GPtrArray *envp = g_ptr_array_new();

	g_ptr_array_add(envp, g_strdup_printf(DH_SCOPE_MARK "=%s", mark));
	g_ptr_array_add(envp, g_strdup("PATH=/usr/local/bin:/usr/bin:/bin"));
	g_ptr_array_add(envp, g_strdup("LANG=C.UTF-8"));
	g_ptr_array_add(envp, g_strdup("HOME=/"));
	add_variable(envp, "DH_URL", spec->url);
	add_variable(envp, "DH_VOICE", spec->voice);
	if (!spec->is_process) {
		add_variable(envp, "DH_INPUT", spec->audio >= 0 ? "audio" : "text");
		add_scene(envp, &spec->scene);
	}
	for (char **entry = spec->config->environment; entry && *entry; entry++)
		g_ptr_array_add(envp, g_strdup(*entry));
	g_ptr_array_add(envp, NULL);
	return (char **)g_ptr_array_free(envp, FALSE);
}

int dh_generator_spawn(struct dh_child **child, struct dh_io *io, const struct dh_generator_spec *spec, const int *fds,
	dh_child_exit_fn *exited, void *arg)
{
	char *mark = g_uuid_string_random();
	char **argv = dh_generator_arguments(spec), **envp = dh_generator_environment(spec, mark);
	char *sweep[] = { argv[0], (char *)"--sweep", mark, NULL };
	struct dh_child_spec started = { .argv = argv, .envp = envp, .is_scope = true, .sweep = sweep };

	memcpy(started.fds, fds, sizeof started.fds);
	int err = dh_child_spawn(child, io, &started, exited, arg);
	g_strfreev(argv);
	g_strfreev(envp);
	g_free(mark);
	return err;
}

/* dh-scope could not run the command. */
static bool has_not_begun(int status, const char *words)
{
	int code = WEXITSTATUS(status);

	return (code == DH_SCOPE_NOT_CONFINED || code == DH_SCOPE_NOT_STARTED) && words &&
		g_str_has_prefix(words, DH_SCOPE_PREFIX);
}

char *dh_generator_explain(int status, const char *words)
{
	if (status < 0)
		return g_strdup("is gone");
	if (WIFSIGNALED(status))
		return g_strdup_printf("was ended by signal %d", WTERMSIG(status));
	if (has_not_begun(status, words))
		return g_strdup_printf("cannot be started: %s", words + strlen(DH_SCOPE_PREFIX));
	return g_strdup_printf("ended with code %d", WEXITSTATUS(status));
}
