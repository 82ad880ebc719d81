/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "encoder.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>
#include <gio/gio.h>
#include <gio/gunixinputstream.h>

#define PROGRAM "dh-prepare"
/* In the child: the anchor, and the pipes from and to other pieces. */
#define ANCHOR_FD 3
#define LEAD_FD   4
#define TAIL_FD   5
#define FREE_FD   6
/* DH_BACKGROUND of prepare/job.h. */
#define DEFAULT_BACKGROUND "#d8d8d8"

struct dh_send_encoder {
	GSubprocess *process;
	GInputStream *output;
};

/* Beside this program, else in PATH. g_free it; NULL: nowhere. */
static char *find_program(void)
{
	char *self = g_file_read_link("/proc/self/exe", NULL);
	char *folder = self ? g_path_get_dirname(self) : NULL;
	char *path = folder ? g_build_filename(folder, PROGRAM, NULL) : NULL;

	if (!path || !g_file_test(path, G_FILE_TEST_IS_EXECUTABLE)) {
		g_free(path);
		path = g_find_program_in_path(PROGRAM);
	}
	g_free(folder);
	g_free(self);
	return path;
}

/* A file without a name. Negative errno. */
static int memory_file(GBytes *bytes)
{
	gsize size, written = 0;
	const char *data = g_bytes_get_data(bytes, &size);
	int fd = memfd_create("anchor", MFD_CLOEXEC), err;

	while (fd >= 0 && written < size) {
		ssize_t n = write(fd, data + written, size - written);
		if (n < 0 && errno != EINTR)
			break;
		written += n > 0 ? (gsize)n : 0;
	}
	if (fd >= 0 && written == size)
		return fd;
	err = -errno;
	if (fd >= 0)
		close(fd);
	return err;
}

static void add_setting(GPtrArray *words, const json_t *info, const char *key, const char *option)
{
	const json_t *value = json_object_get(info, key);

	if (!json_is_integer(value))
		return;
	g_ptr_array_add(words, g_strdup(option));
	g_ptr_array_add(words, g_strdup_printf("%" JSON_INTEGER_FORMAT, json_integer_value(value)));
}

/* What transparent pictures are laid over, and what shows beside those of another shape. The default is not
 * passed: it does the one, but not the other. A picture stays with the gateway. */
static void add_background(GPtrArray *words, const json_t *info)
{
	const char *colour = json_string_value(json_object_get(info, "background"));

	if (!colour || *colour != '#' || strlen(colour) != strlen(DEFAULT_BACKGROUND) ||
		strcmp(colour, DEFAULT_BACKGROUND) == 0)
		return;
	g_ptr_array_add(words, g_strdup("--background"));
	g_ptr_array_add(words, g_strdup(colour));
}

static void add_descriptor(GPtrArray *words, const char *option, int fd, int in_child)
{
	if (fd < 0)
		return;
	g_ptr_array_add(words, g_strdup(option));
	g_ptr_array_add(words, g_strdup_printf("%d", in_child));
}

static GPtrArray *command_of(const char *program, const json_t *info, const char *avatar,
	const struct dh_send_seams *seams)
{
	GPtrArray *words = g_ptr_array_new_with_free_func(g_free);

	g_ptr_array_add(words, g_strdup(program));
	g_ptr_array_add(words, g_strdup("-"));
	g_ptr_array_add(words, g_strdup("--avatar"));
	g_ptr_array_add(words, avatar ? g_strdup(avatar) : g_strdup_printf("/dev/fd/%d", ANCHOR_FD));
	add_setting(words, info, "kbps", "--kbps");
	add_setting(words, info, "kbps_2", "--kbps-2");
	add_setting(words, info, "kbps_3", "--kbps-3");
	if (json_is_true(json_object_get(info, "temporal")))
		g_ptr_array_add(words, g_strdup("--temporal"));
	add_setting(words, info, "audio_kbps", "--audio-kbps");
	add_setting(words, info, "entry_ms", "--entry-ms");
	add_setting(words, info, "fps_max", "--fps-max");
	add_background(words, info);
	add_descriptor(words, "--lead-fd", seams->lead, LEAD_FD);
	add_descriptor(words, "--tail-fd", seams->tail, TAIL_FD);
	g_ptr_array_add(words, g_strdup("--quiet"));
	g_ptr_array_add(words, g_strdup("-o"));
	g_ptr_array_add(words, g_strdup("-"));
	g_ptr_array_add(words, NULL);
	return words;
}

