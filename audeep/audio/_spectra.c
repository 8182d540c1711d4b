/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What spectral.py does before and after a Fourier transform, each in one pass over memory. It does the same with NumPy
 * where this module could not be built, and says what the arrays are. All are float64 but the int64 of the bands.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>

#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 12
#define VECTORISED __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define VECTORISED
#endif
#ifdef _MSC_VER
#define restrict __restrict
#endif
#define LANES 8 /* sums that are kept apart, so that one instruction adds to all of them */

VECTORISED static void windowed(
    const double *restrict samples, const double *restrict window, double *restrict segments, Py_ssize_t number,
    Py_ssize_t length, Py_ssize_t hop)
{
    for (; number > 0; number--, samples += hop, segments += length) {
        double sums[LANES] = {0}, mean = 0;
        Py_ssize_t index = 0;
        for (; index + LANES <= length; index += LANES)
            for (int lane = 0; lane < LANES; lane++)
                sums[lane] += samples[index + lane];
        for (; index < length; index++)
            mean += samples[index];
        for (int lane = 0; lane < LANES; lane++)
            mean += sums[lane];
        mean /= (double)length;
        for (index = 0; index < length; index++)
            segments[index] = (samples[index] - mean) * window[index];
    }
}

/* Band i has the weights from starts[i] to starts[i + 1], for as many bins from first_bins[i]. */
VECTORISED static void band_powers(
    const double *restrict spectra, const int64_t *restrict first_bins, const int64_t *restrict starts,
    const double *restrict weights, double *restrict bands, double *restrict power, Py_ssize_t number, Py_ssize_t num_bins,
    Py_ssize_t num_bands)
{
    for (; number > 0; number--, spectra += 2 * num_bins, bands += num_bands) {
        for (Py_ssize_t bin = 0; bin < num_bins; bin++)
            power[bin] = spectra[2 * bin] * spectra[2 * bin] + spectra[2 * bin + 1] * spectra[2 * bin + 1];
        for (Py_ssize_t band = 0; band < num_bands; band++) {
            const double *weight = weights + starts[band], *part = power + first_bins[band];
            int64_t size = starts[band + 1] - starts[band], index = 0;
            double sums[LANES] = {0}, sum = 0;
            for (; index + LANES <= size; index += LANES)
                for (int lane = 0; lane < LANES; lane++)
                    sums[lane] += weight[index + lane] * part[index + lane];
            for (; index < size; index++)
                sum += weight[index] * part[index];
            for (int lane = 0; lane < LANES; lane++)
                sum += sums[lane];
            bands[band] = sum;
        }
    }
}

/* Whether each band has bins and weights that are there. */
static int bands_fit(
    const int64_t *first_bins, const int64_t *starts, Py_ssize_t num_bands, Py_ssize_t num_weights, Py_ssize_t num_bins)
{
    for (Py_ssize_t band = 0; band < num_bands; band++) {
        if (starts[band] < 0 || starts[band + 1] < starts[band] || starts[band + 1] > num_weights)
            return 0;
        if (first_bins[band] < 0 || first_bins[band] > num_bins - (starts[band + 1] - starts[band]))
            return 0;
    }
    return 1;
}

enum { MOST_ARRAYS = 5, VALUE = sizeof(double) };

static void release(Py_buffer *arrays, int number)
{
    for (int index = 0; index < number; index++)
        PyBuffer_Release(arrays + index);
}

/* windowed(samples, window, segments, hop) */
static PyObject *wrapped_windowed(PyObject *self, PyObject *arguments)
{
    Py_buffer a[MOST_ARRAYS];
    Py_ssize_t hop;
    if (!PyArg_ParseTuple(arguments, "y*y*w*n", a, a + 1, a + 2, &hop))
        return NULL;
    Py_ssize_t length = a[1].len / VALUE, number = length ? a[2].len / VALUE / length : 0;
    Py_ssize_t spare = a[0].len / VALUE - length;
    int fits = hop > 0 && (number == 0 || (spare >= 0 && spare / hop >= number - 1));
    if (fits) {
        Py_BEGIN_ALLOW_THREADS
        windowed(a[0].buf, a[1].buf, a[2].buf, number, length, hop);
        Py_END_ALLOW_THREADS
    } else
        PyErr_SetString(PyExc_ValueError, "there are fewer samples than segments");
    release(a, 3);
    return fits ? Py_NewRef(Py_None) : NULL;
}

/* band_powers(spectra, first_bins, starts, weights, bands) */
static PyObject *wrapped_band_powers(PyObject *self, PyObject *arguments)
{
    Py_buffer a[MOST_ARRAYS];
    if (!PyArg_ParseTuple(arguments, "y*y*y*y*w*", a, a + 1, a + 2, a + 3, a + 4))
        return NULL;
    Py_ssize_t num_bands = a[1].len / VALUE, number = num_bands ? a[4].len / VALUE / num_bands : 0;
    Py_ssize_t num_bins = number ? a[0].len / VALUE / 2 / number : 0;
    double *power = PyMem_RawMalloc((size_t)num_bins * VALUE + 1);
    int fits = a[2].len / VALUE == num_bands + 1 && bands_fit(a[1].buf, a[2].buf, num_bands, a[3].len / VALUE, num_bins);
    if (power && fits) {
        Py_BEGIN_ALLOW_THREADS
        band_powers(a[0].buf, a[1].buf, a[2].buf, a[3].buf, a[4].buf, power, number, num_bins, num_bands);
        Py_END_ALLOW_THREADS
    } else if (power)
        PyErr_SetString(PyExc_ValueError, "there are fewer bins than the bands need");
    else
        PyErr_NoMemory();
    fits = fits && power;
    PyMem_RawFree(power);
    release(a, 5);
    return fits ? Py_NewRef(Py_None) : NULL;
}

static PyMethodDef methods[] = {
    {"windowed", wrapped_windowed, METH_VARARGS, NULL},
    {"band_powers", wrapped_band_powers, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL}};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_spectra", NULL, -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__spectra(void) { return PyModule_Create(&module); }
