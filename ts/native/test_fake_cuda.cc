// Stands for CUDA's driver and its compiler, for a device of capability 9.0 that runs nothing: prints what it is asked.
#include <cstddef>
#include <cstdio>
#include <cstring>

#include "cuda_launch.h"

extern "C" {

int cuGetErrorString(int, const char** text) { return *text = "out of order", 0; }
int cuStreamGetCtx(void* stream, void** context) { return *context = static_cast<char*>(stream) + 1, 0; }
int cuCtxPushCurrent_v2(void* context) { return std::printf("push %p\n", context), 0; }
int cuCtxPopCurrent_v2(void**) { return std::printf("pop\n"), 0; }
int cuCtxGetDevice(int* device) { return *device = 3, 0; }
int cuDeviceGetAttribute(int* value, int attribute, int device) {
  return *value = attribute == 75 && device == 3 ? 9 : 0, 0;
}
int cuModuleLoadData(void** module, const void* image) {
  *module = nullptr;
  return std::printf("load %s\n", static_cast<const char*>(image)), 0;
}
int cuModuleGetFunction(void** function, void*, const char* name) {
  *function = function;
  return std::printf("find %s\n", name), 0;
}
int cuMemsetD8Async(void*, unsigned char value, size_t bytes, void* stream) {
  return std::printf("fill %zu bytes with %d on %p\n", bytes, value, stream), 0;
}
int cuLaunchKernel(void*, unsigned x, unsigned y, unsigned z, unsigned threads, unsigned, unsigned, unsigned,
                   void* stream, void** arguments, void**) {
  const auto& launch = *static_cast<const parity::Launch*>(arguments[0]);
  std::printf("launch %u x %u x %u blocks of %u on %p: %d tensors, first scalar %g\n", x, y, z, threads, stream,
              launch.tensors, launch.scalars[0]);
  return launch.scalars[0] < 0;
}

struct Program {
  char options[512] = "";
};

const char* nvrtcGetErrorString(int) { return "bad"; }
int nvrtcCreateProgram(Program** program, const char*, const char*, int, const char* const*, const char* const*) {
  return *program = new Program, 0;
}
int nvrtcDestroyProgram(Program** program) { return delete *program, 0; }
int nvrtcCompileProgram(Program* program, int n, const char* const* options) {
  for (int i = 0; i < n; ++i) std::strcat(std::strcat(program->options, options[i]), " ");
  return 0;
}
int nvrtcGetProgramLogSize(Program*, size_t*) { return 1; }
int nvrtcGetProgramLog(Program*, char*) { return 1; }
int nvrtcGetPTXSize(Program*, size_t*) { return 1; }
int nvrtcGetPTX(Program*, char*) { return 1; }
int nvrtcGetCUBINSize(Program*, size_t* size) { return *size = sizeof(Program::options), 0; }
int nvrtcGetCUBIN(Program* program, char* image) {
  return std::memcpy(image, program->options, sizeof(program->options)), 0;
}
int nvrtcGetNumSupportedArchs(int* n) { return *n = 2, 0; }
int nvrtcGetSupportedArchs(int* all) { return all[0] = 80, all[1] = 90, 0; }

}  // extern "C"
