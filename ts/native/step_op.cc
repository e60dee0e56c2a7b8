#include "step_op.h"

#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "slots.h"
#include "tensorflow/core/common_runtime/dma_helper.h"

namespace parity {
namespace {

// Whether a step may write where the tensor is.
bool is_writable(Slot& slot, bool on_gpu) {
  if (!slot.visible) return slot.value.RefCountIsOne();
  // There TensorFlow keeps a copy of what was read of a tensor (TensorHandle::Resolve), and would not see it change.
  if (on_gpu) return false;
  tensorflow::TensorBuffer* buffer = tensorflow::DMAHelper::buffer(&slot.value);
  // The slot's, and two of the handle that TensorFlow has of a tensor outside its operations: tensor_handle_data.h says why.
  return buffer != nullptr && buffer->RefCount() <= 3 && buffer->root_buffer() == buffer && buffer->OwnsMemory();
}

}  // namespace

using tensorflow::DataType;
using tensorflow::OpInputList;
using tensorflow::OpKernelConstruction;
using tensorflow::OpKernelContext;
using tensorflow::Tensor;
namespace errors = tensorflow::errors;

StepOp::StepOp(OpKernelConstruction* construction) : OpKernel(construction) {
  std::string name;
  OP_REQUIRES_OK(construction, construction->GetAttr("kernel", &name));
  OP_REQUIRES_OK(construction, construction->GetAttr("T", &dtype_));
  kernel_ = find_kernel(name.c_str());
  OP_REQUIRES(construction, kernel_ != nullptr, errors::NotFound("there is no kernel ", name));
}

void StepOp::Compute(OpKernelContext* context) {
  auto pack = resource_of<Pack>(context->input(0));
  OP_REQUIRES_OK(context, pack.status());
  const Tensor& scalars = context->input(1);
  OpInputList grads;
  OP_REQUIRES_OK(context, context->input_list("grads", &grads));
  OP_REQUIRES(context,
              scalars.NumElements() == 2 * kernel_->scalars &&
                  static_cast<int64_t>((*pack)->slots.size()) == int64_t{grads.size()} * kernel_->slots,
              errors::InvalidArgument("not what the kernel ", kernel_->name, " takes"));

  const int64_t n = grads.size();
  const int slots = kernel_->slots;
  Work work{n, std::vector<int64_t>(n + 1), std::vector<const void*>(n * (slots + 1)), std::vector<void*>(n * slots),
            std::vector<double>(kernel_->scalars)};
  for (int64_t i = 0; i < n; ++i) work.starts[i + 1] = work.starts[i] + grads[i].NumElements();
  std::memcpy(work.scalars.data(), scalars.data(), kernel_->scalars * sizeof(double));

  // Memory first: until it is there, nothing has changed.
  std::vector<std::pair<int32_t, Tensor>> copies;
  const bool on_gpu = context->device()->tensorflow_accelerator_device_info() != nullptr;
  bool fits = true, fails = false;
  for (int64_t i = 0; i < n; ++i) {
    work.from[i * (slots + 1)] = grads[i].data();
    for (int s = 0; s < slots; ++s) {
      Slot& slot = *(*pack)->slots[i * slots + s];
      const Tensor& value = slot.value;
      if (value.dtype() != dtype_ || value.NumElements() != grads[i].NumElements()) fits = false;
      work.from[i * (slots + 1) + 1 + s] = value.data();
      work.to[i * slots + s] = value.data();
      if (is_writable(slot, on_gpu)) continue;
      // Who else holds the memory must not see it change, so the step writes elsewhere, in the same pass.
      Tensor copy(context->device()->GetAllocator({}), dtype_, value.shape());
      if (!copy.IsInitialized()) fails = true;
      work.to[i * slots + s] = copy.data();
      copies.emplace_back(i * slots + s, std::move(copy));
    }
  }
  OP_REQUIRES(context, fits, errors::InvalidArgument("a tensor has not the dtype or the size of its gradient"));
  OP_REQUIRES(context, !fails, errors::ResourceExhausted("no memory for a tensor that someone else holds, too"));

  OP_REQUIRES_OK(context, run(context, *kernel_, work));
  (*pack)->moved.clear();
  for (auto& [index, copy] : copies) {
    Slot& slot = *(*pack)->slots[index];
    slot.value = std::move(copy);
    if (slot.visible) (*pack)->moved.push_back(index);
  }
}

}  // namespace parity
