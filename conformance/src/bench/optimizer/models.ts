export type Shape = readonly number[];

/**
 * The 161 parameters of ResNet-50 for 1,000 classes (He et al., 2015, https://arxiv.org/abs/1512.03385), 25.6 million
 * elements, in the order in which torchvision has them.
 */
export function resnet50(): Shape[] {
  const normalized = (out: number, into: number, size: number): Shape[] => [
    [out, into, size, size],
    [out],
    [out],
  ];
  const shapes = normalized(64, 3, 7);
  let width = 64;
  for (const [narrow, blocks] of [
    [64, 3],
    [128, 4],
    [256, 6],
    [512, 3],
  ] as const) {
    const wide = 4 * narrow;
    for (let block = 0; block < blocks; block += 1) {
      shapes.push(
        ...normalized(narrow, width, 1),
        ...normalized(narrow, narrow, 3),
        ...normalized(wide, narrow, 1),
      );
      if (block === 0) shapes.push(...normalized(wide, width, 1));
      width = wide;
    }
  }
  return [...shapes, [1000, width], [1000]];
}

/** The 148 parameters of GPT-2 small (Radford et al., 2019), 124.4 million elements; the output shares the words' weights. */
export function gpt2Small(): Shape[] {
  const width = 768;
  const normalization: Shape[] = [[width], [width]];
  const layer: Shape[] = [
    ...normalization,
    ...[[width, 3 * width], [3 * width], [width, width], [width]],
    ...normalization,
    ...[[width, 4 * width], [4 * width], [4 * width, width], [width]],
  ];
  return [
    [50_257, width],
    [1024, width],
    ...Array.from({ length: 12 }, () => layer).flat(),
    ...normalization,
  ];
}

/** Weights and biases of dense layers between these widths. */
export function dense(...widths: number[]): Shape[] {
  return widths.slice(1).flatMap((out, layer) => [[widths[layer]!, out], [out]]);
}
