// Puts work on streams of a driver that only prints what it is asked (test_fake_cuda.cc).
#include <cstdio>
#include <exception>

#include "cuda_compiler.h"
#include "cuda_stream.h"

int main() {
  const parity::Kernel kernel = {"Toy_float32", nullptr, 1, 1, "Toy<float>", "source"};
  parity::Launch launch = {};
  launch.tensors = 2;
  launch.first_blocks[2] = 7;
  void* const streams[] = {reinterpret_cast<void*>(0x10), reinterpret_cast<void*>(0x20)};
  std::printf("problem: '%s'\n", parity::cuda_problem().c_str());
  for (void* handle : {streams[0], streams[0], streams[1]}) {
    parity::CudaStream stream(handle);
    stream.fill_with_zeros(nullptr, 0);
    stream.fill_with_zeros(nullptr, 12);
    stream.compile(kernel);
    launch.scalars[0] += 0.5;
    stream.step(kernel, launch);
  }
  launch.scalars[0] = -1;
  try {
    parity::CudaStream(streams[0]).step(kernel, launch);
  } catch (const std::exception& error) {
    std::printf("%s\n", error.what());
  }
  std::printf("%s %s\n", parity::architecture_for(90).c_str(), parity::architecture_for(86).c_str());
  try {
    parity::architecture_for(61);
  } catch (const std::exception& error) {
    std::printf("%s\n", error.what());
  }
}
