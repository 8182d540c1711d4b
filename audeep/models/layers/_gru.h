/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Steps of a GRU, LANES units at a time, with their matrix products: sums for some rows stay in registers until they are
 * complete, and then go through the gates, so that they are never written. Each kind of vectors has a file that includes
 * this.
 */
#include "_gru_jobs.h"

#define INLINE static inline __attribute__((always_inline))
#pragma GCC diagnostic ignored "-Wpsabi" /* vectors are arguments of functions that are inlined only */

typedef float Vector __attribute__((vector_size(4 * LANES), may_alias, aligned(4)));
typedef int32_t Integers __attribute__((vector_size(4 * LANES)));

enum { ROWS = LANES == 16 ? 8 : 4, BACK_ROWS = LANES == 16 ? 12 : 6, ROWS_TOGETHER = 96 };

INLINE Vector load(const float *values) { return *(const Vector *)values; }
INLINE void store(float *values, Vector vector) { *(Vector *)values = vector; }

/* e^x to about 1e-7 of its value, as in _kernels.c; LARGEST and SMALLEST keep NaN where it is their second argument. */
INLINE Vector exponential(Vector x)
{
    x = SMALLEST((Vector){0} + 88.0f, LARGEST((Vector){0} - 87.0f, x));
    const float rounding = 12582912.0f;
    Vector n = (x * 1.44269504088896341f + rounding) - rounding;
    Vector r = x - n * 0.693359375f + n * 2.12194440e-4f;
    Vector p = r * 1.9875691500e-4f + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.0f;
    Integers bits = (__builtin_convertvector(n, Integers) + 127) << 23;
    return p * (Vector)bits;
}

INLINE Vector sigmoid(Vector x) { return 1.0f / (1.0f + exponential(-x)); }
INLINE Vector tangent(Vector x) { return 2.0f / (1.0f + exponential(-2.0f * x)) - 1.0f; }

/* Add products of `rows` rows with `number` weights of each of three gates. */
INLINE void add_products(
    Vector *candidate, Vector *reset, Vector *update, const float *values, ptrdiff_t row_step, const float *packed,
    ptrdiff_t number, int rows)
{
    const Vector *weights = (const Vector *)packed;
    for (ptrdiff_t index = 0; index < number; index++, weights += 3)
        for (int row = 0; row < rows; row++) {
            float value = values[row * row_step + index];
            candidate[row] += weights[0] * value;
            reset[row] += weights[1] * value;
            update[row] += weights[2] * value;
        }
}

/* `rows` rows of one step, and the units from `unit` on. */
INLINE void forward_block(
    const GruForward *job, const float *inputs, float *kept, float *hidden, ptrdiff_t unit, int rows)
{
    ptrdiff_t units = job->units;
    const float *bias = job->bias + unit;
    Vector of_input[ROWS], reset[ROWS], update[ROWS], of_state[ROWS];
    for (int row = 0; row < rows; row++) {
        of_input[row] = load(bias), reset[row] = load(bias + units), update[row] = load(bias + 2 * units);
        of_state[row] = load(bias + 3 * units);
    }
    add_products(
        of_input, reset, update, inputs, job->input_row, job->w_ih + 3 * job->num_inputs * unit, job->num_inputs, rows);
    add_products(of_state, reset, update, hidden, units, job->w_hh + 3 * units * unit, units, rows);
    kept += unit, hidden += unit;
    for (int row = 0; row < rows; row++, kept += 4 * units, hidden += units) {
        Vector kept_reset = sigmoid(reset[row]), kept_update = sigmoid(update[row]);
        Vector candidate = tangent(of_input[row] + kept_reset * of_state[row]);
        store(kept, candidate);
        store(kept + units, kept_reset);
        store(kept + 2 * units, kept_update);
        store(kept + 3 * units, of_state[row]);
        store(hidden + job->hidden_step, candidate + kept_update * (load(hidden) - candidate));
    }
}

void GRU_FORWARD(const GruForward *job)
{
    const float *inputs = job->inputs;
    float *kept = job->kept, *hidden = job->hidden;
    for (ptrdiff_t step = 0; step < job->steps; step++) {
        for (ptrdiff_t unit = 0; unit < job->units; unit += LANES) {
            ptrdiff_t row = 0;
#define BLOCKS_OF(size)                          \
    for (; row + size <= job->rows; row += size) \
        forward_block(                           \
            job, inputs + job->input_row * row, kept + 4 * job->units * row, hidden + job->units * row, unit, size);
            BLOCKS_OF(ROWS)
            BLOCKS_OF(ROWS / 2)
            BLOCKS_OF(1)
#undef BLOCKS_OF
        }
        inputs += job->input_step, kept += 4 * job->units * job->batch, hidden += job->hidden_step;
    }
}

