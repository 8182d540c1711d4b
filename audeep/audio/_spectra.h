/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What _spectra.c asks for, and who does it: spectra_2 for any processor, the others for those that have the vectors.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

enum { LARGEST_RADIX = 61, LARGEST_SIDE = 1024, MOST_RADICES = 16 };

typedef struct {
    const double *samples, *window, *roots; /* roots of unity: exp(-2 pi i k / length), k < length */
    ptrdiff_t length, hop, number;          /* of a frame, from frame to frame, of frames */
    const double *weights;                  /* of bins in bands; NULL: bins are what is wanted */
    const int64_t *first_bins, *starts;     /* of each band: its first bin, and where its weights are */
    double *out;                            /* [number, width] */
    ptrdiff_t width;                        /* bins, or bands */
    int rows, columns;                      /* of the matrix that is transformed; rows are not the more */
    int row_radices[MOST_RADICES], column_radices[MOST_RADICES]; /* what they are the products of */
} Job;

/* How many vectors of memory they need. */
#define NUM_VECTORS(job) (4 * (job)->length + 8 * (job)->columns)

void spectra_2(const Job *job, void *memory);
#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 12
#define HAS_WIDER_VECTORS
void spectra_4(const Job *job, void *memory);
void spectra_8(const Job *job, void *memory);
#endif
