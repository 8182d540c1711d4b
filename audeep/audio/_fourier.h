/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Squared magnitudes of Fourier transforms, of LANES frames at a time: each has a lane of the vectors, so that there is
 * nothing to exchange between lanes. Each kind of vectors has a file that includes this.
 *
 * A frame of `length` samples, if that is even, is taken for half as many complex values, as samples 2 n and 2 n + 1 are
 * their parts (Cooley, Lewis and Welch, The fast Fourier transform algorithm, 1970). These are a matrix, whose columns
 * are transformed, turned, and whose rows are transformed (Bailey, FFTs in external or hierarchical memory, 1990), so
 * that a column or row with all its lanes stays in the fastest cache. Within those, there are passes in the order of
 * Stockham, which need no sorting.
 */
#include "_spectra.h"

#define INLINE static inline __attribute__((always_inline))
#pragma GCC diagnostic ignored "-Wpsabi" /* vectors are arguments of functions that are inlined only */

typedef double Vector __attribute__((vector_size(8 * LANES), may_alias));
typedef struct {
    Vector re, im;
} Complex;

INLINE Complex add(Complex a, Complex b) { return (Complex){a.re + b.re, a.im + b.im}; }
INLINE Complex subtract(Complex a, Complex b) { return (Complex){a.re - b.re, a.im - b.im}; }
INLINE Complex scaled(Complex a, double factor) { return (Complex){a.re * factor, a.im * factor}; }
INLINE Complex times_minus_i(Complex a) { return (Complex){a.im, -a.re}; }
INLINE Complex times(Complex a, const double *root)
{
    return (Complex){a.re * root[0] - a.im * root[1], a.re * root[1] + a.im * root[0]};
}

/* Transforms of a few values in place */

INLINE void transform_2(Complex *x)
{
    Complex first = x[0];
    x[0] = add(first, x[1]);
    x[1] = subtract(first, x[1]);
}

INLINE void transform_3(Complex *x)
{
    Complex sum = add(x[1], x[2]), rest = subtract(x[0], scaled(sum, 0.5));
    Complex difference = scaled(times_minus_i(subtract(x[1], x[2])), 0.86602540378443864676); /* sin(2 pi / 3) */
    x[0] = add(x[0], sum);
    x[1] = add(rest, difference);
    x[2] = subtract(rest, difference);
}

INLINE void transform_4(Complex *x)
{
    Complex even[2] = {x[0], x[2]}, odd[2] = {x[1], x[3]};
    transform_2(even);
    transform_2(odd);
    odd[1] = times_minus_i(odd[1]);
    for (int k = 0; k < 2; k++) {
        x[k] = add(even[k], odd[k]);
        x[k + 2] = subtract(even[k], odd[k]);
    }
}

INLINE void transform_6(Complex *x) /* Good and Thomas: no factors between the transforms of 2 and of 3 */
{
    Complex sums[3] = {add(x[0], x[3]), add(x[2], x[5]), add(x[4], x[1])};
    Complex differences[3] = {subtract(x[0], x[3]), subtract(x[2], x[5]), subtract(x[4], x[1])};
    transform_3(sums);
    transform_3(differences);
    for (int k = 0; k < 3; k++) {
        x[4 * k % 6] = sums[k];
        x[(4 * k + 3) % 6] = differences[k];
    }
}

INLINE void transform_8(Complex *x)
{
    const double half = 0.70710678118654752440; /* its square */
    Complex even[4] = {x[0], x[2], x[4], x[6]}, odd[4] = {x[1], x[3], x[5], x[7]};
    transform_4(even);
    transform_4(odd);
    odd[1] = scaled((Complex){odd[1].re + odd[1].im, odd[1].im - odd[1].re}, half);
    odd[2] = times_minus_i(odd[2]);
    odd[3] = scaled((Complex){odd[3].im - odd[3].re, -odd[3].re - odd[3].im}, half);
    for (int k = 0; k < 4; k++) {
        x[k] = add(even[k], odd[k]);
        x[k + 4] = subtract(even[k], odd[k]);
    }
}

