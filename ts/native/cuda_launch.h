// What one launch of a CUDA kernel is given, and which elements each of its blocks steps. The launcher and the kernels
// both include it; NVRTC, which compiles the kernels, has no standard headers.
#pragma once

namespace parity {

// The elements of one tensor that a block of threads steps, and how many threads those are.
constexpr int chunk_elements = 2048;
constexpr int block_threads = 256;

// CUDA takes 4 KB by value: nothing is copied to the device, and nothing is waited for.
struct Launch {
  static constexpr int max_tensors = 64;
  static constexpr int max_scalars = 32;
  static constexpr int max_pointers = 380;

  int tensors;
  // The pointers of a tensor: its gradient, its slots, and where their new values go.
  int pointers_each;
  // Where each tensor's blocks begin in the row of all blocks, and where the last one's end.
  unsigned first_blocks[max_tensors + 1];
  long long sizes[max_tensors];
  double scalars[max_scalars];
  void* pointers[max_pointers];
};
static_assert(sizeof(Launch) <= 4096, "CUDA takes 4 KB by value");

#ifdef __CUDACC__

using int64_t = long long;

#define PARITY_EACH(T, i, begin, end) for (int64_t i = (begin) + threadIdx.x; i < (end); i += block_threads)

using Step = void (*)(const void* const* from, void* const* to, const double* scalars, int64_t begin, int64_t end);

// Steps this block's elements.
template <Step step>
__device__ void run_block(const Launch& launch) {
  int tensor = 0;
  for (int end = launch.tensors; end - tensor > 1;) {
    const int middle = (tensor + end) / 2;
    if (launch.first_blocks[middle] <= blockIdx.x) tensor = middle;
    else end = middle;
  }
  void* const* pointers = launch.pointers + tensor * launch.pointers_each;
  const int64_t size = launch.sizes[tensor];
  const int64_t begin = int64_t{blockIdx.x - launch.first_blocks[tensor]} * chunk_elements;
  const int64_t end = size - begin < chunk_elements ? size : begin + chunk_elements;
  step(pointers, pointers + launch.pointers_each / 2 + 1, launch.scalars, begin, end);
}

#endif  // __CUDACC__

}  // namespace parity
