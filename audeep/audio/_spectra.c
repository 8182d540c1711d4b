/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Short-time power spectra and their mel bands, each frame in one go. spectral.py does the same with NumPy and SciPy
 * where this module could not be built, and for the lengths that it refuses. All arrays are float64 but the int64 of
 * the bands.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#define LANES 2
#define SPECTRA spectra_2
#include "_fourier.h"

enum { VALUE = sizeof(double), ALIGNMENT = 64, MOST_ARRAYS = 7 };

/* The factors of a number, of which as few as possible are 2; 0 where one is too large. */
static int factorise(ptrdiff_t number, int *radices)
{
    static const int composed[] = {8, 6, 4, 3, 2};
    int count = 0;
    for (int radix = 5; radix <= LARGEST_RADIX; radix += 2)
        for (; radix % 3 && number % radix == 0; number /= radix)
            radices[count++] = radix;
    for (int index = 0; index < 5; index++)
        for (int radix = composed[index]; number % radix == 0 && number != 2 * radix; number /= radix)
            radices[count++] = radix;
    return number == 1;
}

/* Make a matrix that is nearly square of the values that are transformed; 0 where that is not possible. */
static int arrange(Job *job)
{
    ptrdiff_t number = job->length % 2 ? job->length : job->length / 2;
    if (number < 1 || number > (ptrdiff_t)LARGEST_SIDE * LARGEST_SIDE)
        return 0;
    for (int rows = 1; (ptrdiff_t)rows * rows <= number; rows++)
        if (number % rows == 0) {
            job->rows = rows;
            job->columns = number / rows < LARGEST_SIDE ? (int)(number / rows) : LARGEST_SIDE;
        }
    return (ptrdiff_t)job->rows * job->columns == number && factorise(job->rows, job->row_radices)
           && factorise(job->columns, job->column_radices);
}

/* The most lanes that this processor has. */
static int most_lanes(void)
{
#ifdef HAS_WIDER_VECTORS
    if (__builtin_cpu_supports("x86-64-v4"))
        return 8;
    if (__builtin_cpu_supports("x86-64-v3"))
        return 4;
#endif
    return 2;
}

static int work(const Job *job, int lanes)
{
    char *memory = PyMem_RawMalloc((size_t)NUM_VECTORS(job) * lanes * VALUE + ALIGNMENT);
    if (!memory)
        return 0;
    void *aligned = memory + (ALIGNMENT - (uintptr_t)memory % ALIGNMENT);
#ifdef HAS_WIDER_VECTORS
    if (lanes == 8)
        spectra_8(job, aligned);
    else if (lanes == 4)
        spectra_4(job, aligned);
    else
#endif
        spectra_2(job, aligned);
    PyMem_RawFree(memory);
    return 1;
}

/* Whether each band has bins and weights that are there. */
static int bands_fit(const Job *job, ptrdiff_t num_weights)
{
    ptrdiff_t num_bins = job->length / 2 + 1;
    for (ptrdiff_t band = 0; band < job->width; band++) {
        const int64_t first = job->first_bins[band], *range = job->starts + band;
        if (range[0] < 0 || range[1] < range[0] || range[1] > num_weights)
            return 0;
        if (first < 0 || first > num_bins - (range[1] - range[0]))
            return 0;
    }
    return 1;
}

/* What is wrong with a job, or NULL. */
static const char *problem(Job *job, int lanes, const Py_buffer *arrays)
{
    if ((lanes != 2 && lanes != 4 && lanes != 8) || lanes > most_lanes())
        return "there are not as many lanes";
    ptrdiff_t num_samples = arrays[0].len / VALUE, spare = num_samples - job->length;
    int has_bands = arrays[4].buf != NULL;
    job->width = has_bands ? arrays[4].len / VALUE : job->length / 2 + 1;
    job->number = job->width ? arrays[3].len / VALUE / job->width : 0;
    if (arrays[2].len / VALUE != 2 * job->length)
        return "there are not as many roots as weights of the window";
    if (job->hop < 1 || (job->number && (spare < 0 || spare / job->hop < job->number - 1)))
        return "there are fewer samples than frames need";
    if (has_bands && (arrays[5].len / VALUE != job->width + 1 || !bands_fit(job, arrays[6].len / VALUE)))
        return "there are fewer bins than bands need";
    return NULL;
}

/* spectra(samples, window, roots, hop, out, lanes, [first_bins, starts, weights]) -> whether it can do this length */
static PyObject *wrapped_spectra(PyObject *self, PyObject *arguments)
{
    Py_buffer a[MOST_ARRAYS] = {{0}};
    Job job = {0};
    int lanes;
    if (!PyArg_ParseTuple(
            arguments, "y*y*y*nw*i|y*y*y*", a, a + 1, a + 2, &job.hop, a + 3, &lanes, a + 4, a + 5, a + 6))
        return NULL;
    job.samples = a[0].buf, job.window = a[1].buf, job.roots = a[2].buf, job.out = a[3].buf;
    job.first_bins = a[4].buf, job.starts = a[5].buf, job.weights = a[6].buf;
    job.length = a[1].len / VALUE;
    const char *wrong = problem(&job, lanes, a);
    int is_possible = !wrong && arrange(&job), done = 1;
    if (is_possible) {
        Py_BEGIN_ALLOW_THREADS
        done = work(&job, lanes);
        Py_END_ALLOW_THREADS
    }
    for (int index = 0; index < MOST_ARRAYS; index++)
        PyBuffer_Release(a + index);
    if (wrong)
        PyErr_SetString(PyExc_ValueError, wrong);
    else if (!done)
        PyErr_NoMemory();
    return wrong || !done ? NULL : PyBool_FromLong(is_possible);
}

static PyMethodDef methods[] = {{"spectra", wrapped_spectra, METH_VARARGS, NULL}, {NULL, NULL, 0, NULL}};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_spectra", NULL, -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__spectra(void)
{
    PyObject *made = PyModule_Create(&module);
    if (made && PyModule_AddIntConstant(made, "LANES", most_lanes()) < 0)
        Py_CLEAR(made);
    return made;
}
