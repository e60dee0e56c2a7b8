#include "cuda_compiler.h"

#include <dlfcn.h>

#include <memory>
#include <stdexcept>
#include <vector>

namespace parity {
namespace {

using Program = struct _nvrtcProgram*;

// The functions of NVRTC that are used, as nvrtc.h declares them.
struct Nvrtc {
  const char* (*GetErrorString)(int result);
  int (*CreateProgram)(Program*, const char* source, const char* name, int headers, const char* const* texts,
                       const char* const* names);
  int (*DestroyProgram)(Program*);
  int (*CompileProgram)(Program, int n, const char* const* options);
  int (*GetProgramLogSize)(Program, size_t*);
  int (*GetProgramLog)(Program, char*);
  int (*GetPTXSize)(Program, size_t*);
  int (*GetPTX)(Program, char*);
  int (*GetCUBINSize)(Program, size_t*);
  int (*GetCUBIN)(Program, char*);
  int (*GetNumSupportedArchs)(int*);
  int (*GetSupportedArchs)(int*);

  Nvrtc() {
    void* library = nullptr;
    // The first is of the CUDA that TensorFlow brings.
    for (const char* name : {"libnvrtc.so.12", "libnvrtc.so.13"}) {
      if (library == nullptr) library = dlopen(name, RTLD_NOW);
    }
    if (library == nullptr) throw std::runtime_error("CUDA's compiler libnvrtc.so.12 is not found");
    const auto find = [library](auto& function, const char* name) {
      function = reinterpret_cast<std::decay_t<decltype(function)>>(dlsym(library, name));
      if (function == nullptr) throw std::runtime_error(std::string("CUDA's compiler is too old: it lacks ") + name);
    };
    find(GetErrorString, "nvrtcGetErrorString");
    find(CreateProgram, "nvrtcCreateProgram");
    find(DestroyProgram, "nvrtcDestroyProgram");
    find(CompileProgram, "nvrtcCompileProgram");
    find(GetProgramLogSize, "nvrtcGetProgramLogSize");
    find(GetProgramLog, "nvrtcGetProgramLog");
    find(GetPTXSize, "nvrtcGetPTXSize");
    find(GetPTX, "nvrtcGetPTX");
    find(GetCUBINSize, "nvrtcGetCUBINSize");
    find(GetCUBIN, "nvrtcGetCUBIN");
    find(GetNumSupportedArchs, "nvrtcGetNumSupportedArchs");
    find(GetSupportedArchs, "nvrtcGetSupportedArchs");
  }

  void check(int result) const {
    if (result != 0) throw std::runtime_error(std::string("CUDA's compiler says: ") + GetErrorString(result));
  }

  std::string read(Program program, int (*size_of)(Program, size_t*), int (*get)(Program, char*)) const {
    size_t size = 0;
    check(size_of(program, &size));
    std::string text(size, '\0');
    check(get(program, text.data()));
    return text;
  }
};

const Nvrtc& nvrtc() {
  static const Nvrtc loaded;  // tried again by the next caller if it throws
  return loaded;
}

}  // namespace

void find_cuda_compiler() { nvrtc(); }

std::string compile_cuda(const char* source, const char* update, const std::string& architecture) {
  const Nvrtc& compiler = nvrtc();
  Program program;
  compiler.check(compiler.CreateProgram(&program, source, "torch_parity.cu", 0, nullptr, nullptr));
  const auto destroy = [&compiler](Program* it) { compiler.DestroyProgram(it); };
  const std::unique_ptr<Program, decltype(destroy)> destroyed(&program, destroy);
  const std::string arch = "--gpu-architecture=" + architecture;
  const std::string define = std::string("-DPARITY_UPDATE=") + update;
  // IEEE arithmetic as it is written: every operation rounded once and correctly, subnormal numbers kept.
  const std::vector<const char*> options = {"-std=c++17",      "--fmad=false", "--prec-div=true",
                                            "--prec-sqrt=true", "--ftz=false",  arch.c_str(),
                                            define.c_str()};
  if (compiler.CompileProgram(program, options.size(), options.data()) != 0) {
    throw std::runtime_error("CUDA's compiler refuses " + std::string(update) + " for " + architecture + ": " +
                             compiler.read(program, compiler.GetProgramLogSize, compiler.GetProgramLog));
  }
  if (architecture.rfind("sm_", 0) == 0) return compiler.read(program, compiler.GetCUBINSize, compiler.GetCUBIN);
  return compiler.read(program, compiler.GetPTXSize, compiler.GetPTX);
}

std::string architecture_for(int compute_capability) {
  const Nvrtc& compiler = nvrtc();
  int n = 0;
  compiler.check(compiler.GetNumSupportedArchs(&n));
  std::vector<int> known(n);
  compiler.check(compiler.GetSupportedArchs(known.data()));
  int newest = 0;
  for (int one : known) {
    if (one == compute_capability) return "sm_" + std::to_string(one);
    if (one < compute_capability && one > newest) newest = one;
  }
  // Kernels take their arguments in a way that is new with 7.0.
  if (newest < 70) {
    throw std::runtime_error("the GPU's compute capability " + std::to_string(compute_capability / 10) + "." +
                             std::to_string(compute_capability % 10) + " is too old for CUDA's compiler");
  }
  return "compute_" + std::to_string(newest);
}

}  // namespace parity
