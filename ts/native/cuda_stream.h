// CUDA's driver, as far as kernels need it. It is found when it is asked for: TensorFlow has loaded it where it runs on
// a GPU, and elsewhere there may be none.
#pragma once

#include <cstddef>
#include <string>

#include "cuda_launch.h"
#include "kernels.h"

namespace parity {

// A stream of TensorFlow's, on which work is put; nothing here waits for it. Its context is current while this lives.
// What fails throws std::runtime_error.
class CudaStream {
 public:
  // `handle` is a CUstream.
  explicit CudaStream(void* handle);
  ~CudaStream();
  CudaStream(const CudaStream&) = delete;

  void fill_with_zeros(void* memory, size_t bytes);

  // Compiles the kernel for this stream's device, if that was not done in this process.
  void compile(const Kernel& kernel);
  void step(const Kernel& kernel, const Launch& launch);

 private:
  void* handle_;
  void* context_ = nullptr;
};

// Why no kernel can run on a GPU in this process; empty where one can. Looks for libraries only.
std::string cuda_problem();

}  // namespace parity
