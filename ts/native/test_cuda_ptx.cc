// Prints what NVRTC makes of a source: test_cuda_ptx SOURCE UPDATE ARCHITECTURE. Needs no GPU.
#include <fstream>
#include <iostream>
#include <iterator>

#include "cuda_compiler.h"

int main(int, char** arguments) {
  std::ifstream file(arguments[1]);
  const std::string source(std::istreambuf_iterator<char>(file), {});
  try {
    std::cout << parity::compile_cuda(source.c_str(), arguments[2], arguments[3]);
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
}
