/** Warns as torch does; Node's process prints it once, elsewhere the console does. */
export function warn(category: 'UserWarning' | 'FutureWarning', text: string): void {
  if (typeof process !== 'undefined' && 'emitWarning' in process) process.emitWarning(text, category);
  else console.warn(`${category}: ${text}`);
}
