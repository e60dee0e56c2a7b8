/** What C++ calls dtypes, which is how some of torch's messages have them. */
export const cppNames: Readonly<Record<string, string>> = {
  float16: 'c10::Half',
  bfloat16: 'c10::BFloat16',
  float32: 'float',
  float64: 'double',
  complex64: 'c10::complex<float>',
  complex128: 'c10::complex<double>',
  int8: 'signed char',
  uint8: 'unsigned char',
  int16: 'short int',
  int32: 'int',
  int64: 'long int',
};

/** What ATen calls dtypes, which is how other messages have them. */
export const atenNames: Readonly<Record<string, string>> = {
  float16: 'Half',
  bfloat16: 'BFloat16',
  float32: 'Float',
  float64: 'Double',
  complex64: 'ComplexFloat',
};
