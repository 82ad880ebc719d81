/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What requests that forward something have in common. */
#ifndef DH_REQUEST_FORWARD_H
#define DH_REQUEST_FORWARD_H

#include "request.h"

/* The operator says where a room's secret may send packets: fails the request if it is not to its `host`. */
void dh_request_check_forward(struct dh_request *request);

#endif