INLINE void transform_odd(Complex *x, int radix, const double *roots, ptrdiff_t step)
{
    Complex sums[LARGEST_RADIX / 2], differences[LARGEST_RADIX / 2], first = x[0];
    int half = radix / 2;
    for (int j = 0; j < half; j++) {
        sums[j] = add(x[j + 1], x[radix - j - 1]);
        differences[j] = times_minus_i(subtract(x[j + 1], x[radix - j - 1]));
        x[0] = add(x[0], sums[j]);
    }
    for (int k = 1; k <= half; k++) {
        Complex even = first, odd = {{0}, {0}};
        for (int j = 0; j < half; j++) {
            const double *root = roots + 2 * step * ((j + 1) * k % radix);
            even = add(even, scaled(sums[j], root[0]));
            odd = add(odd, scaled(differences[j], -root[1]));
        }
        x[k] = add(even, odd);
        x[radix - k] = subtract(even, odd);
    }
}

INLINE void transform(Complex *x, int radix, const double *roots, ptrdiff_t step)
{
    switch (radix) {
    case 2: transform_2(x); break;
    case 3: transform_3(x); break;
    case 4: transform_4(x); break;
    case 6: transform_6(x); break;
    case 8: transform_8(x); break;
    default: transform_odd(x, radix, roots, step);
    }
}

/* One pass: `size` values are left to transform, in each of `done` places. */
INLINE void pass_of_radix(
    const Complex *from, Complex *to, int size, int done, int radix, const double *roots, ptrdiff_t length)
{
    int left = size / radix;
    ptrdiff_t step = length / size;
    for (int index = 0; index < left; index++)
        for (int place = 0; place < done; place++) {
            Complex x[LARGEST_RADIX], *found = to + place + done * radix * index;
            for (int j = 0; j < radix; j++)
                x[j] = from[place + done * (index + left * j)];
            transform(x, radix, roots, length / radix);
            found[0] = x[0];
            for (int j = 1; j < radix; j++)
                found[done * j] = index ? times(x[j], roots + 2 * step * index * j) : x[j];
        }
}

INLINE void pass(
    const Complex *from, Complex *to, int size, int done, int radix, const double *roots, ptrdiff_t length)
{
    switch (radix) { /* so that there is code for each */
    case 2: pass_of_radix(from, to, size, done, 2, roots, length); break;
    case 3: pass_of_radix(from, to, size, done, 3, roots, length); break;
    case 4: pass_of_radix(from, to, size, done, 4, roots, length); break;
    case 5: pass_of_radix(from, to, size, done, 5, roots, length); break;
    case 6: pass_of_radix(from, to, size, done, 6, roots, length); break;
    case 7: pass_of_radix(from, to, size, done, 7, roots, length); break;
    case 8: pass_of_radix(from, to, size, done, 8, roots, length); break;
    default: pass_of_radix(from, to, size, done, radix, roots, length);
    }
}

/* The transform of `size` values is in what is returned: one of the two spaces, or `values` where there is but one. */
static const Complex *fourier(
    const Complex *values, Complex *space, Complex *other, int size, const int *radices, const double *roots,
    ptrdiff_t length)
{
    for (int done = 1; size > 1; size /= *radices, done *= *radices, radices++) {
        pass(values, space, size, done, *radices, roots, length);
        Complex *filled = space;
        values = filled;
        space = other;
        other = filled;
    }
    return values;
}

INLINE Vector one_of_each(const double *const *frames, ptrdiff_t index)
{
    Vector value;
    for (int lane = 0; lane < LANES; lane++)
        value[lane] = frames[lane][index];
    return value;
}

/* Samples of `number` frames, at most LANES, one in each lane, whose means are returned; lanes that are left repeat
 * the last frame. */
static Vector load(const Job *job, const double *samples, ptrdiff_t number, Vector *values)
{
    enum { TOGETHER = 4 };
    const double *frames[LANES];
    for (int lane = 0; lane < LANES; lane++)
        frames[lane] = samples + job->hop * (lane < number ? lane : number - 1);
    Vector sums[TOGETHER] = {{0}};
    ptrdiff_t index = 0;
    for (; index + TOGETHER <= job->length; index += TOGETHER)
        for (int part = 0; part < TOGETHER; part++)
            sums[part] += values[index + part] = one_of_each(frames, index + part);
    for (; index < job->length; index++)
        sums[0] += values[index] = one_of_each(frames, index);
    return (sums[0] + sums[1] + (sums[2] + sums[3])) / (double)job->length;
}

