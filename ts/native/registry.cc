// The kernels that were loaded, by name.
#include <mutex>
#include <string>
#include <unordered_map>

#include "kernels.h"

namespace parity {
namespace {

// Libraries are loaded in Node's thread, and operations are made in others.
std::mutex mutex;

std::unordered_map<std::string, const Kernel*>& registry() {
  static auto* kernels = new std::unordered_map<std::string, const Kernel*>;
  return *kernels;
}

}  // namespace

bool register_kernels(const Kernel* begin, const Kernel* end) {
  std::lock_guard<std::mutex> lock(mutex);
  for (const Kernel* kernel = begin; kernel != end; ++kernel) registry().emplace(kernel->name, kernel);
  return true;
}

const Kernel* find_kernel(const char* name) {
  std::lock_guard<std::mutex> lock(mutex);
  const auto found = registry().find(name);
  return found == registry().end() ? nullptr : found->second;
}

}  // namespace parity
