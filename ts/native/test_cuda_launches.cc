// Runs the CUDA form of each kernel on the CPU, block by block as a GPU is told to, beside its C++ form: both must
// write the same bits, and nothing beyond their tensors.
#include <cstdio>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "cuda_launches.h"

struct Index {
  unsigned x;
};
extern Index blockIdx, threadIdx;

// What the test generates: the kernels, and their CUDA forms by the same names.
struct Entry {
  const char* name;
  void (*run)(const parity::Launch*);
};
extern const Entry entries[];
extern const int entry_count;

namespace {

using Bytes = std::vector<unsigned char>;
constexpr size_t guard = 64;

size_t scalar_size(const std::string& kernel) {
  if (kernel.find("float64") != std::string::npos) return 8;
  return kernel.find("16") != std::string::npos ? 2 : 4;
}

// Numbers near 1, so that no dtype overflows, and after them bytes that must stay as they are.
Bytes numbers(size_t bytes, size_t scalar, std::mt19937& random) {
  Bytes result(bytes + guard);
  for (auto& byte : result) byte = random();
  for (size_t i = scalar - 1; i < bytes; i += scalar) result[i] = 0x3f;
  return result;
}

bool agree(const parity::Kernel& kernel, const Entry& entry, const std::vector<int64_t>& sizes, bool in_place) {
  std::mt19937 random(1);
  const std::string name = kernel.name;
  const size_t scalar = scalar_size(name), element = name.find("complex") != std::string::npos ? 2 * scalar : scalar;
  const std::vector<double> scalars = {0.9, 0.1, 0.3, 0.7, -0.5, 0.2, 0.4, 0.6};
  const int64_t n = sizes.size(), slots = kernel.slots;
  std::vector<int64_t> starts = {0};
  for (int64_t size : sizes) starts.push_back(starts.back() + size);

  std::vector<Bytes> inputs;  // of each tensor its gradient and its slots
  std::vector<Bytes> outputs[2];
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t s = 0; s <= slots; ++s) inputs.push_back(numbers(sizes[i] * element, scalar, random));
    for (int64_t s = 1; s <= slots; ++s) {
      const Bytes& input = inputs[i * (slots + 1) + s];
      for (auto& output : outputs) output.push_back(in_place ? input : Bytes(input.size(), 0xee));
    }
  }
  for (int form = 0; form < 2; ++form) {
    std::vector<const void*> from;
    std::vector<void*> to;
    for (auto& output : outputs[form]) to.push_back(output.data());
    for (size_t i = 0; i < inputs.size(); ++i) {
      const int64_t s = i % (slots + 1);
      from.push_back(in_place && s > 0 ? outputs[form][i / (slots + 1) * slots + s - 1].data() : inputs[i].data());
    }
    if (form == 0) {
      for (int64_t i = 0; i < n; ++i) {
        kernel.step(&from[i * (slots + 1)], &to[i * slots], scalars.data(), 0, sizes[i]);
      }
    } else {
      const auto run = [&entry](const parity::Launch& launch) {
        const unsigned blocks = launch.first_blocks[launch.tensors];
        for (blockIdx.x = 0; blockIdx.x < blocks; ++blockIdx.x) {
          for (threadIdx.x = 0; threadIdx.x < parity::block_threads; ++threadIdx.x) entry.run(&launch);
        }
      };
      parity::for_each_launch(kernel, n, starts.data(), from.data(), to.data(), scalars.data(), run);
    }
  }
  return outputs[0] == outputs[1];
}

}  // namespace

int main() {
  constexpr int64_t chunk = parity::chunk_elements;
  const std::vector<int64_t> awkward = {0, 1, chunk - 1, chunk, chunk + 1, 0, 3 * chunk + 5, 7};
  std::vector<int64_t> many(2 * parity::Launch::max_tensors + 3, 3);  // more than one launch takes
  many[5] = 0;
  many[70] = chunk + 1;
  for (int i = 0; i < entry_count; ++i) {
    const parity::Kernel* kernel = parity::find_kernel(entries[i].name);
    for (const auto& sizes : {awkward, many, {}, {0}}) {
      for (bool in_place : {true, false}) {
        if (!kernel || !agree(*kernel, entries[i], sizes, in_place)) {
          std::printf("%s differs: %zu tensors, in place: %d\n", entries[i].name, sizes.size(), in_place);
          return 1;
        }
      }
    }
  }
  std::printf("%d kernels agree\n", entry_count);
}
