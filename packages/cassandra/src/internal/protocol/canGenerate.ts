/** Does this runtime allow code made from text? False under `--disallow-code-generation-from-strings`. */
export const canGenerate: boolean = (() => {
  try {
    // oxlint-disable-next-line no-new-func -- to ask is to try
    return new Function("return true")() === true
  } catch {
    return false
  }
})()
