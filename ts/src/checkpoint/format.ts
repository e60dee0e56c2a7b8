/** `pt` is torch.save's zip archive, `pt-legacy` its stream before torch 1.6, which is read and never written. */
export type Format = 'pt' | 'pt-legacy' | 'safetensors';