/* In the child: it does not outlive dh-push. */
static void before_exec(gpointer arg)
{
	(void)arg;
	prctl(PR_SET_PDEATHSIG, SIGTERM);
}

/* Lends the child a descriptor, as this number. */
static void lend(GSubprocessLauncher *launcher, int fd, int in_child)
{
	if (fd >= 0)
		g_subprocess_launcher_take_fd(launcher, fcntl(fd, F_DUPFD_CLOEXEC, FREE_FD), in_child);
}

static int start(struct dh_send_encoder *encoder, char **words, int input, int anchor,
	const struct dh_send_seams *seams, struct dh_send_fault *fault)
{
	GSubprocessLauncher *launcher = g_subprocess_launcher_new(G_SUBPROCESS_FLAGS_STDOUT_PIPE);
	GError *error = NULL;

	g_subprocess_launcher_take_stdin_fd(launcher, fcntl(input, F_DUPFD_CLOEXEC, FREE_FD));
	lend(launcher, anchor, ANCHOR_FD);
	lend(launcher, seams->lead, LEAD_FD);
	lend(launcher, seams->tail, TAIL_FD);
	g_subprocess_launcher_set_child_setup(launcher, before_exec, NULL, NULL);
	encoder->process = g_subprocess_launcher_spawnv(launcher, (const char *const *)words, &error);
	if (encoder->process) {
		encoder->output = g_object_ref(g_subprocess_get_stdout_pipe(encoder->process));
	} else {
		dh_send_fail(fault, DH_SEND_ENCODER, "%s cannot be started: %s", words[0], error->message);
		g_clear_error(&error);
	}
	g_object_unref(launcher);
	return fault->code;
}

/* Who reads from the tail, or writes to the lead, must see when the encoder has ended. */
static void close_end(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

int dh_send_encoder_alloc(struct dh_send_encoder **encoder, const json_t *info, const char *avatar, GBytes *anchor,
	int input, struct dh_send_seams *seams, struct dh_send_fault *fault)
{
	struct dh_send_encoder *new = g_new0(struct dh_send_encoder, 1);
	char *program = find_program();
	int fd = avatar ? -1 : memory_file(anchor);
	GPtrArray *words = program ? command_of(program, info, avatar, seams) : NULL;

	if (!program)
		dh_send_fail(fault, DH_SEND_ENCODER, PROGRAM " is neither beside this program nor in PATH");
	else if (!avatar && fd < 0)
		dh_send_fail(fault, DH_SEND_ENCODER, "the anchor cannot be kept: %s", strerror(-fd));
	else
		start(new, (char **)words->pdata, input, fd, seams, fault);
	if (words)
		g_ptr_array_unref(words);
	close_end(&fd);
	close_end(&seams->lead);
	close_end(&seams->tail);
	g_free(program);
	if (fault->code)
		dh_send_encoder_free(&new);
	*encoder = new;
	return fault->code;
}

void dh_send_encoder_free(struct dh_send_encoder **encoder)
{
	struct dh_send_encoder *old = *encoder;

	*encoder = NULL;
	if (!old)
		return;
	if (old->process) {
		g_subprocess_force_exit(old->process);
		g_subprocess_wait(old->process, NULL, NULL);
	}
	g_clear_object(&old->output);
	g_clear_object(&old->process);
	g_free(old);
}

int dh_send_encoder_fd(const struct dh_send_encoder *encoder)
{
	return g_unix_input_stream_get_fd(G_UNIX_INPUT_STREAM(encoder->output));
}

/* Of the signals that end this program, too, the one that has ended it; 0: none. */
static int signal_of(GSubprocess *process)
{
	int number = g_subprocess_get_if_signaled(process) ? g_subprocess_get_term_sig(process) : 0;

	return number == SIGINT || number == SIGTERM || number == SIGHUP ? number : 0;
}

int dh_send_encoder_finish(struct dh_send_encoder *encoder, struct dh_send_fault *fault)
{
	GError *error = NULL;

	if (!g_subprocess_wait_check(encoder->process, NULL, &error)) {
		int number = signal_of(encoder->process);
		dh_send_fail(fault, number ? (enum dh_send_exit)(DH_SEND_SIGNAL + number) : DH_SEND_ENCODER,
			PROGRAM ": %s", error->message);
		g_clear_error(&error);
	}
	return fault->code;
}
