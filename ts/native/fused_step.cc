// The operations with which torch-parity steps all parameters of a group at once, on a CPU (cuda_ops.cc: on a GPU):
//
//   ParitySlot   puts a tensor into a slot, where steps find it and replace it
//   ParityZeros  makes a slot of zeros with the shape of another
//   ParityRead   gives the tensor that is in a slot; it never changes
//   ParityPack   binds many slots together, since passing thousands of them takes longer than stepping them
//   ParityStep   takes a step of the parameters whose slots were packed
//   ParityMoved  says which of a pack's slots have other memory since the last step, and are a tf.Variable's
//
// They run through tfjs-node's executeOp. Slots and packs live as long as the tensors that stand for them.
#include <node_api.h>

#include <algorithm>
#include <string>
#include <utility>

#include "cuda_stream.h"
#include "kernels.h"
#include "slots.h"
#include "step_op.h"
#include "tensorflow/core/framework/common_shape_fns.h"
#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/op_kernel.h"
#include "xla/tsl/platform/threadpool.h"

namespace parity {
namespace {

using tensorflow::OpKernel;
using tensorflow::OpKernelConstruction;
using tensorflow::OpKernelContext;
using tensorflow::Tensor;
using tensorflow::TensorShape;
using tensorflow::core::RefCountPtr;
namespace errors = tensorflow::errors;

class SlotOp : public OpKernel {
 public:
  explicit SlotOp(OpKernelConstruction* construction) : OpKernel(construction) {
    OP_REQUIRES_OK(construction, construction->GetAttr("visible", &visible_));
  }
  void Compute(OpKernelContext* context) override { return_resource(context, new Slot(context->input(0), visible_)); }

 private:
  bool visible_;
};

class ZerosOp : public OpKernel {
 public:
  using OpKernel::OpKernel;
  void Compute(OpKernelContext* context) override {
    auto like = resource_of<Slot>(context->input(0));
    OP_REQUIRES_OK(context, like.status());
    const Tensor& value = (*like)->value;
    Tensor zeros;
    OP_REQUIRES_OK(context, context->allocate_temp(value.dtype(), value.shape(), &zeros));
    std::fill_n(static_cast<char*>(zeros.data()), zeros.TotalBytes(), 0);
    return_resource(context, new Slot(std::move(zeros), false));
  }
};

class ReadOp : public OpKernel {
 public:
  using OpKernel::OpKernel;
  void Compute(OpKernelContext* context) override {
    auto slot = resource_of<Slot>(context->input(0));
    OP_REQUIRES_OK(context, slot.status());
    OP_REQUIRES(context, (*slot)->value.dtype() == output_type(0), errors::InvalidArgument("a slot of another dtype"));
    context->set_output(0, (*slot)->value);
  }
};

class PackOp : public OpKernel {
 public:
  using OpKernel::OpKernel;
  void Compute(OpKernelContext* context) override {
    RefCountPtr<Pack> pack(new Pack);
    for (int i = 0; i < context->num_inputs(); ++i) {
      auto slot = resource_of<Slot>(context->input(i));
      OP_REQUIRES_OK(context, slot.status());
      (*slot)->Ref();
      pack->slots.emplace_back(*slot);
    }
    return_resource(context, pack.release());
  }
};

class MovedOp : public OpKernel {
 public:
  using OpKernel::OpKernel;
  void Compute(OpKernelContext* context) override {
    auto pack = resource_of<Pack>(context->input(0));
    OP_REQUIRES_OK(context, pack.status());
    const std::vector<int32_t>& moved = (*pack)->moved;
    Tensor* indices;
    OP_REQUIRES_OK(context,
                   context->allocate_output(0, TensorShape({static_cast<int64_t>(moved.size())}), &indices));
    std::copy(moved.begin(), moved.end(), indices->flat<int32_t>().data());
  }
};

class CpuStepOp final : public StepOp {
 public:
  using StepOp::StepOp;

