/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Shows what a gateway says, on standard output. */
#ifndef DH_SEND_PRINTER_H
#define DH_SEND_PRINTER_H

#include <stdbool.h>
#include <glib.h>

#include "event.h"

struct dh_send_printer {
	bool as_json, is_quiet;
	bool is_terminal; /* progress is shown in place */
	bool is_in_place; /* and is shown at the moment */
};

void dh_send_printer_init(struct dh_send_printer *printer, bool as_json, bool is_quiet);
/* Nobody may read it: that is no error. */
void dh_send_printer_show(struct dh_send_printer *printer, const struct dh_send_event *event, GBytes *line);
/* What was shown in place gets its line feed. */
void dh_send_printer_finish(struct dh_send_printer *printer);

#endif
