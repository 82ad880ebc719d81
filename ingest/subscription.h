/* Who listens to a preparation, and what each has heard. I/O thread. */
#ifndef DH_SUBSCRIPTION_H
#define DH_SUBSCRIPTION_H

#include "preparation.h"

/* Tells all of them what they have not heard yet. */
void dh_subscriptions_pump(struct dh_preparation *preparation);
/* They listen to `to` from now on, having heard nothing. */
void dh_subscriptions_move(struct dh_preparation *from, struct dh_preparation *to);

#endif
