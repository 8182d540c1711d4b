/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The gates of one step of a GRU or LSTM layer, forward and back, and dropout, each in one pass over memory; and steps of
 * a GRU with their matrix products, where there are vectors for that (_gru_jobs.h). cells.py and dropout.py do the same
 * with operations of PyTorch where this module could not be built, and say what the arrays of gates and dropout are:
 * contiguous. All are float32 and given by address.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <string.h>
#include "_gru_jobs.h"

#ifdef HAS_WIDER_VECTORS
#define VECTORISED __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define VECTORISED
#endif

#define INLINE static inline __attribute__((always_inline))
#if defined(__GNUC__) && !defined(__clang__)
#define INDEPENDENT _Pragma("GCC ivdep") /* parts of one array do not overlap */
#else
#define INDEPENDENT
#endif
#ifdef _MSC_VER
#undef INLINE
#define INLINE static __forceinline
#define restrict __restrict
#endif

/* e^x to about 1e-7 of its value: x = n ln 2 + r, and a polynomial in r. NaN stays NaN. */
INLINE float exponential(float x)
{
    x = x < -87.0f ? -87.0f : x;
    x = x > 88.0f ? 88.0f : x;
    const float rounding = 12582912.0f; /* 1.5 * 2^23: adding it rounds to a whole number */
    float n = (x * 1.44269504088896341f + rounding) - rounding;
    float r = x - n * 0.693359375f + n * 2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.0f;
    uint32_t bits = ((uint32_t)(int32_t)n + 127) << 23;
    float power;
    memcpy(&power, &bits, sizeof power);
    return p * power;
}

INLINE float sigmoid(float x) { return 1.0f / (1.0f + exponential(-x)); }
INLINE float tangent(float x) { return 2.0f / (1.0f + exponential(-2.0f * x)) - 1.0f; }

VECTORISED static void gru_forward(
    float *restrict gates, float *restrict recurrent, const float *restrict products, const float *restrict hidden,
    float *restrict next, const float *restrict bias, const float *restrict c_new, Py_ssize_t batch, Py_ssize_t units)
{
    for (Py_ssize_t row = 0; row < batch; row++) {
        for (Py_ssize_t unit = 0; unit < units; unit++) {
            float reset = sigmoid(gates[unit] + products[unit] + bias[unit]);
            float update = sigmoid(gates[units + unit] + products[units + unit] + bias[units + unit]);
            float of_state = products[2 * units + unit] + c_new[unit];
            float candidate = tangent(gates[2 * units + unit] + bias[2 * units + unit] + reset * of_state);
            gates[unit] = reset;
            gates[units + unit] = update;
            gates[2 * units + unit] = candidate;
            recurrent[unit] = of_state;
            next[unit] = candidate + update * (hidden[unit] - candidate);
        }
        gates += 3 * units, recurrent += units, products += 3 * units, hidden += units, next += units;
    }
}

VECTORISED static void gru_backward(
    float *restrict d_hidden, float *restrict gates, float *restrict recurrent, float *restrict products,
    const float *restrict hidden, const float *restrict d_output, float *restrict d_bias, Py_ssize_t batch,
    Py_ssize_t units)
{
    for (Py_ssize_t row = 0; row < batch; row++) {
        INDEPENDENT
        for (Py_ssize_t unit = 0; unit < units; unit++) {
            float gradient = d_hidden[unit] + d_output[unit];
            float reset = gates[unit], update = gates[units + unit], candidate = gates[2 * units + unit];
            float d_new = gradient * (1.0f - update) * (1.0f - candidate * candidate);
            float d_update = gradient * (hidden[unit] - candidate) * update * (1.0f - update);
            float d_reset = d_new * recurrent[unit] * reset * (1.0f - reset);
            float d_recurrent = d_new * reset;
            gates[unit] = products[unit] = d_reset;
            gates[units + unit] = products[units + unit] = d_update;
            gates[2 * units + unit] = d_new;
            recurrent[unit] = products[2 * units + unit] = d_recurrent;
            d_hidden[unit] = gradient * update;
            d_bias[unit] += d_reset;
            d_bias[units + unit] += d_update;
            d_bias[2 * units + unit] += d_new;
            d_bias[3 * units + unit] += d_recurrent;
        }
        d_hidden += units, gates += 3 * units, recurrent += units, products += 3 * units, hidden += units;
        d_output += units;
    }
}

