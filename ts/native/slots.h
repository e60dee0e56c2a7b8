// What stays in TensorFlow's memory from one operation of torch-parity to the next.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "tensorflow/core/framework/op_kernel.h"
#include "tensorflow/core/framework/resource_base.h"
#include "tensorflow/core/framework/resource_handle.h"

namespace parity {

struct Slot : tensorflow::ResourceBase {
  Slot(tensorflow::Tensor tensor, bool visible) : value(std::move(tensor)), visible(visible) {}
  std::string DebugString() const override { return "a slot of torch-parity"; }
  tensorflow::Tensor value;
  // Whether the one who has the tensor besides the slot is to see it change.
  const bool visible;
};

struct Pack : tensorflow::ResourceBase {
  std::string DebugString() const override { return "a pack of torch-parity"; }
  std::vector<tensorflow::core::RefCountPtr<Slot>> slots;
  // Which of them, being visible, got other memory in the last step.
  std::vector<int32_t> moved;
};

// A tensor that stands for a new resource, and owns it.
template <typename R>
void return_resource(tensorflow::OpKernelContext* context, R* resource) {
  tensorflow::core::RefCountPtr<R> owned(resource);
  tensorflow::Tensor* handle;
  OP_REQUIRES_OK(context, context->allocate_output(0, tensorflow::TensorShape({}), &handle));
  handle->scalar<tensorflow::ResourceHandle>()() =
      tensorflow::ResourceHandle::MakeRefCountingHandle(owned.release(), context->device()->name());
}

template <typename R>
absl::StatusOr<R*> resource_of(const tensorflow::Tensor& handle) {
  return handle.scalar<tensorflow::ResourceHandle>()().GetResource<R>();
}

}  // namespace parity
