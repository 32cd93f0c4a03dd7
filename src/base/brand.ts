/**
 * Nominal types over primitives: a `VirtAddr` cannot be passed where a `PhysAddr` is wanted.
 * This file alone makes brands; everything else goes through the constructors beside the types.
 */

declare const brandName: unique symbol;

export type Brand<T, Name extends string> = T & { readonly [brandName]: Name };

/** The one cast from a primitive to a branded value of it. */
export function brand<B extends Brand<bigint | number, string>>(value: bigint | number): B {
  return value as B;
}