VECTORISED static void lstm_forward(
    float *restrict gates, const float *restrict carry, float *restrict next_carry, float *restrict shown,
    float *restrict next, const float *restrict bias, Py_ssize_t batch, Py_ssize_t units)
{
    for (Py_ssize_t row = 0; row < batch; row++) {
        for (Py_ssize_t unit = 0; unit < units; unit++) {
            float in = sigmoid(gates[unit] + bias[unit]);
            float forget = sigmoid(gates[units + unit] + bias[units + unit]);
            float candidate = tangent(gates[2 * units + unit] + bias[2 * units + unit]);
            float out = sigmoid(gates[3 * units + unit] + bias[3 * units + unit]);
            float kept = forget * carry[unit] + in * candidate;
            float seen = tangent(kept);
            gates[unit] = in;
            gates[units + unit] = forget;
            gates[2 * units + unit] = candidate;
            gates[3 * units + unit] = out;
            next_carry[unit] = kept;
            shown[unit] = seen;
            next[unit] = out * seen;
        }
        gates += 4 * units, carry += units, next_carry += units, shown += units, next += units;
    }
}

VECTORISED static void lstm_backward(
    const float *restrict d_hidden, float *restrict d_carry, float *restrict gates, const float *restrict carry,
    const float *restrict shown, const float *restrict d_output, float *restrict d_bias, Py_ssize_t batch, Py_ssize_t units)
{
    for (Py_ssize_t row = 0; row < batch; row++) {
        INDEPENDENT
        for (Py_ssize_t unit = 0; unit < units; unit++) {
            float gradient = d_hidden[unit] + d_output[unit];
            float in = gates[unit], forget = gates[units + unit];
            float candidate = gates[2 * units + unit], out = gates[3 * units + unit];
            float d_kept = d_carry[unit] + gradient * out * (1.0f - shown[unit] * shown[unit]);
            d_bias[unit] += gates[unit] = d_kept * candidate * in * (1.0f - in);
            d_bias[units + unit] += gates[units + unit] = d_kept * carry[unit] * forget * (1.0f - forget);
            d_bias[2 * units + unit] += gates[2 * units + unit] = d_kept * in * (1.0f - candidate * candidate);
            d_bias[3 * units + unit] += gates[3 * units + unit] = gradient * shown[unit] * out * (1.0f - out);
            d_carry[unit] = d_kept * forget;
        }
        d_hidden += units, d_carry += units, gates += 4 * units, carry += units, shown += units, d_output += units;
    }
}

/* A whole number scrambled: the final steps of MurmurHash3 (A. Appleby). */
INLINE uint32_t scrambled(uint32_t x)
{
    x = (x ^ (x >> 16)) * 0x85ebca6bu;
    x = (x ^ (x >> 13)) * 0xc2b2ae35u;
    return x ^ (x >> 16);
}

/* The random number of a position is a function of the position and the two keys; 16 bits of it are used. */
VECTORISED static void dropout(
    const float *restrict inputs, float *restrict outputs, uint32_t first, Py_ssize_t size, uint32_t kept, float scale,
    uint32_t key, uint32_t other_key)
{
    for (Py_ssize_t index = 0; index < size; index++) {
        uint32_t bits = scrambled(scrambled(first + (uint32_t)index + key) ^ other_key) >> 16;
        outputs[index] = bits < kept ? inputs[index] * scale : 0.0f;
    }
}

static PyObject *wrapped_dropout(PyObject *self, PyObject *arguments)
{
    Py_ssize_t inputs, outputs, size;
    unsigned int first, kept, key, other_key;
    float scale;
    if (!PyArg_ParseTuple(arguments, "nnInIfII", &inputs, &outputs, &first, &size, &kept, &scale, &key, &other_key))
        return NULL;
    Py_BEGIN_ALLOW_THREADS
    dropout((const float *)inputs, (float *)outputs, first, size, kept, scale, key, other_key);
    Py_END_ALLOW_THREADS
    Py_RETURN_NONE;
}

