/** What the kernels themselves call things (engine/fused/source.ts), and words that C++ has. */
const words =
  'T begin block_threads count end from grad_from i int64_t kernels length_of load param_from registered scalars store threadIdx to ' +
  'alignas alignof and and_eq asm auto bitand bitor bool break case catch char class compl concept const const_cast ' +
  'constexpr continue decltype default delete do double dynamic_cast else enum explicit export extern false float for ' +
  'friend goto if inline int long mutable namespace new noexcept not not_eq nullptr operator or or_eq private ' +
  'protected public register reinterpret_cast requires return short signed sizeof static static_assert static_cast ' +
  'struct switch template this thread_local throw true try typedef typeid typename union unsigned using virtual void ' +
  'volatile wchar_t while xor xor_eq ' +
  'abs add add_scalar addcdiv addcmul clone div div_scalar lerp maximum minimum mul mul_scalar neg parity sign sqrt std view_as_complex view_as_real';
const reserved = new Set(words.split(' '));

/** Whether a kernel cannot have a value of this name; macros of C are written in capitals. */
export function isReserved(name: string): boolean {
  return reserved.has(name) || /^t\d+$|_(from|to)$|__|^[A-Z][A-Z\d_]+$/.test(name);
}
