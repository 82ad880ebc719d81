/* Texts that come from outside, as JSON can hold them. */
#ifndef DH_UTF8_H
#define DH_UTF8_H

#include <stddef.h>

/* Copies `text` to `to`, `size` bytes with the final NUL. What is not UTF-8 in it
 * is replaced by U+FFFD; what is too long is cut between two characters. */
void dh_utf8_copy(char *to, size_t size, const char *text);

#endif
