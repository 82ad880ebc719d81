/* The segment's container, written as it is made.
 *
 * Picture and sound are not compressed, so both containers are little more than
 * headers in front of them. Programs that link libavformat anyway should use
 * its muxers ("nut", "matroska"): loading it takes longer than dh-talker needs
 * for its first picture, which is why the few bytes are written by hand here.
 */
#ifndef DH_TALKER_MUX_H
#define DH_TALKER_MUX_H

#include <stddef.h>
#include <stdint.h>

enum dh_container { DH_NUT, DH_MATROSKA };

struct dh_mux_format {
	enum dh_container container;
	int width, height;         /* I420 */
	int fps_num, fps_den;      /* frames a second */
	int sample_rate;           /* mono, 16 bits, little-endian; 0: no sound */
};

struct dh_mux;

/* Writes the header to `fd`, which stays the caller's. 0, -ENOMEM, or what
 * write(2) says (-EPIPE: the reader has gone). */
int dh_mux_open(struct dh_mux **mux, int fd, const struct dh_mux_format *format);

/* Writes the next picture and the sound that goes with it: `count` samples,
 * which follow those of the picture before without a gap. */
int dh_mux_write(struct dh_mux *mux, const uint8_t *i420, const int16_t *samples, size_t count);

/* After the last picture. 0 or what write(2) says. */
int dh_mux_end(struct dh_mux *mux);

void dh_mux_free(struct dh_mux **mux);

#endif
