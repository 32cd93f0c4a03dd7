/** The version of the package, which tools/build.mjs writes into the bundle. */

declare const VMSCOPE_VERSION: string | undefined;

export const version = typeof VMSCOPE_VERSION === 'string' ? VMSCOPE_VERSION : '(not built)';
