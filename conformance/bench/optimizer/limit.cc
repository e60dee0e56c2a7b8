// The limit of the optimizer benchmark: one pass over all elements by hand, on all threads, with each tensor read and
// written once. It is called with arrays of pointers, one for each parameter.
#include <algorithm>
#include <cmath>
#include <vector>

namespace {

struct Piece {
  long tensor, start, end;
};

constexpr long kPieceSize = 16384;

// Pieces of at most one size, of which each thread takes a row. What is done sooner than threads wake up has one.
template <typename Loop>
void over(int count, const long* sizes, Loop loop) {
  static thread_local std::vector<Piece> pieces;
  pieces.clear();
  long total = 0;
  for (long tensor = 0; tensor < count; ++tensor) {
    total += sizes[tensor];
    for (long start = 0; start < sizes[tensor]; start += kPieceSize)
      pieces.push_back({tensor, start, std::min(start + kPieceSize, sizes[tensor])});
  }
  const Piece* all = pieces.data();
  const long n = static_cast<long>(pieces.size());
#pragma omp parallel for schedule(static) if (total > 2 * kPieceSize)
  for (long i = 0; i < n; ++i) loop(all[i]);
}

template <typename T>
void adadelta(int count, const long* sizes, T* const* params, const T* const* grads, T* const* square_avgs,
              T* const* acc_deltas) {
  const T lr = 1, rho = T(0.9), one_minus_rho = T(1 - 0.9), eps = T(1e-6);
  over(count, sizes, [=](const Piece& piece) {
    T* __restrict__ param = params[piece.tensor];
    const T* __restrict__ grad = grads[piece.tensor];
    T* __restrict__ square_avg = square_avgs[piece.tensor];
    T* __restrict__ acc_delta = acc_deltas[piece.tensor];
    for (long i = piece.start; i < piece.end; ++i) {
      const T g = grad[i], u = acc_delta[i];
      const T v = square_avg[i] * rho + one_minus_rho * g * g;
      const T delta = std::sqrt(u + eps) / std::sqrt(v + eps) * g;
      square_avg[i] = v;
      acc_delta[i] = u * rho + one_minus_rho * delta * delta;
      param[i] -= lr * delta;
    }
  });
}

template <typename T>
void sgd(int count, const long* sizes, T* const* params, const T* const* grads, T* const* buffers) {
  const T lr = T(1e-3), momentum = T(0.9);
  over(count, sizes, [=](const Piece& piece) {
    T* __restrict__ param = params[piece.tensor];
    const T* __restrict__ grad = grads[piece.tensor];
    T* __restrict__ buffer = buffers[piece.tensor];
    for (long i = piece.start; i < piece.end; ++i) {
      buffer[i] = buffer[i] * momentum + grad[i];
      param[i] -= lr * buffer[i];
    }
  });
}

}  // namespace

#define EXPORT(T, NAME)                                                                                             \
  extern "C" void adadelta_##NAME(int count, const long* sizes, T* const* params, const T* const* grads,            \
                                  T* const* square_avgs, T* const* acc_deltas) {                                    \
    adadelta<T>(count, sizes, params, grads, square_avgs, acc_deltas);                                              \
  }                                                                                                                 \
  extern "C" void sgd_##NAME(int count, const long* sizes, T* const* params, const T* const* grads,                 \
                             T* const* buffers) {                                                                   \
    sgd<T>(count, sizes, params, grads, buffers);                                                                   \
  }
EXPORT(float, float32)
EXPORT(double, float64)
