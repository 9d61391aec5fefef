/** A value that is none of the type it is bound to. */

/**
 * What an encoder throws: what was expected, and where inside the value. Neither ever holds the value itself, nor a part of
 * it such as the key of a map.
 */
export class Misfit extends TypeError {
  /** Where inside the value: `[2].zip`. */
  path = ""

  within(step: string): this {
    this.path = step + this.path
    return this
  }
}

export const misfit = (expected: string): never => {
  throw new Misfit(expected)
}
