/* Threads that may wait for a disk: hashing and reading files, writing the cache. */
#ifndef DH_LOADER_H
#define DH_LOADER_H

struct dh_loader;

typedef void dh_loader_fn(void *arg);

/* 1 to 64 threads. -ENOMEM, or why a thread could not be started. */
int dh_loader_alloc(struct dh_loader **loader, int threads);

/* Everything that was posted still runs, then the threads end. */
void dh_loader_free(struct dh_loader **loader);

/* Runs fn(arg) in one of the threads; tasks begin in the order of posting. Any thread. */
void dh_loader_post(struct dh_loader *loader, dh_loader_fn *fn, void *arg);

#endif
