/**
 * What a `decimal` is read as. Plain data, unless whoever uses the protocol sets something else here, once, before anything is
 * read: `decimals.make = BigDecimal.make`.
 */
export const decimals: { make: (value: bigint, scale: number) => unknown } = {
  make: (value, scale) => ({ value, scale })
}

/** The unscaled value and the scale of a finite number, exactly as JavaScript writes it. */
export const decimalOfNumber = (number: number): { readonly value: bigint; readonly scale: number } => {
  const [base = "", exponent = "0"] = String(number).split("e")
  const [lead = "", trail = ""] = base.split(".")
  return { value: BigInt(lead + trail), scale: trail.length - Number(exponent) }
}
