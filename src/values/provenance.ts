/** How something shown came to be known. What is inferred is marked wherever it is shown, and says how. */

export type Provenance =
  | { readonly kind: 'known' }
  | { readonly kind: 'inferred'; readonly how: string }
  | { readonly kind: 'unavailable'; readonly why: string };
