// The operations whose work is another on a GPU; fused_step.cc has the rest. It is put on TensorFlow's own stream, and
// nothing waits for it: memory that is freed meanwhile is given only to work that comes later on that stream.
#include <exception>
#include <utility>

#include "cuda_launches.h"
#include "cuda_stream.h"
#include "slots.h"
#include "step_op.h"
#include "tensorflow/core/framework/device_base.h"
#include "tensorflow/core/framework/op_kernel.h"
#include "xla/stream_executor/stream.h"

namespace parity {
namespace {

using tensorflow::OpKernel;
using tensorflow::OpKernelContext;
using tensorflow::Tensor;

// Does something on the stream of this operation.
template <typename F>
absl::Status on_stream(OpKernelContext* context, F body) {
  try {
    CudaStream stream(context->op_device_context()->stream()->platform_specific_handle().stream);
    body(stream);
    return absl::OkStatus();
  } catch (const std::exception& error) {
    return tensorflow::errors::Internal(error.what());
  }
}

class CudaZerosOp final : public OpKernel {
 public:
  using OpKernel::OpKernel;
  void Compute(OpKernelContext* context) override {
    auto like = resource_of<Slot>(context->input(0));
    OP_REQUIRES_OK(context, like.status());
    const Tensor& value = (*like)->value;
    Tensor zeros;
    OP_REQUIRES_OK(context, context->allocate_temp(value.dtype(), value.shape(), &zeros));
    OP_REQUIRES_OK(context, on_stream(context, [&zeros](CudaStream& stream) {
                     stream.fill_with_zeros(zeros.data(), zeros.TotalBytes());
                   }));
    return_resource(context, new Slot(std::move(zeros), false));
  }
};

class CudaStepOp final : public StepOp {
 public:
  using StepOp::StepOp;

 protected:
  absl::Status run(OpKernelContext* context, const Kernel& kernel, const Work& work) override {
    return on_stream(context, [&kernel, &work](CudaStream& stream) {
      stream.compile(kernel);  // what can fail does so before the first launch
      for_each_launch(kernel, work.parameters, work.starts.data(), work.from.data(), work.to.data(),
                      work.scalars.data(), [&](const Launch& launch) { stream.step(kernel, launch); });
    });
  }
};

REGISTER_KERNEL_BUILDER(Name("ParityZeros").Device(tensorflow::DEVICE_GPU).HostMemory("like").HostMemory("slot"),
                        CudaZerosOp);
REGISTER_KERNEL_BUILDER(Name("ParityStep").Device(tensorflow::DEVICE_GPU).HostMemory("pack").HostMemory("scalars"),
                        CudaStepOp);

}  // namespace
}  // namespace parity
