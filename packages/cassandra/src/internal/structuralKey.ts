/** A text that is the same for values that are the same, whatever they are made of: what requests are told apart by. */
export const structuralKey = (value: unknown): string => {
  switch (typeof value) {
    case "string":
      return JSON.stringify(value)
    case "bigint":
      return `${value}n`
    case "object": {
      if (value === null) return "null"
      if (value instanceof Date) return `Date(${value.getTime()})`
      if (ArrayBuffer.isView(value)) {
        return `Bytes(${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("hex")})`
      }
      if (Array.isArray(value)) return `[${value.map(structuralKey).join(",")}]`
      if (value instanceof Set) return `Set(${[...value].map(structuralKey).toSorted().join(",")})`
      if (value instanceof Map) {
        return `Map(${[...value]
          .map(([k, v]) => `${structuralKey(k)}:${structuralKey(v)}`)
          .toSorted()
          .join(",")})`
      }
      const record = value as { readonly [name: string]: unknown }
      const fields = Object.keys(record)
        .toSorted()
        .map((name) => `${JSON.stringify(name)}:${structuralKey(record[name])}`)
      return `{${fields.join(",")}}`
    }
    default:
      return String(value)
  }
}
