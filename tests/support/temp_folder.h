/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A folder for a test's files, in TMPDIR or, where that is not set, /tmp. */
#ifndef DH_TEMP_FOLDER_H
#define DH_TEMP_FOLDER_H

/* With this many bytes there is space in a socket's address (108) for the names of what is in the folder. */
#define TEMP_FOLDER_SIZE 64

/* Makes a new one, and puts its path into `folder`. 0, or a negative errno; ENAMETOOLONG: TMPDIR is too long. */
int temp_folder_make(char folder[TEMP_FOLDER_SIZE]);

/* Removes a folder and everything in it. */
void remove_folder(const char *path);

#endif