 protected:
  absl::Status run(OpKernelContext* context, const Kernel& kernel, const Work& work) override {
    const auto& workers = *context->device()->tensorflow_cpu_worker_threads();
    const int slots = kernel.slots;
    const auto step = [&](int64_t begin, int64_t end) {
      int64_t i = std::upper_bound(work.starts.begin(), work.starts.end(), begin) - work.starts.begin() - 1;
      for (; begin < end; ++i) {
        const int64_t stop = std::min(end, work.starts[i + 1]);
        kernel.step(&work.from[i * (slots + 1)], &work.to[i * slots], work.scalars.data(), begin - work.starts[i],
                    stop - work.starts[i]);
        begin = stop;
      }
    };
    const int64_t elements = work.starts[work.parameters];
    // Waking threads takes longer than stepping so few elements. Small blocks let threads end together.
    if (elements <= 1 << 17) {
      step(0, elements);
    } else {
      workers.workers->ParallelFor(elements, tsl::thread::ThreadPool::SchedulingParams::Fixed(1 << 16), step);
    }
    return absl::OkStatus();
  }
};

using tensorflow::shape_inference::NoOutputs;
using tensorflow::shape_inference::ScalarShape;
using tensorflow::shape_inference::UnknownShape;

REGISTER_OP("ParitySlot")
    .Input("value: T")
    .Output("slot: resource")
    .Attr("T: {half, bfloat16, float, double, complex64}")
    .Attr("visible: bool = false")
    .SetIsStateful()
    .SetShapeFn(ScalarShape);
REGISTER_OP("ParityZeros").Input("like: resource").Output("slot: resource").SetIsStateful().SetShapeFn(ScalarShape);
REGISTER_OP("ParityRead")
    .Input("slot: resource")
    .Output("value: T")
    .Attr("T: {half, bfloat16, float, double, complex64}")
    .SetIsStateful()
    .SetShapeFn(UnknownShape);
REGISTER_OP("ParityPack")
    .Input("slots: n * resource")
    .Output("pack: resource")
    .Attr("n: int >= 1")
    .SetIsStateful()
    .SetShapeFn(ScalarShape);
REGISTER_OP("ParityMoved").Input("pack: resource").Output("slots: int32").SetIsStateful().SetShapeFn(UnknownShape);
REGISTER_OP("ParityStep")
    .Input("pack: resource")
    // The bits of doubles: int32 is what TensorFlow keeps in the host's memory, also where it runs on a GPU.
    .Input("scalars: int32")
    .Input("grads: n * T")
    .Attr("n: int >= 1")
    .Attr("T: {half, bfloat16, float, double, complex64}")
    .Attr("kernel: string")
    .SetIsStateful()
    .SetShapeFn(NoOutputs);

// On a GPU the tensors are in its memory, and what stands for slots and packs is in the host's.
#define REGISTER_ON_BOTH(name, Op, ...)                                        \
  REGISTER_KERNEL_BUILDER(Name(name).Device(tensorflow::DEVICE_CPU), Op);      \
  REGISTER_KERNEL_BUILDER(Name(name).Device(tensorflow::DEVICE_GPU)__VA_ARGS__, Op)

REGISTER_ON_BOTH("ParitySlot", SlotOp, .HostMemory("slot"));
REGISTER_ON_BOTH("ParityRead", ReadOp, .HostMemory("slot"));
REGISTER_ON_BOTH("ParityPack", PackOp, .HostMemory("slots").HostMemory("pack"));
REGISTER_ON_BOTH("ParityMoved", MovedOp, .HostMemory("pack").HostMemory("slots"));
REGISTER_KERNEL_BUILDER(Name("ParityZeros").Device(tensorflow::DEVICE_CPU), ZerosOp);
REGISTER_KERNEL_BUILDER(Name("ParityStep").Device(tensorflow::DEVICE_CPU), CpuStepOp);

// Tells JavaScript why no kernel can run on a GPU; an empty text where one can.
napi_value js_cuda_problem(napi_env env, napi_callback_info) {
  const std::string problem = cuda_problem();
  napi_value text = nullptr;
  napi_create_string_utf8(env, problem.data(), problem.size(), &text);
  return text;
}

}  // namespace
}  // namespace parity

// Node opens a library with process.dlopen, and keeps it, if it looks like an addon.
NAPI_MODULE_INIT() {
  napi_value function;
  const char* name = "cudaProblem";
  if (napi_create_function(env, name, NAPI_AUTO_LENGTH, parity::js_cuda_problem, nullptr, &function) == napi_ok) {
    napi_set_named_property(env, exports, name, function);
  }
  return exports;
}
