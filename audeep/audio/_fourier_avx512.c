/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "_spectra.h"
#ifdef HAS_WIDER_VECTORS
#pragma GCC target("arch=x86-64-v4")
#define LANES 8
#define SPECTRA spectra_8
#include "_fourier.h"
#endif
