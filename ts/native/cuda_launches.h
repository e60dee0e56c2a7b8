// Divides the step of many tensors into launches.
#pragma once

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <string>

#include "cuda_launch.h"
#include "kernels.h"

namespace parity {

// Gives `launch` as many tensors at a time as there is room for; empty ones are left out.
//
// `from`, `to` and `scalars` are as a kernel takes them, one tensor after the other; `starts` says where each of the n
// tensors begins in the row of all elements, and where the last one ends.
template <typename F>
void for_each_launch(const Kernel& kernel, int64_t n, const int64_t* starts, const void* const* from, void* const* to,
                     const double* scalars, F launch) {
  const int slots = kernel.slots;
  Launch next;
  next.pointers_each = 2 * slots + 1;
  const int tensors = std::min(Launch::max_tensors, Launch::max_pointers / next.pointers_each);
  if (tensors == 0 || kernel.scalars > Launch::max_scalars) {
    throw std::runtime_error(std::string(kernel.name) + " has more state or scalars than a GPU's launch takes");
  }
  std::copy_n(scalars, kernel.scalars, next.scalars);
  next.tensors = 0;
  next.first_blocks[0] = 0;
  for (int64_t i = 0; i < n; ++i) {
    const int64_t size = starts[i + 1] - starts[i];
    if (size == 0) continue;
    void** pointers = next.pointers + next.tensors * next.pointers_each;
    // A kernel is given them as they came: it does not write through those that it reads from.
    for (int s = 0; s <= slots; ++s) *pointers++ = const_cast<void*>(from[i * (slots + 1) + s]);
    std::copy_n(to + i * slots, slots, pointers);
    next.sizes[next.tensors] = size;
    const auto blocks = static_cast<unsigned>((size - 1) / chunk_elements + 1);
    next.first_blocks[next.tensors + 1] = next.first_blocks[next.tensors] + blocks;
    if (++next.tensors < tensors) continue;
    launch(next);
    next.tensors = 0;
  }
  if (next.tensors > 0) launch(next);
}

}  // namespace parity
