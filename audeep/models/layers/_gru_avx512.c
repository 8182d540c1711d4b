/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "_gru_jobs.h"
#ifdef HAS_WIDER_VECTORS
#pragma GCC target("arch=x86-64-v4", "prefer-vector-width=512")
#include <immintrin.h>
#define LARGEST _mm512_max_ps
#define SMALLEST _mm512_min_ps
#define LANES 16
#define GRU_FORWARD gru_forward_16
#define GRU_BACKWARD gru_backward_16
#define ADD_OUTER add_outer_16
#include "_gru.h"
#endif
