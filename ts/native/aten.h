// The operations of an update (src/engine/operations.ts) on one element, rounded as ATen rounds them on a CPU without
// FMA. Scalars are doubles until they meet an element. The compiler must not contract (g++ -ffp-contract=off, NVRTC
// --fmad=false). NVRTC takes this file as well: it needs no header.
#pragma once

#ifdef __CUDACC__
#define PARITY_FUNCTION __device__ __forceinline__
#else
#define PARITY_FUNCTION inline
#ifdef __F16C__
#include <immintrin.h>
#endif
#endif

namespace parity {

// Halves are floats between operations, rounded to what a half holds: 16 bits are for memory alone. Compilers do not
// vectorize the instructions that round to float16, so where there are any, an element is a vector of them.
#if defined __F16C__ && !defined __CUDACC__
#ifdef __AVX512F__
constexpr int vector_length = 16;
#else
constexpr int vector_length = 8;
#endif
typedef float float16_wide __attribute__((vector_size(4 * vector_length)));
#else
constexpr int vector_length = 1;
using float16_wide = float;
#endif
struct float16 {
  float16_wide value;
};
struct bfloat16 {
  float value;
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

// What an element is computed with.
PARITY_FUNCTION float widen(float x) { return x; }
PARITY_FUNCTION double widen(double x) { return x; }
PARITY_FUNCTION float16_wide widen(float16 x) { return x.value; }
PARITY_FUNCTION float widen(bfloat16 x) { return x.value; }

template <typename T>
using wide = decltype(widen(T{}));

// What a scalar becomes where it meets an element.
template <typename T>
struct Scalar {
  using type = float;
};
template <>
struct Scalar<double> {
  using type = double;
};
template <typename T>
using scalar = typename Scalar<T>::type;

// How many neighbours in memory an element stands for.
template <typename T>
constexpr int length_of = 1;
template <>
constexpr int length_of<float16> = vector_length;

// The nearest element, ties to even.
template <typename T>
PARITY_FUNCTION T narrow(wide<T> x) {
  return x;
}

template <>
PARITY_FUNCTION bfloat16 narrow<bfloat16>(float x) {
  const unsigned bits = bits_of(x);
  const unsigned rounded = (bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000u;
  return {float_of(x != x ? 0x7fc00000u : rounded)};
}

PARITY_FUNCTION float bfloat16_value(unsigned bits) { return float_of(bits << 16); }
PARITY_FUNCTION unsigned bfloat16_bits(float value) { return bits_of(value) >> 16; }

#if defined __CUDACC__
PARITY_FUNCTION float float16_value(unsigned short bits) {
  float value;
  asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(bits));
  return value;
}
PARITY_FUNCTION unsigned short float16_bits(float value) {
  unsigned short bits;
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(value));
  return bits;
}

template <>
PARITY_FUNCTION float16 narrow<float16>(float x) {
  return {float16_value(float16_bits(x))};
}
#elif defined __F16C__
#ifdef __AVX512F__
using float16_words = __m256i;
PARITY_FUNCTION float16_wide root(float16_wide x) { return _mm512_sqrt_ps(x); }
PARITY_FUNCTION float16_wide float16_value(float16_words bits) { return _mm512_cvtph_ps(bits); }
PARITY_FUNCTION float16_words float16_bits(float16_wide value) {
  return _mm512_cvtps_ph(value, _MM_FROUND_TO_NEAREST_INT);
}
#else
using float16_words = __m128i;
PARITY_FUNCTION float16_wide root(float16_wide x) { return _mm256_sqrt_ps(x); }
PARITY_FUNCTION float16_wide float16_value(float16_words bits) { return _mm256_cvtph_ps(bits); }
PARITY_FUNCTION float16_words float16_bits(float16_wide value) {
  return _mm256_cvtps_ph(value, _MM_FROUND_TO_NEAREST_INT);
}
#endif

template <>
PARITY_FUNCTION float16 narrow<float16>(float16_wide x) {
  return {float16_value(float16_bits(x))};
}
#else
// Written for compilers to vectorize, and without float's own subnormals, with which processors multiply slowly.
PARITY_FUNCTION float float16_value(unsigned bits) {
  const unsigned sign = (bits & 0x8000u) << 16;
  const unsigned size = bits & 0x7fffu;
  // The exponent's bias is 112 larger in float. Infinities and NaN keep the highest exponent.
  const unsigned normal = (size << 13) + (size < 0x7c00u ? 112u << 23 : 224u << 23);
  // Below 2^-14, the last bit is worth 2^-24, as that of 1/2 is.
  const unsigned subnormal = bits_of(float_of(bits_of(0.5f) + size) - 0.5f);
  return float_of(sign | (size < 0x400u ? subnormal : normal));
}

// Of a value that float16 holds.
PARITY_FUNCTION unsigned float16_bits(float value) {
  const unsigned sign = bits_of(value) & 0x80000000u;
  const unsigned size = bits_of(value) ^ sign;
  const unsigned normal = (size - (112u << 23)) >> 13;
  const unsigned subnormal = bits_of(float_of(size) + 0.5f) - bits_of(0.5f);
  const unsigned special = size > 0x7f800000u ? 0x7e00u : 0x7c00u;
  const unsigned number = size < 113u << 23 ? subnormal : normal;
  return sign >> 16 | (size < 0x7f800000u ? number : special);
}

template <>
PARITY_FUNCTION float16 narrow<float16>(float x) {
  const unsigned sign = bits_of(x) & 0x80000000u;
  const unsigned size = bits_of(x) ^ sign;
  // Of a float 2^13 times the power of two that is next below, the last bit is worth as much as that of the half; below
  // 2^-14, halves have the last bit of 2^-14.
  const unsigned power = size & 0x7f800000u;
  const float large = float_of((power > 113u << 23 ? power : 113u << 23) + (13u << 23));
  const unsigned near = bits_of((float_of(size) + large) - large);
  // 65520, a tie, and what is larger rounds to infinity; NaN stays NaN.
  return {float_of(sign | (float_of(size) >= 65520.0f ? 0x7f800000u : near))};
}
#endif

// Element i in memory, of those before end.
template <typename T>
PARITY_FUNCTION T load(const void* from, long long i, long long) {
  return static_cast<const T*>(from)[i];
}
template <>
PARITY_FUNCTION float16 load<float16>(const void* from, long long i, long long end) {
  const unsigned short* bits = static_cast<const unsigned short*>(from) + i;
#if defined __F16C__ && !defined __CUDACC__
  float16_words words = {};
  if (end - i < vector_length) __builtin_memcpy(&words, bits, 2 * (end - i));
  else __builtin_memcpy(&words, bits, sizeof words);
  return {float16_value(words)};
#else
  return {float16_value(*bits)};
#endif
}
template <>
PARITY_FUNCTION bfloat16 load<bfloat16>(const void* from, long long i, long long) {
  return {bfloat16_value(static_cast<const unsigned short*>(from)[i])};
}
template <>
PARITY_FUNCTION complex64 load<complex64>(const void* from, long long i, long long) {
  const float* parts = static_cast<const float*>(from) + 2 * i;
  return {parts[0], parts[1]};
}

template <typename T>
PARITY_FUNCTION void store(void* to, long long i, long long, T x) {
  static_cast<T*>(to)[i] = x;
}
PARITY_FUNCTION void store(void* to, long long i, long long end, float16 x) {
  unsigned short* bits = static_cast<unsigned short*>(to) + i;
#if defined __F16C__ && !defined __CUDACC__
  const float16_words words = float16_bits(x.value);
  if (end - i < vector_length) __builtin_memcpy(bits, &words, 2 * (end - i));
  else __builtin_memcpy(bits, &words, sizeof words);
#else
  *bits = static_cast<unsigned short>(float16_bits(x.value));
#endif
}
PARITY_FUNCTION void store(void* to, long long i, long long, bfloat16 x) {
  static_cast<unsigned short*>(to)[i] = static_cast<unsigned short>(bfloat16_bits(x.value));
}
PARITY_FUNCTION void store(void* to, long long i, long long, complex64 x) {
  float* parts = static_cast<float*>(to) + 2 * i;
  parts[0] = x.re;
  parts[1] = x.im;
}

// A scalar that is rounded to the elements' type.
template <typename T>
PARITY_FUNCTION wide<T> rounded(double s) {
  return widen(narrow<T>(static_cast<scalar<T>>(s) - wide<T>{}));
}

template <typename T>
PARITY_FUNCTION T neg(T x) {
  return narrow<T>(-widen(x));
}

template <typename T>
PARITY_FUNCTION T abs(T x) {
  const scalar<T> zero = 0;
  return narrow<T>(widen(x) < zero ? -widen(x) : widen(x) + zero);
}

// 0 of NaN.
template <typename T>
PARITY_FUNCTION T sign(T x) {
  const wide<T> zero = {}, one = zero + 1;
  return narrow<T>(widen(x) > zero ? one : widen(x) < zero ? -one : zero);
}

template <typename T>
PARITY_FUNCTION T mul(T x, T y) {
  return narrow<T>(widen(x) * widen(y));
}

template <typename T>
PARITY_FUNCTION T mul_scalar(T x, double s) {
  return narrow<T>(widen(x) * static_cast<scalar<T>>(s));
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
  return narrow<T>(widen(x) / static_cast<scalar<T>>(s));
}

template <typename T>
PARITY_FUNCTION T sqrt(T x) {
  return narrow<T>(root(widen(x)));
}

// NaN if either is; the first of 0 and -0.
template <typename T>
PARITY_FUNCTION T maximum(T x, T y) {
  return {widen(x) != widen(x) || widen(x) >= widen(y) ? widen(x) : widen(y)};
}

template <typename T>
PARITY_FUNCTION T minimum(T x, T y) {
  return {widen(x) != widen(x) || widen(x) <= widen(y) ? widen(x) : widen(y)};
}

template <typename T>
PARITY_FUNCTION T addcmul(T x, T y, T z, double value) {
  return narrow<T>(widen(x) + widen(y) * static_cast<scalar<T>>(value) * widen(z));
}

template <typename T>
PARITY_FUNCTION T addcdiv(T x, T y, T z, double value) {
  return narrow<T>(widen(x) + widen(y) * static_cast<scalar<T>>(value) / widen(z));
}

// From the nearer end.
template <typename T>
PARITY_FUNCTION T lerp(T x, T end, double weight) {
  const scalar<T> w = static_cast<scalar<T>>(weight);
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
// Keeps a product out of vfmaddsub, which GCC makes of such pairs also where it must not contract (since version 12, as
// the barrier).
PARITY_FUNCTION float apart(float product) {
#if defined __has_builtin
#if __has_builtin(__builtin_assoc_barrier)
  return __builtin_assoc_barrier(product);
#endif
#endif
  return product;
}
// A scalar is a complex number without an imaginary part; infinities and signed zeros show it.
PARITY_FUNCTION complex64 mul_scalar(complex64 x, double s) {
  const float t = static_cast<float>(s);
  return {apart(x.re * t) - apart(x.im * 0.0f), apart(x.re * 0.0f) + apart(x.im * t)};
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
