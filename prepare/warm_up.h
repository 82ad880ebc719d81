/* What a worker does while it waits for its job. */
#ifndef DH_WARM_UP_H
#define DH_WARM_UP_H

/* Loads libraries and tables, so that the first task finds them warm. */
void dh_prepare_warm_up(void);

#endif
