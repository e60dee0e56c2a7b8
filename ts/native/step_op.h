// A step of the parameters whose slots were packed: what is the same on every device.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels.h"
#include "tensorflow/core/framework/op_kernel.h"

namespace parity {

// Which memory a step reads and writes, as a kernel takes it, one parameter after the other.
struct Work {
  int64_t parameters;
  // Where each parameter begins in the row of all elements, and where the last one ends.
  std::vector<int64_t> starts;
  std::vector<const void*> from;
  std::vector<void*> to;
  std::vector<double> scalars;
};

class StepOp : public tensorflow::OpKernel {
 public:
  explicit StepOp(tensorflow::OpKernelConstruction* construction);
  void Compute(tensorflow::OpKernelContext* context) final;

 protected:
  // Runs the kernel on this device, or puts it on the device's stream. An error changes nothing.
  virtual absl::Status run(tensorflow::OpKernelContext* context, const Kernel& kernel, const Work& work) = 0;

 private:
  const Kernel* kernel_;
  tensorflow::DataType dtype_;
};

}  // namespace parity
