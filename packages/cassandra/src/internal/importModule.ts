/**
 * Imports what is only known when the program runs, from where it runs. Bundlers leave it alone, so that one file of a bundle finds a
 * package that is installed beside it.
 *
 * This file has a TypeScript project of its own: with `rewriteRelativeImportExtensions` the compiler wraps the name in a call,
 * and webpack no longer understands the import.
 */
export const importModule = (specifier: string): Promise<unknown> =>
  import(/* webpackIgnore: true */ /* @vite-ignore */ specifier)
