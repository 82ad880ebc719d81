/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Generators that push segments into rooms (docs/push.md): what their lines mean. */
#ifndef DH_PUSH_SERVICE_H
#define DH_PUSH_SERVICE_H

struct dh_instance;
struct dh_push_service;

/* Listens where the configuration says so; *service is NULL if it names nothing. Negative
 * errno on failure; the log says why. */
int dh_push_service_alloc(struct dh_push_service **service, struct dh_instance *instance);

/* Ends all connections, and waits for what is being done for them. */
void dh_push_service_free(struct dh_push_service **service);

/* Connections now; `service` may be NULL. */
int dh_push_service_count(const struct dh_push_service *service);

#endif
