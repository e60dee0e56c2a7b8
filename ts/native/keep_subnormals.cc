// TensorFlow opens a ScopedFlushDenormal around its CPU kernels, which then read and write subnormal numbers as zero;
// torch keeps them. This file defines that class's constructor once more, without the flushing. Node opens the addon
// before the libraries that it needs, so the dynamic linker binds TensorFlow's own calls to this definition.
#include "tsl/platform/denormal.h"

namespace tsl {
namespace port {

// The member restore_ still saves the state here and restores it in the destructor: nothing changes in between.
ScopedFlushDenormal::ScopedFlushDenormal() {}

}  // namespace port
}  // namespace tsl
