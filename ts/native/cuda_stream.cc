#include "cuda_stream.h"

#include <dlfcn.h>

#include <map>
#include <mutex>
#include <stdexcept>
#include <utility>

#include "cuda_compiler.h"

namespace parity {
namespace {

// The functions of the driver that are used, as cuda.h declares them; contexts, streams, modules and functions are
// pointers to what only the driver knows.
struct Driver {
  int (*GetErrorString)(int result, const char**);
  int (*StreamGetCtx)(void* stream, void** context);
  int (*CtxPushCurrent)(void* context);
  int (*CtxPopCurrent)(void** context);
  int (*CtxGetDevice)(int* device);
  int (*DeviceGetAttribute)(int* value, int attribute, int device);
  int (*ModuleLoadData)(void** module, const void* image);
  int (*ModuleGetFunction)(void** function, void* module, const char* name);
  int (*MemsetD8Async)(void* memory, unsigned char value, size_t bytes, void* stream);
  int (*LaunchKernel)(void* function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x,
                      unsigned block_y, unsigned block_z, unsigned shared_bytes, void* stream, void** arguments,
                      void** extra);

  Driver() {
    void* library = dlopen("libcuda.so.1", RTLD_NOW);
    if (library == nullptr) throw std::runtime_error("CUDA's driver libcuda.so.1 is not found");
    const auto find = [library](auto& function, const char* name) {
      function = reinterpret_cast<std::decay_t<decltype(function)>>(dlsym(library, name));
      if (function == nullptr) throw std::runtime_error(std::string("CUDA's driver is too old: it lacks ") + name);
    };
    find(GetErrorString, "cuGetErrorString");
    find(StreamGetCtx, "cuStreamGetCtx");
    find(CtxPushCurrent, "cuCtxPushCurrent_v2");
    find(CtxPopCurrent, "cuCtxPopCurrent_v2");
    find(CtxGetDevice, "cuCtxGetDevice");
    find(DeviceGetAttribute, "cuDeviceGetAttribute");
    find(ModuleLoadData, "cuModuleLoadData");
    find(ModuleGetFunction, "cuModuleGetFunction");
    find(MemsetD8Async, "cuMemsetD8Async");
    find(LaunchKernel, "cuLaunchKernel");
  }

  void check(int result) const {
    const char* text = nullptr;
    if (result == 0) return;
    GetErrorString(result, &text);
    throw std::runtime_error(std::string("CUDA's driver says: ") + (text ? text : std::to_string(result)));
  }
};

const Driver& driver() {
  static const Driver loaded;
  return loaded;
}

// A kernel, compiled for the device of the context that is current. Modules stay until the process ends.
void* function_of(const Kernel& kernel, void* context) {
  static std::mutex mutex;
  static std::map<std::pair<void*, const Kernel*>, void*> functions;
  const std::lock_guard<std::mutex> lock(mutex);
  void*& function = functions[{context, &kernel}];
  if (function != nullptr) return function;
  constexpr int capability_major = 75, capability_minor = 76;  // CUdevice_attribute
  int device, major, minor;
  driver().check(driver().CtxGetDevice(&device));
  driver().check(driver().DeviceGetAttribute(&major, capability_major, device));
  driver().check(driver().DeviceGetAttribute(&minor, capability_minor, device));
  const std::string image =
      compile_cuda(kernel.cuda_source, kernel.update, architecture_for(10 * major + minor));
  void* module;
  driver().check(driver().ModuleLoadData(&module, image.c_str()));
  driver().check(driver().ModuleGetFunction(&function, module, "step"));
  return function;
}

}  // namespace

CudaStream::CudaStream(void* handle) : handle_(handle) {
  driver().check(driver().StreamGetCtx(handle, &context_));
  driver().check(driver().CtxPushCurrent(context_));
}

CudaStream::~CudaStream() { driver().CtxPopCurrent(&context_); }

void CudaStream::fill_with_zeros(void* memory, size_t bytes) {
  if (bytes > 0) driver().check(driver().MemsetD8Async(memory, 0, bytes, handle_));
}

void CudaStream::compile(const Kernel& kernel) { function_of(kernel, context_); }

void CudaStream::step(const Kernel& kernel, const Launch& launch) {
  void* arguments[] = {const_cast<Launch*>(&launch)};
  driver().check(driver().LaunchKernel(function_of(kernel, context_), launch.first_blocks[launch.tensors], 1, 1,
                                       block_threads, 1, 1, 0, handle_, arguments, nullptr));
}

std::string cuda_problem() {
  try {
    driver();
    find_cuda_compiler();
    return "";
  } catch (const std::exception& error) {
    return error.what();
  }
}

}  // namespace parity
