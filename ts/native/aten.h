// The operations of an update (src/engine/operations.ts) on one element, rounded as ATen rounds them on a CPU without
// FMA. Scalars are doubles until they meet an element. The compiler must not contract (-ffp-contract=off).
#pragma once

#include <cmath>

namespace parity {

template <typename T>
inline T neg(T x) {
  return -x;
}

template <typename T>
inline T mul(T x, T y) {
  return x * y;
}

template <typename T>
inline T mul_scalar(T x, double s) {
  return x * static_cast<T>(s);
}

template <typename T>
inline T add(T x, T y, double alpha) {
  return x + y * static_cast<T>(alpha);
}

template <typename T>
inline T add_scalar(T x, double s) {
  return x + static_cast<T>(s);
}

template <typename T>
inline T div(T x, T y) {
  return x / y;
}

template <typename T>
inline T sqrt(T x) {
  return std::sqrt(x);
}

template <typename T>
inline T addcmul(T x, T y, T z, double value) {
  return x + y * static_cast<T>(value) * z;
}

template <typename T>
inline T clone(T x) {
  return x;
}

}  // namespace parity
