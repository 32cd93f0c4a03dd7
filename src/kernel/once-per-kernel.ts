/** What is found out of a kernel once, and kept as long as the kernel is. */

import { once } from '../base/search.ts';
import type { Kernel } from './kernel.ts';

/** As `once`, for each kernel: what was lost on the way is told to everyone who asks. */
export function oncePerKernel<T>(find: (kernel: Kernel) => T): (kernel: Kernel) => T {
  const known = new WeakMap<Kernel, () => T>();
  return (kernel) => {
    let get = known.get(kernel);
    if (get === undefined) {
      get = once(() => find(kernel));
      known.set(kernel, get);
    }
    return get();
  };
}
