// The operations of an update (src/engine/operations.ts) on one element, rounded as ATen rounds them on a CPU without
// FMA. Scalars are doubles until they meet an element. The compiler must not contract (g++ -ffp-contract=off, NVRTC
// --fmad=false). NVRTC takes this file as well: it needs no header.
#pragma once

#ifdef __CUDACC__
#define PARITY_FUNCTION __device__ __forceinline__
#else
#define PARITY_FUNCTION inline
#endif

namespace parity {

struct float16 {
  unsigned short bits;
};
struct bfloat16 {
  unsigned short bits;
};
struct complex64 {
  float re, im;
};
// What view_as_real makes of a complex number: two numbers, each of which goes its own way.
struct real_pair {
  float re, im;
};

#ifdef __CUDACC__
PARITY_FUNCTION unsigned bits_of(float x) { return __float_as_uint(x); }
PARITY_FUNCTION float float_of(unsigned bits) { return __uint_as_float(bits); }
PARITY_FUNCTION float root(float x) { return __fsqrt_rn(x); }
PARITY_FUNCTION double root(double x) { return __dsqrt_rn(x); }
#else
PARITY_FUNCTION unsigned bits_of(float x) { return __builtin_bit_cast(unsigned, x); }
PARITY_FUNCTION float float_of(unsigned bits) { return __builtin_bit_cast(float, bits); }
PARITY_FUNCTION float root(float x) { return __builtin_sqrtf(x); }
PARITY_FUNCTION double root(double x) { return __builtin_sqrt(x); }
#endif

// Halves are widened to float to be computed with, and rounded to the nearest, ties to even.
PARITY_FUNCTION float widen(float x) { return x; }
PARITY_FUNCTION double widen(double x) { return x; }
PARITY_FUNCTION float widen(bfloat16 x) { return float_of(static_cast<unsigned>(x.bits) << 16); }

template <typename T>
struct Wide {
  using type = float;
};
template <>
struct Wide<double> {
  using type = double;
};
template <typename T>
using wide = typename Wide<T>::type;

template <typename T>
PARITY_FUNCTION T narrow(wide<T> x) {
  return x;
}

template <>
PARITY_FUNCTION bfloat16 narrow<bfloat16>(float x) {
  const unsigned bits = bits_of(x);
  const unsigned rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
  return {static_cast<unsigned short>(x != x ? 0x7fc0 : rounded)};
}

#ifdef __CUDACC__
PARITY_FUNCTION float widen(float16 x) {
  float result;
  asm("cvt.f32.f16 %0, %1;" : "=f"(result) : "h"(x.bits));
  return result;
}

template <>
PARITY_FUNCTION float16 narrow<float16>(float x) {
  float16 result;
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(result.bits) : "f"(x));
  return result;
}
#else
PARITY_FUNCTION float widen(float16 x) {
  const unsigned sign = (x.bits & 0x8000u) << 16;
  const unsigned size = (x.bits & 0x7fffu) << 13;
  // The exponent's bias is 112 larger in float. Infinities and NaN keep the highest exponent.
  const unsigned number = bits_of(float_of(size) * 0x1p112f);
  return float_of(sign | (size >= 0x7c00u << 13 ? size | 0x7f800000u : number));
}

template <>
PARITY_FUNCTION float16 narrow<float16>(float x) {
  const unsigned sign = bits_of(x) & 0x80000000u;
  const unsigned size = bits_of(x) ^ sign;
  // 2^-14 and up have 10 bits after the first; ties go to even, and what is too large to infinity.
  const unsigned normal = (size + 0xfffu + (size >> 13 & 1) - (112u << 23)) >> 13;
  // Below, the last bit is worth 2^-24: adding 1/2 rounds to it, and leaves it at the end of the sum.
  const unsigned subnormal = bits_of(float_of(size) + 0.5f) - bits_of(0.5f);
  const unsigned number = size < 113u << 23 ? subnormal : size >= 143u << 23 ? 0x7c00u : normal;
  return {static_cast<unsigned short>(sign >> 16 | (size > 0x7f800000u ? 0x7e00u : number))};
}
#endif

// A scalar that is rounded to the elements' type.
template <typename T>
PARITY_FUNCTION wide<T> rounded(double s) {
  return widen(narrow<T>(static_cast<wide<T>>(s)));
}

template <typename T>
PARITY_FUNCTION T neg(T x) {
  return narrow<T>(-widen(x));
}

template <typename T>
PARITY_FUNCTION T abs(T x) {
  return narrow<T>(widen(x) < 0 ? -widen(x) : widen(x) + 0);
}

// 0 of NaN.
template <typename T>
PARITY_FUNCTION T sign(T x) {
  return narrow<T>(static_cast<wide<T>>((widen(x) > 0) - (widen(x) < 0)));
}

template <typename T>
PARITY_FUNCTION T mul(T x, T y) {
  return narrow<T>(widen(x) * widen(y));
}

template <typename T>
PARITY_FUNCTION T mul_scalar(T x, double s) {
  return narrow<T>(widen(x) * static_cast<wide<T>>(s));
}

template <typename T>
PARITY_FUNCTION T add(T x, T y, double alpha) {
  return narrow<T>(widen(x) + widen(narrow<T>(widen(y) * rounded<T>(alpha))));
}

