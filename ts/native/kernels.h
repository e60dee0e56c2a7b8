// What stands between TensorFlow's operations and the kernels that are generated. Each optimizer's are in a
// library that is loaded after the operation's, and registers them there.
#pragma once

#include <cstdint>

// The elements of type T (aten.h) that a kernel steps: each may be written to where it was read, and no other is looked at.
#define PARITY_EACH(T, i, begin, end) _Pragma("GCC ivdep") for (int64_t i = (begin); i < (end); i += length_of<T>)

namespace parity {

// Steps elements begin to end of one parameter.
//
// `from` is the gradient, the parameter and its state; `to` is where the new parameter and state go, one place earlier.
// Where a tensor is updated in place, both are the same memory.
using Step = void (*)(const void* const* from, void* const* to, const double* scalars, int64_t begin, int64_t end);

struct Kernel {
  const char* name;
  Step step;
  // How many tensors a parameter has, itself included and its gradient not, and how many scalars its group has.
  int slots;
  int scalars;
  // The same function for a GPU: its name in a source of CUDA C++.
  const char* update;
  const char* cuda_source;
};

// Adds kernels of a library, which stays loaded; each has a name that no other has. Gives true.
bool register_kernels(const Kernel* begin, const Kernel* end);

template <int count>
bool register_kernels(const Kernel (&kernels)[count]) {
  return register_kernels(kernels, kernels + count);
}

// The kernel of that name, or null.
const Kernel* find_kernel(const char* name);

}  // namespace parity
