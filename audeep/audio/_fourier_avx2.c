/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "_spectra.h"
#ifdef HAS_WIDER_VECTORS
#pragma GCC target("arch=x86-64-v3")
#define LANES 4
#define SPECTRA spectra_4
#include "_fourier.h"
#endif