template <typename T>
PARITY_FUNCTION T add_scalar(T x, double s) {
  return narrow<T>(widen(x) + rounded<T>(s));
}

template <typename T>
PARITY_FUNCTION T div(T x, T y) {
  return narrow<T>(widen(x) / widen(y));
}

template <typename T>
PARITY_FUNCTION T div_scalar(T x, double s) {
  return narrow<T>(widen(x) / static_cast<wide<T>>(s));
}

template <typename T>
PARITY_FUNCTION T sqrt(T x) {
  return narrow<T>(root(widen(x)));
}

// NaN if either is; the first of 0 and -0.
template <typename T>
PARITY_FUNCTION T maximum(T x, T y) {
  return widen(x) != widen(x) || widen(x) >= widen(y) ? x : y;
}

template <typename T>
PARITY_FUNCTION T minimum(T x, T y) {
  return widen(x) != widen(x) || widen(x) <= widen(y) ? x : y;
}

template <typename T>
PARITY_FUNCTION T addcmul(T x, T y, T z, double value) {
  return narrow<T>(widen(x) + widen(y) * static_cast<wide<T>>(value) * widen(z));
}

template <typename T>
PARITY_FUNCTION T addcdiv(T x, T y, T z, double value) {
  return narrow<T>(widen(x) + widen(y) * static_cast<wide<T>>(value) / widen(z));
}

// From the nearer end.
template <typename T>
PARITY_FUNCTION T lerp(T x, T end, double weight) {
  const wide<T> w = static_cast<wide<T>>(weight);
  const wide<T> way = widen(end) - widen(x);
  return narrow<T>(-0.5f < w && w < 0.5f ? widen(x) + w * way : widen(end) - way * (1 - w));
}

template <typename T>
PARITY_FUNCTION T clone(T x) {
  return x;
}

template <typename T>
PARITY_FUNCTION T view_as_real(T x) {
  return x;
}

template <typename T>
PARITY_FUNCTION T view_as_complex(T x) {
  return x;
}

PARITY_FUNCTION real_pair view_as_real(complex64 x) { return {x.re, x.im}; }
PARITY_FUNCTION complex64 view_as_complex(real_pair x) { return {x.re, x.im}; }

PARITY_FUNCTION complex64 neg(complex64 x) { return {-x.re, -x.im}; }
// A scalar is a complex number without an imaginary part; infinities and signed zeros show it.
PARITY_FUNCTION complex64 mul_scalar(complex64 x, double s) {
  const float t = static_cast<float>(s);
  return {x.re * t - x.im * 0.0f, x.re * 0.0f + x.im * t};
}
PARITY_FUNCTION complex64 add(complex64 x, complex64 y, double alpha) {
  const complex64 product = mul_scalar(y, alpha);
  return {x.re + product.re, x.im + product.im};
}

// clang-format off
PARITY_FUNCTION real_pair neg(real_pair x) { return {neg(x.re), neg(x.im)}; }
PARITY_FUNCTION real_pair abs(real_pair x) { return {abs(x.re), abs(x.im)}; }
PARITY_FUNCTION real_pair sign(real_pair x) { return {sign(x.re), sign(x.im)}; }
PARITY_FUNCTION real_pair sqrt(real_pair x) { return {sqrt(x.re), sqrt(x.im)}; }
PARITY_FUNCTION real_pair mul(real_pair x, real_pair y) { return {mul(x.re, y.re), mul(x.im, y.im)}; }
PARITY_FUNCTION real_pair div(real_pair x, real_pair y) { return {div(x.re, y.re), div(x.im, y.im)}; }
PARITY_FUNCTION real_pair maximum(real_pair x, real_pair y) { return {maximum(x.re, y.re), maximum(x.im, y.im)}; }
PARITY_FUNCTION real_pair minimum(real_pair x, real_pair y) { return {minimum(x.re, y.re), minimum(x.im, y.im)}; }
PARITY_FUNCTION real_pair mul_scalar(real_pair x, double s) { return {mul_scalar(x.re, s), mul_scalar(x.im, s)}; }
PARITY_FUNCTION real_pair add_scalar(real_pair x, double s) { return {add_scalar(x.re, s), add_scalar(x.im, s)}; }
PARITY_FUNCTION real_pair div_scalar(real_pair x, double s) { return {div_scalar(x.re, s), div_scalar(x.im, s)}; }
PARITY_FUNCTION real_pair add(real_pair x, real_pair y, double alpha) { return {add(x.re, y.re, alpha), add(x.im, y.im, alpha)}; }
PARITY_FUNCTION real_pair lerp(real_pair x, real_pair end, double weight) { return {lerp(x.re, end.re, weight), lerp(x.im, end.im, weight)}; }
PARITY_FUNCTION real_pair addcmul(real_pair x, real_pair y, real_pair z, double value) { return {addcmul(x.re, y.re, z.re, value), addcmul(x.im, y.im, z.im, value)}; }
PARITY_FUNCTION real_pair addcdiv(real_pair x, real_pair y, real_pair z, double value) { return {addcdiv(x.re, y.re, z.re, value), addcdiv(x.im, y.im, z.im, value)}; }
// clang-format on

}  // namespace parity