/* Reads `number` addresses and then some numbers; false with an exception if there are not as many. */
static int read_arguments(
    PyObject *const *arguments, Py_ssize_t given, Py_ssize_t number, float **arrays, Py_ssize_t count, Py_ssize_t *numbers)
{
    if (given != number + count) {
        PyErr_Format(PyExc_TypeError, "%zd arguments expected, %zd found", number + count, given);
        return 0;
    }
    for (Py_ssize_t index = 0; index < number; index++)
        arrays[index] = (float *)PyLong_AsVoidPtr(arguments[index]);
    for (Py_ssize_t index = 0; index < count; index++)
        numbers[index] = PyLong_AsSsize_t(arguments[number + index]);
    return !PyErr_Occurred();
}

/* Functions of `number` arrays a and `count` numbers n. */
#define WRAPPED(name, number, count, work)                                                               \
    static PyObject *wrapped_##name(PyObject *self, PyObject *const *arguments, Py_ssize_t given)        \
    {                                                                                                    \
        float *a[number];                                                                                \
        Py_ssize_t n[count];                                                                             \
        if (!read_arguments(arguments, given, number, a, count, n))                                      \
            return NULL;                                                                                 \
        Py_BEGIN_ALLOW_THREADS                                                                           \
        work;                                                                                            \
        Py_END_ALLOW_THREADS                                                                             \
        Py_RETURN_NONE;                                                                                  \
    }

WRAPPED(gru_forward, 7, 2, gru_forward(a[0], a[1], a[2], a[3], a[4], a[5], a[6], n[0], n[1]))
WRAPPED(gru_backward, 7, 2, gru_backward(a[0], a[1], a[2], a[3], a[4], a[5], a[6], n[0], n[1]))
WRAPPED(lstm_forward, 6, 2, lstm_forward(a[0], a[1], a[2], a[3], a[4], a[5], n[0], n[1]))
WRAPPED(lstm_backward, 7, 2, lstm_backward(a[0], a[1], a[2], a[3], a[4], a[5], a[6], n[0], n[1]))

#define METHOD(name) {#name, (PyCFunction)(void (*)(void))wrapped_##name, METH_FASTCALL, NULL}

/* How many units steps of a GRU take together on this processor; 0 where there are no vectors for that. */
#ifdef HAS_WIDER_VECTORS
static int most_lanes(void)
{
    return __builtin_cpu_supports("x86-64-v4") ? 16 : __builtin_cpu_supports("x86-64-v3") ? 8 : 0;
}

static void gru_steps(float **a, const Py_ssize_t *n)
{
    GruForward job = {a[0], a[1], a[2], a[3], a[4], a[5], n[1], n[2], n[3], n[4], n[5], n[6], n[7], n[8]};
    (n[0] == 16 ? gru_forward_16 : gru_forward_8)(&job);
}

static void gru_steps_back(float **a, const Py_ssize_t *n)
{
    GruBackward job = {a[0], a[1], a[2], a[3], a[4], a[5], a[6], n[1], n[2], n[3], n[4], n[5], n[6], n[7]};
    (n[0] == 16 ? gru_backward_16 : gru_backward_8)(&job);
}

static void add_outer(float **a, const Py_ssize_t *n)
{
    Outer job = {a[0], a[1], a[2], n[1], n[2], n[3], n[4], n[5]};
    (n[0] == 16 ? add_outer_16 : add_outer_8)(&job);
}

WRAPPED(gru_steps, 6, 9, gru_steps(a, n))
WRAPPED(gru_steps_back, 7, 8, gru_steps_back(a, n))
WRAPPED(add_outer, 3, 6, add_outer(a, n))
#define METHODS_OF_STEPS METHOD(gru_steps), METHOD(gru_steps_back), METHOD(add_outer),
#else
static int most_lanes(void) { return 0; }
#define METHODS_OF_STEPS
#endif

static PyMethodDef methods[] = {
    METHOD(gru_forward), METHOD(gru_backward), METHOD(lstm_forward), METHOD(lstm_backward), METHODS_OF_STEPS
    {"dropout", wrapped_dropout, METH_VARARGS, NULL}, {NULL, NULL, 0, NULL}};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_kernels", NULL, -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__kernels(void)
{
    PyObject *made = PyModule_Create(&module);
    if (made && PyModule_AddIntConstant(made, "LANES", most_lanes()) < 0)
        Py_CLEAR(made);
    return made;
}
