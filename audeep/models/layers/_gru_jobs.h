/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Steps of a GRU that are done with their matrix products, by processors that have the vectors. All is float32, and what
 * is kept of a step are its candidate, reset and update gate, and what the reset gate is multiplied by.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

typedef struct {
    const float *inputs;           /* [steps, batch, num_inputs], of the first row, as all that follows */
    float *kept, *hidden;          /* [steps, batch, 4 * units]; before the first step, and after each: [batch, units] */
    const float *w_ih, *w_hh;      /* [units / lanes, num_inputs or units, 3, lanes]: candidate, reset, update */
    const float *bias;             /* [4 * units], in the order of what is kept */
    ptrdiff_t input_step, input_row, hidden_step; /* from one to the next, in numbers */
    ptrdiff_t steps, batch, rows, num_inputs, units; /* rows: those of the batch that are wanted */
} GruForward;

typedef struct {
    float *d_hidden;               /* gradient of the state after the steps, [batch, units]; becomes that before them */
    const float *kept, *hidden;    /* as above */
    float *d_kept;                 /* gradients of what was added up for it; may be `kept` itself */
    float *d_bias;                 /* [4 * units], which grows */
    const float *d_outputs, *w_hh; /* [steps, batch, units]; [units / (2 * lanes), 3 * units, 2 * lanes] */
    ptrdiff_t hidden_step, d_kept_step, d_outputs_step; /* 0: the same for all steps */
    ptrdiff_t steps, batch, rows, units;
} GruBackward;

typedef struct {
    const float *gradients, *values;      /* [rows, height] and [rows, width], each row so far from the next */
    float *target;                        /* [height, width], to which the product of the two is added */
    ptrdiff_t gradient_row, value_row;
    ptrdiff_t rows, height, width;        /* height: a multiple of 12; width: at least twice the lanes */
} Outer;

#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 12
#define HAS_WIDER_VECTORS
void gru_forward_8(const GruForward *job);
void gru_backward_8(const GruBackward *job);
void add_outer_8(const Outer *job);
void gru_forward_16(const GruForward *job);
void gru_backward_16(const GruBackward *job);
void add_outer_16(const Outer *job);
#endif
