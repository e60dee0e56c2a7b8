// NVRTC, CUDA's compiler at run time. It is found when it is asked for, and needs no GPU.
#pragma once

#include <string>

namespace parity {

// Throws std::runtime_error that says what is missing, where there is no NVRTC; so do the others.
void find_cuda_compiler();

// Machine code or PTX of an update, as cuModuleLoadData takes it; its entry is called `step`.
//
// `architecture` is sm_90 for machine code, compute_90 for PTX. Throws what NVRTC says where it refuses the source.
std::string compile_cuda(const char* source, const char* update, const std::string& architecture);

// What compile_cuda is asked for on a device of this compute capability (90 for 9.0): machine code, which any driver of
// the same CUDA takes; or PTX, where the device is newer than the compiler. Throws where it is too old.
std::string architecture_for(int compute_capability);

}  // namespace parity
