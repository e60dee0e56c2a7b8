// The operations with which torch-parity steps all parameters of a group at once:
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
#include <vector>

#include "kernels.h"
#include "tensorflow/core/common_runtime/dma_helper.h"
#include "tensorflow/core/framework/common_shape_fns.h"
#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/op_kernel.h"
#include "tensorflow/core/framework/resource_base.h"
#include "tensorflow/core/framework/resource_handle.h"
#include "tensorflow/core/util/work_sharder.h"

namespace parity {
namespace {

using tensorflow::DataType;
using tensorflow::OpInputList;
using tensorflow::OpKernel;
using tensorflow::OpKernelConstruction;
using tensorflow::OpKernelContext;
using tensorflow::ResourceBase;
using tensorflow::ResourceHandle;
using tensorflow::Tensor;
using tensorflow::TensorShape;
using tensorflow::core::RefCountPtr;
namespace errors = tensorflow::errors;

struct Slot : ResourceBase {
  Slot(Tensor tensor, bool visible) : value(std::move(tensor)), visible(visible) {}
  std::string DebugString() const override { return "a slot of torch-parity"; }
  Tensor value;
  // Whether the one who has the tensor besides the slot is to see it change.
  const bool visible;
};

struct Pack : ResourceBase {
  std::string DebugString() const override { return "a pack of torch-parity"; }
  std::vector<RefCountPtr<Slot>> slots;
  std::vector<int32_t> moved;
};

// Whether a step may write where the tensor is.
bool is_writable(Slot& slot) {
  if (!slot.visible) return slot.value.RefCountIsOne();
  tensorflow::TensorBuffer* buffer = tensorflow::DMAHelper::buffer(&slot.value);
  // The slot's, and two of the handle that TensorFlow has of a tensor outside its operations: tensor_handle_data.h says why.
  return buffer != nullptr && buffer->RefCount() <= 3 && buffer->root_buffer() == buffer && buffer->OwnsMemory();
}

// A tensor that stands for a new resource, and owns it.
template <typename R>
void return_resource(OpKernelContext* context, R* resource) {
  Tensor* handle;
  OP_REQUIRES_OK(context, context->allocate_output(0, TensorShape({}), &handle));
  handle->scalar<ResourceHandle>()() = ResourceHandle::MakeRefCountingHandle(resource, context->device()->name());
}

template <typename R>
absl::StatusOr<R*> resource_of(const Tensor& handle) {
  return handle.scalar<ResourceHandle>()().GetResource<R>();
}

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

class StepOp : public OpKernel {
 public:
  explicit StepOp(OpKernelConstruction* construction) : OpKernel(construction) {
    std::string name;
    OP_REQUIRES_OK(construction, construction->GetAttr("kernel", &name));
    OP_REQUIRES_OK(construction, construction->GetAttr("T", &dtype_));
    kernel_ = find_kernel(name.c_str());
    OP_REQUIRES(construction, kernel_ != nullptr, errors::NotFound("there is no kernel ", name));
  }

  void Compute(OpKernelContext* context) override {
    auto pack = resource_of<Pack>(context->input(0));
    OP_REQUIRES_OK(context, pack.status());
    const Tensor& scalars = context->input(1);
    OpInputList grads;
    OP_REQUIRES_OK(context, context->input_list("grads", &grads));
    OP_REQUIRES(context,
                scalars.NumElements() == kernel_->scalars &&
                    static_cast<int64_t>((*pack)->slots.size()) == int64_t{grads.size()} * kernel_->slots,
                errors::InvalidArgument("not what the kernel ", kernel_->name, " takes"));

    const int64_t n = grads.size();
    const int slots = kernel_->slots;
    std::vector<int64_t> starts(n + 1);  // where each parameter begins in the row of all elements
    for (int64_t i = 0; i < n; ++i) starts[i + 1] = starts[i] + grads[i].NumElements();

    // Memory first: after this nothing can fail, and until then nothing has changed.
    std::vector<const void*> from(n * (slots + 1));
    std::vector<void*> to(n * slots);
    std::vector<std::pair<int32_t, Tensor>> copies;
    bool fits = true, fails = false;
    for (int64_t i = 0; i < n; ++i) {
      from[i * (slots + 1)] = grads[i].data();
      for (int s = 0; s < slots; ++s) {
        Slot& slot = *(*pack)->slots[i * slots + s];
        const Tensor& value = slot.value;
        if (value.dtype() != dtype_ || value.NumElements() != grads[i].NumElements()) fits = false;
        from[i * (slots + 1) + 1 + s] = value.data();
        to[i * slots + s] = value.data();
        if (is_writable(slot)) continue;
        // Who else holds the memory must not see it change, so the step writes elsewhere, in the same pass.
        Tensor copy(context->device()->GetAllocator({}), dtype_, value.shape());
        if (!copy.IsInitialized()) fails = true;
        to[i * slots + s] = copy.data();
        copies.emplace_back(i * slots + s, std::move(copy));
      }
    }
    OP_REQUIRES(context, fits, errors::InvalidArgument("a tensor has not the dtype or the size of its gradient"));
    OP_REQUIRES(context, !fails, errors::ResourceExhausted("no memory for a tensor that someone else holds, too"));

    const auto step = [&](int64_t begin, int64_t end) {
      int64_t i = std::upper_bound(starts.begin(), starts.end(), begin) - starts.begin() - 1;
      for (; begin < end; ++i) {
        const int64_t stop = std::min(end, starts[i + 1]);
        kernel_->step(&from[i * (slots + 1)], &to[i * slots], scalars.flat<double>().data(), begin - starts[i],
                      stop - starts[i]);
        begin = stop;
      }
    };
    const auto& workers = *context->device()->tensorflow_cpu_worker_threads();
    // Waking threads takes longer than stepping so few elements.
    const int threads = starts[n] <= 1 << 17 ? 1 : workers.num_threads;
    tensorflow::Shard(threads, workers.workers, starts[n], 8, step);
    (*pack)->moved.clear();
    for (auto& [index, copy] : copies) {
      Slot& slot = *(*pack)->slots[index];
      slot.value = std::move(copy);
      if (slot.visible) (*pack)->moved.push_back(index);
    }
  }

 private:
  const Kernel* kernel_;
  DataType dtype_;
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
    .Input("scalars: double")
    .Input("grads: n * T")
    .Attr("n: int >= 1")
    .Attr("T: {half, bfloat16, float, double, complex64}")
    .Attr("kernel: string")
    .SetIsStateful()
    .SetShapeFn(NoOutputs);

REGISTER_KERNEL_BUILDER(Name("ParitySlot").Device(tensorflow::DEVICE_CPU), SlotOp);
REGISTER_KERNEL_BUILDER(Name("ParityZeros").Device(tensorflow::DEVICE_CPU), ZerosOp);
REGISTER_KERNEL_BUILDER(Name("ParityRead").Device(tensorflow::DEVICE_CPU), ReadOp);
REGISTER_KERNEL_BUILDER(Name("ParityPack").Device(tensorflow::DEVICE_CPU), PackOp);
REGISTER_KERNEL_BUILDER(Name("ParityMoved").Device(tensorflow::DEVICE_CPU), MovedOp);
REGISTER_KERNEL_BUILDER(Name("ParityStep").Device(tensorflow::DEVICE_CPU), StepOp);

}  // namespace
}  // namespace parity

// Node opens a library with process.dlopen, and keeps it, if it looks like an addon.
NAPI_MODULE_INIT() { return exports; }