/* Back through the gates of one row. */
INLINE void back_through_gates(
    float *d_hidden, const float *kept, float *d_kept, const float *hidden, const float *d_output, float *d_bias,
    ptrdiff_t units)
{
    for (ptrdiff_t unit = 0; unit < units; unit += LANES, d_hidden += LANES, kept += LANES, d_kept += LANES) {
        Vector gradient = load(d_hidden) + load(d_output + unit);
        Vector candidate = load(kept), reset = load(kept + units), update = load(kept + 2 * units);
        Vector d_candidate = gradient * (1.0f - update) * (1.0f - candidate * candidate);
        Vector d_reset = d_candidate * load(kept + 3 * units) * reset * (1.0f - reset);
        Vector d_update = gradient * (load(hidden + unit) - candidate) * update * (1.0f - update);
        Vector found[] = {d_candidate, d_reset, d_update, d_candidate * reset};
        for (int part = 0; part < 4; part++) {
            store(d_kept + part * units, found[part]);
            float *sum = d_bias + part * units + unit;
            store(sum, load(sum) + found[part]);
        }
        store(d_hidden, gradient * update);
    }
}

/* Add to `d_hidden` the products of `rows` rows with the weights of all gates, for the units from `unit` on. */
INLINE void back_block(const GruBackward *job, float *d_hidden, const float *d_gates, ptrdiff_t unit, int rows)
{
    ptrdiff_t units = job->units;
    const Vector *weights = (const Vector *)(job->w_hh + 3 * units * unit);
    Vector sums[BACK_ROWS][2];
    for (int row = 0; row < rows; row++)
        for (int part = 0; part < 2; part++)
            sums[row][part] = load(d_hidden + row * units + unit + part * LANES);
    for (ptrdiff_t index = 0; index < 3 * units; index++, weights += 2)
        for (int row = 0; row < rows; row++) {
            float value = d_gates[4 * row * units + index];
            sums[row][0] += weights[0] * value;
            sums[row][1] += weights[1] * value;
        }
    for (int row = 0; row < rows; row++)
        for (int part = 0; part < 2; part++)
            store(d_hidden + row * units + unit + part * LANES, sums[row][part]);
}

/* One step back, for `rows` rows from `first` on. */
INLINE void back_rows(const GruBackward *job, ptrdiff_t step, ptrdiff_t first, ptrdiff_t rows)
{
    ptrdiff_t units = job->units;
    float *d_hidden = job->d_hidden + units * first, *d_kept = job->d_kept + job->d_kept_step * step + 4 * units * first;
    const float *kept = job->kept + 4 * units * (job->batch * step + first);
    const float *hidden = job->hidden + job->hidden_step * step + units * first;
    const float *d_outputs = job->d_outputs + job->d_outputs_step * step + units * first;
    for (ptrdiff_t row = 0; row < rows; row++)
        back_through_gates(
            d_hidden + units * row, kept + 4 * units * row, d_kept + 4 * units * row, hidden + units * row,
            d_outputs + units * row, job->d_bias, units);
    for (ptrdiff_t unit = 0; unit < units; unit += 2 * LANES) {
        ptrdiff_t row = 0;
#define BLOCKS_OF(size)                     \
    for (; row + size <= rows; row += size) \
        back_block(job, d_hidden + units * row, d_kept + units + 4 * units * row, unit, size);
        BLOCKS_OF(BACK_ROWS)
        BLOCKS_OF(BACK_ROWS / 3)
        BLOCKS_OF(1)
#undef BLOCKS_OF
    }
}

void GRU_BACKWARD(const GruBackward *job)
{
    for (ptrdiff_t step = job->steps - 1; step >= 0; step--)
        for (ptrdiff_t first = 0; first < job->rows; first += ROWS_TOGETHER)
            back_rows(job, step, first, job->rows - first < ROWS_TOGETHER ? job->rows - first : ROWS_TOGETHER);
}

/* Add to `BACK_ROWS` rows of the target, and `2 * LANES` columns but the first `skipped`, what all rows of `values` give. */
INLINE void outer_block(
    const Outer *job, const float *gradients, const float *values, float *target, ptrdiff_t skipped)
{
    Vector sums[BACK_ROWS][2] = {{{0}}};
    for (ptrdiff_t row = 0; row < job->rows; row++, gradients += job->gradient_row, values += job->value_row) {
        Vector first = load(values), second = load(values + LANES);
        for (int each = 0; each < BACK_ROWS; each++) {
            sums[each][0] += first * gradients[each];
            sums[each][1] += second * gradients[each];
        }
    }
    for (int each = 0; each < BACK_ROWS; each++, target += job->width) {
        if (skipped) {
            for (ptrdiff_t lane = skipped; lane < 2 * LANES; lane++)
                target[lane] += sums[each][lane / LANES][lane % LANES];
            continue;
        }
        store(target, load(target) + sums[each][0]);
        store(target + LANES, load(target + LANES) + sums[each][1]);
    }
}

void ADD_OUTER(const Outer *job)
{
    for (ptrdiff_t column = 0; column < job->width; column += 2 * LANES) {
        ptrdiff_t over = column + 2 * LANES - job->width, skipped = over > 0 ? over : 0, start = column - skipped;
        for (ptrdiff_t row = 0; row < job->height; row += BACK_ROWS)
            outer_block(job, job->gradients + row, job->values + start, job->target + row * job->width + start, skipped);
    }
}
