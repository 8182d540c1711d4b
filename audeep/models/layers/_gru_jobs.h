/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Steps of a GRU that are done with their matrix products, by processors that have the vectors. All is float32, and what
 * is kept of a step are its candidate, reset and update gate, and what the reset gate is multiplied by.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

typedef struct {
    const float *inputs;      /* [steps, batch, num_inputs]; of this and what follows the first row that is wanted */
    float *kept, *hidden;     /* [steps, batch, 4 * units]; [steps + 1, batch, units], before the steps and after each */
    const float *w_ih, *w_hh; /* [units / lanes, num_inputs or units, 3, lanes]: of candidate, reset and update gate */
    const float *bias;        /* [4 * units], in the order of what is kept */
    ptrdiff_t input_step, input_row, hidden_step;    /* from one to the next, in numbers */
    ptrdiff_t steps, batch, rows, num_inputs, units; /* rows: that are wanted of the batch */
} GruForward;

typedef struct {
    float *d_hidden;               /* gradient of the state after the steps, [batch, units]; becomes that before them */
    const float *kept, *hidden;    /* as above */
    float *d_kept;                 /* gradients of the sums behind what is kept; may be `kept` itself */
    float *d_bias;                 /* [4 * units], to which those are added */
    const float *d_outputs, *w_hh; /* [steps, batch, units]; [units / (2 * lanes), 3 * units, 2 * lanes] */
    ptrdiff_t hidden_step, d_kept_step, d_outputs_step; /* 0: the same memory for all steps */
    ptrdiff_t steps, batch, rows, units;
} GruBackward;

typedef struct {
    const float *gradients, *values;    /* [rows, height] and [rows, width] */
    float *target;                      /* [height, width], to which the product of the two is added */
    ptrdiff_t gradient_row, value_row;  /* from one to the next */
    ptrdiff_t rows, height, width;      /* height: a multiple of 12; width: at least twice the lanes */
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
