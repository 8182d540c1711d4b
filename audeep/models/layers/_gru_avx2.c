/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "_gru_jobs.h"
#ifdef HAS_WIDER_VECTORS
#pragma GCC target("arch=x86-64-v3")
#include <immintrin.h>
#define LARGEST _mm256_max_ps
#define SMALLEST _mm256_min_ps
#define LANES 8
#define GRU_FORWARD gru_forward_8
#define GRU_BACKWARD gru_backward_8
#define ADD_OUTER add_outer_8
#include "_gru.h"
#endif
