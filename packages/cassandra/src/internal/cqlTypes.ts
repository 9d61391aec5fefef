/** The CQL types of columns and variables, as the driver's reader describes them, and how CQL writes them. */
import driver from "cassandra-driver"

const { dataTypes } = driver.types

/** What the driver's reader makes of a type in a result's or a prepared statement's metadata. */
export interface DriverType {
  readonly code: number
  /** Element types, UDT fields or a custom type's class name, depending on the code. */
  readonly info?: unknown
  readonly customTypeName?: string | undefined
}

export interface DriverColumn {
  readonly name: string
  readonly type: DriverType
  readonly ksname?: string
  readonly tablename?: string
}

export interface UdtInfo {
  readonly keyspace: string
  readonly name: string
  readonly fields: ReadonlyArray<{ readonly name: string; readonly type: DriverType }>
}

export const elementOf = (type: DriverType): DriverType => type.info as DriverType
export const entryOf = (type: DriverType): readonly [DriverType, DriverType] =>
  type.info as readonly [DriverType, DriverType]
export const tupleOf = (type: DriverType): ReadonlyArray<DriverType> => type.info as ReadonlyArray<DriverType>
export const udtOf = (type: DriverType): UdtInfo => type.info as UdtInfo
export const vectorOf = (type: DriverType): readonly [DriverType, number] => type.info as readonly [DriverType, number]

export const isVector = (type: DriverType): boolean => type.customTypeName === "vector"

// Types that a server may describe by the name of the Java class alone: vectors always, and what is inside them.
const marshal = "org.apache.cassandra.db.marshal."
const scalars: Readonly<Record<string, number>> = {
  AsciiType: dataTypes.ascii,
  LongType: dataTypes.bigint,
  BytesType: dataTypes.blob,
  BooleanType: dataTypes.boolean,
  CounterColumnType: dataTypes.counter,
  DecimalType: dataTypes.decimal,
  DoubleType: dataTypes.double,
  FloatType: dataTypes.float,
  Int32Type: dataTypes.int,
  UTF8Type: dataTypes.text,
  TimestampType: dataTypes.timestamp,
  UUIDType: dataTypes.uuid,
  IntegerType: dataTypes.varint,
  TimeUUIDType: dataTypes.timeuuid,
  InetAddressType: dataTypes.inet,
  SimpleDateType: dataTypes.date,
  TimeType: dataTypes.time,
  ShortType: dataTypes.smallint,
  ByteType: dataTypes.tinyint,
  DurationType: dataTypes.duration
}

/** Splits `a,b(c,d)` at its outer commas. */
const splitArguments = (text: string): ReadonlyArray<string> => {
  const parts: Array<string> = []
  let depth = 0
  let start = 0
  for (let i = 0; i < text.length; i++) {
    const c = text[i]
    if (c === "(") depth++
    else if (c === ")") depth--
    else if (c === "," && depth === 0) {
      parts.push(text.slice(start, i).trim())
      start = i + 1
    }
  }
  if (start < text.length) parts.push(text.slice(start).trim())
  return parts
}

const fromHex = (hex: string): string => Buffer.from(hex, "hex").toString("utf8")

const fromClassName = (text: string): DriverType => {
  const open = text.indexOf("(")
  const name = (open === -1 ? text : text.slice(0, open)).replace(marshal, "")
  const args = open === -1 ? [] : splitArguments(text.slice(open + 1, text.lastIndexOf(")")))
  const argument = (i: number) => fromClassName(args[i] ?? "")
  switch (name) {
    case "FrozenType":
    case "ReversedType":
      return argument(0)
    case "ListType":
      return { code: dataTypes.list, info: argument(0) }
    case "SetType":
      return { code: dataTypes.set, info: argument(0) }
    case "MapType":
      return { code: dataTypes.map, info: [argument(0), argument(1)] }
    case "TupleType":
      return { code: dataTypes.tuple, info: args.map(fromClassName) }
    case "VectorType":
      return { code: dataTypes.custom, customTypeName: "vector", info: [argument(0), Number(args[1])] }
    case "UserType": {
      const fields = args.slice(2).map((field) => {
        const colon = field.indexOf(":")
        return { name: fromHex(field.slice(0, colon)), type: fromClassName(field.slice(colon + 1)) }
      })
      return { code: dataTypes.udt, info: { keyspace: args[0] ?? "", name: fromHex(args[1] ?? ""), fields } }
    }
    default: {
      const code = scalars[name]
      return code === undefined ? { code: dataTypes.custom, info: text } : { code }
    }
  }
}

/** Resolves a type that is described by a class name; any other stays as it is. */
export const resolve = (type: DriverType): DriverType =>
  type.code === dataTypes.custom && typeof type.info === "string" ? fromClassName(type.info) : type

const names = new Map<number, string>(
  Object.entries(dataTypes)
    .filter((entry): entry is [string, number] => typeof entry[1] === "number")
    .map(([name, code]) => [code, name === "varchar" ? "text" : name])
)

/** The type as CQL writes it. */
export const cqlName = (unresolved: DriverType): string => {
  const type = resolve(unresolved)
  if (isVector(type)) return `vector<${cqlName(vectorOf(type)[0])}, ${vectorOf(type)[1]}>`
  switch (type.code) {
    case dataTypes.list:
    case dataTypes.set:
      return `${names.get(type.code)}<${cqlName(elementOf(type))}>`
    case dataTypes.map:
      return `map<${entryOf(type).map(cqlName).join(", ")}>`
    case dataTypes.tuple:
      return `tuple<${tupleOf(type).map(cqlName).join(", ")}>`
    case dataTypes.udt:
      return udtOf(type).name
    case dataTypes.custom:
      return `'${String(type.info)}'`
    default:
      return names.get(type.code) ?? `unknown (${type.code})`
  }
}