/* Transforms of the columns of windowed frames, turned; in place where length is even. */
static void transform_columns(const Job *job, Vector mean, const Vector *samples, Complex *values, Complex *spaces)
{
    int rows = job->rows, columns = job->columns, is_even = job->length % 2 == 0;
    for (int column = 0; column < columns; column++) {
        for (int row = 0; row < rows; row++) {
            ptrdiff_t index = row * (ptrdiff_t)columns + column;
            if (is_even) {
                const double *weights = job->window + 2 * index;
                spaces[row] = (Complex){
                    (samples[2 * index] - mean) * weights[0], (samples[2 * index + 1] - mean) * weights[1]};
            } else
                spaces[row] = (Complex){(samples[index] - mean) * job->window[index], {0}};
        }
        const Complex *found =
            fourier(spaces, spaces + columns, spaces + 2 * columns, rows, job->row_radices, job->roots, job->length);
        for (int row = 0; row < rows; row++)
            values[row * (ptrdiff_t)columns + column] =
                times(found[row], job->roots + 2 * (is_even + 1) * (ptrdiff_t)column * row);
    }
}

/* Transforms of rows, and squared magnitudes of the bins. */
static void bins_of_rows(const Job *job, const Complex *values, Complex *spaces, Vector *powers)
{
    int rows = job->rows, columns = job->columns;
    const double *roots = job->roots;
    if (job->length % 2) {
        for (int row = 0; row < rows; row++) {
            const Complex *found = fourier(
                values + row * (ptrdiff_t)columns, spaces, spaces + columns, columns, job->column_radices, roots, job->length);
            for (ptrdiff_t bin = row, index = 0; 2 * bin < job->length; bin += rows, index++)
                powers[bin] = found[index].re * found[index].re + found[index].im * found[index].im;
        }
        return;
    }
    ptrdiff_t half = job->length / 2;
    for (int row = 0; 2 * row <= rows; row++) { /* with the one where the bins are that are needed beside its own */
        int other = row ? rows - row : 0;
        const Complex *found = fourier(
            values + row * (ptrdiff_t)columns, spaces, spaces + columns, columns, job->column_radices, roots, job->length);
        const Complex *across = found;
        if (other != row)
            across = fourier(
                values + other * (ptrdiff_t)columns, spaces + 2 * columns, spaces + 3 * columns, columns,
                job->column_radices, roots, job->length);
        for (int index = 0; index < columns; index++) {
            ptrdiff_t bin = row + rows * (ptrdiff_t)index;
            if (other == row && 2 * bin > half)
                break;
            Complex a = found[index], b = across[row ? columns - 1 - index : index ? columns - index : 0];
            Complex even = {a.re + b.re, a.im - b.im}, odd = {a.im + b.im, b.re - a.re}; /* twice the transforms */
            odd = times(odd, roots + 2 * bin);
            Complex below = add(even, odd), above = subtract(even, odd);
            powers[bin] = 0.25 * (below.re * below.re + below.im * below.im);
            powers[half - bin] = 0.25 * (above.re * above.re + above.im * above.im);
        }
    }
}

/* Of `number` lanes, one row of `out` each: the bins, or sums over those of each band. */
static void store(const Job *job, const Vector *powers, ptrdiff_t number, double *out)
{
    for (ptrdiff_t place = 0; place < job->width; place++) {
        Vector sum = {0};
        if (job->weights == NULL)
            sum = powers[place];
        else {
            const double *weights = job->weights + job->starts[place];
            const Vector *part = powers + job->first_bins[place];
            for (int64_t index = 0; index < job->starts[place + 1] - job->starts[place]; index++)
                sum += part[index] * weights[index];
        }
        for (ptrdiff_t lane = 0; lane < number; lane++)
            out[lane * job->width + place] = sum[lane];
    }
}

/* All frames; `memory` has room for NUM_VECTORS(job), and is aligned as they are. */
void SPECTRA(const Job *job, void *memory)
{
    Vector *samples = memory, *powers = samples + job->length;
    Complex *spaces = (Complex *)(powers + job->length / 2 + 1);
    Complex *values = job->length % 2 ? spaces + 4 * job->columns : (Complex *)samples;
    for (ptrdiff_t start = 0; start < job->number; start += LANES) {
        ptrdiff_t number = job->number - start < LANES ? job->number - start : LANES;
        Vector mean = load(job, job->samples + start * job->hop, number, samples);
        transform_columns(job, mean, samples, values, spaces);
        bins_of_rows(job, values, spaces, powers);
        store(job, powers, number, job->out + start * job->width);
    }
}
