/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The headers of dh-fetch's request. */
#ifndef DH_FETCH_HEADERS_H
#define DH_FETCH_HEADERS_H

#include <stdbool.h>

struct curl_slist;

/* X-Dh-Room and the like from DH_ROOM and the like in the environment, and what the body is.
 * `is_chunked`: its length is not known. Free it with curl_slist_free_all. NULL: no memory. */
struct curl_slist *dh_fetch_headers(bool is_chunked);

/* Makes any text safe in a header: printable ASCII stays, but for '%'; every other byte, and
 * a space at either end, becomes %XX. free() the result. NULL: no memory. */
char *dh_fetch_header_value(const char *text);

#endif
