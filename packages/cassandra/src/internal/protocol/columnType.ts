/**
 * CQL types as the driver describes them, `{ code, info }`, so that metadata read here and metadata read by the driver
 * can be used in each other's place.
 */

/** The type codes of the native protocol. */
export const TypeCode = {
  custom: 0x00,
  ascii: 0x01,
  bigint: 0x02,
  blob: 0x03,
  boolean: 0x04,
  counter: 0x05,
  decimal: 0x06,
  double: 0x07,
  float: 0x08,
  int: 0x09,
  text: 0x0a,
  timestamp: 0x0b,
  uuid: 0x0c,
  varchar: 0x0d,
  varint: 0x0e,
  timeuuid: 0x0f,
  inet: 0x10,
  date: 0x11,
  time: 0x12,
  smallint: 0x13,
  tinyint: 0x14,
  duration: 0x15,
  list: 0x20,
  map: 0x21,
  set: 0x22,
  udt: 0x30,
  tuple: 0x31
} as const

/** A user defined type: its name and its fields in order. */
export interface UdtInfo {
  readonly keyspace: string
  readonly name: string
  readonly fields: ReadonlyArray<{ readonly name: string; readonly type: ColumnType }>
}

/**
 * A CQL type. `info` is a class name for a custom type, the element type of a list or a set, the two types of a map, the
 * types of a tuple, the fields of a UDT, and for a vector (`customTypeName: "vector"`) its element type and dimension.
 */
export interface ColumnType {
  readonly code: number
  readonly type?: null
  readonly info?:
    string | null | ColumnType | ReadonlyArray<ColumnType> | UdtInfo | readonly [ColumnType, number] | undefined
  readonly customTypeName?: string | undefined
}

/** A column of a result, or a variable of a prepared statement. */
export interface Column {
  readonly name: string
  readonly type: ColumnType
  readonly ksname?: string | undefined
  readonly tablename?: string | undefined
}

/** What a type is made of; each asks for a type of its kind, {@link resolve}d. */
export const elementOf = (type: ColumnType): ColumnType => type.info as ColumnType
export const entryOf = (type: ColumnType): readonly [ColumnType, ColumnType] =>
  type.info as readonly [ColumnType, ColumnType]
export const elementsOf = (type: ColumnType): ReadonlyArray<ColumnType> => type.info as ReadonlyArray<ColumnType>
export const udtOf = (type: ColumnType): UdtInfo => type.info as UdtInfo
export const vectorOf = (type: ColumnType): readonly [ColumnType, number] => type.info as readonly [ColumnType, number]

export const isVector = (type: ColumnType): boolean => type.customTypeName === "vector"

const MARSHAL = "org.apache.cassandra.db.marshal."

const simpleClasses: Readonly<Record<string, number>> = {
  UTF8Type: TypeCode.varchar,
  AsciiType: TypeCode.ascii,
  UUIDType: TypeCode.uuid,
  LexicalUUIDType: TypeCode.uuid,
  TimeUUIDType: TypeCode.timeuuid,
  Int32Type: TypeCode.int,
  BytesType: TypeCode.blob,
  FloatType: TypeCode.float,
  DoubleType: TypeCode.double,
  BooleanType: TypeCode.boolean,
  InetAddressType: TypeCode.inet,
  SimpleDateType: TypeCode.date,
  TimeType: TypeCode.time,
  ShortType: TypeCode.smallint,
  ByteType: TypeCode.tinyint,
  DateType: TypeCode.timestamp,
  TimestampType: TypeCode.timestamp,
  LongType: TypeCode.bigint,
  DecimalType: TypeCode.decimal,
  IntegerType: TypeCode.varint,
  CounterColumnType: TypeCode.counter,
  DurationType: TypeCode.duration
}

/** Splits `a,b(c,d)` at its outer commas. */
const splitArguments = (text: string): Array<string> => {
  const out: Array<string> = []
  let level = 0
  let start = 0
  for (let i = 0; i < text.length; i++) {
    const c = text[i]
    if (c === "(") level++
    else if (c === ")") level--
    else if (c === "," && level === 0) {
      out.push(text.slice(start, i).trim())
      start = i + 1
    }
  }
  if (start < text.length) out.push(text.slice(start).trim())
  return out
}

const unhex = (hex: string): string => Buffer.from(hex, "hex").toString("utf8")

/** The type that a server's class name stands for, such as the argument of a vector; an unknown class stays custom. */
const parseClassName = (text: string): ColumnType => {
  const name = text.trim()
  const open = name.indexOf("(")
  const bare = open < 0 ? name : name.slice(0, open)
  const simple = bare.startsWith(MARSHAL) ? bare.slice(MARSHAL.length) : bare
  if (open < 0) {
    const code = simpleClasses[simple]
    return code === undefined ? { code: TypeCode.custom, info: name } : { code }
  }
  const args = splitArguments(name.slice(open + 1, name.lastIndexOf(")")))
  const arg = (i: number): ColumnType => parseClassName(args[i] ?? "")
  switch (simple) {
    case "FrozenType":
    case "ReversedType":
      return arg(0)
    case "ListType":
      return { code: TypeCode.list, info: arg(0) }
    case "SetType":
      return { code: TypeCode.set, info: arg(0) }
    case "MapType":
      return { code: TypeCode.map, info: [arg(0), arg(1)] }
    case "TupleType":
      return { code: TypeCode.tuple, info: args.map(parseClassName) }
    case "VectorType":
      return { code: TypeCode.custom, customTypeName: "vector", info: [arg(0), Number(args[1])] }
    case "UserType":
      return {
        code: TypeCode.udt,
        info: {
          keyspace: args[0] ?? "",
          name: unhex(args[1] ?? ""),
          fields: args.slice(2).map((field) => {
            const colon = field.indexOf(":")
            return { name: unhex(field.slice(0, colon)), type: parseClassName(field.slice(colon + 1)) }
          })
        }
      }
    default:
      return { code: TypeCode.custom, info: name }
  }
}

/**
 * The type itself, for one that the server describes by the name of its Java class: vectors always, what is inside them,
 * and under protocol v4 durations. A custom type with a class that nobody knows stays one.
 */
export const resolve = (type: ColumnType): ColumnType =>
  type.code === TypeCode.custom && typeof type.info === "string" ? parseClassName(type.info) : type

const names = new Map<number, string>(
  Object.entries(TypeCode).map(([name, code]) => [code, name === "varchar" ? "text" : name])
)

/** The type as CQL writes it. */
export const cqlName = (unresolved: ColumnType): string => {
  const type = resolve(unresolved)
  if (isVector(type)) return `vector<${cqlName(vectorOf(type)[0])}, ${vectorOf(type)[1]}>`
  switch (type.code) {
    case TypeCode.list:
    case TypeCode.set:
      return `${names.get(type.code)}<${cqlName(elementOf(type))}>`
    case TypeCode.map:
    case TypeCode.tuple:
      return `${names.get(type.code)}<${elementsOf(type).map(cqlName).join(", ")}>`
    case TypeCode.udt:
      return udtOf(type).name
    case TypeCode.custom:
      return `'${String(type.info)}'`
    default:
      return names.get(type.code) ?? `unknown (${type.code})`
  }
}

/**
 * The width of a type whose values always have the same, as the server counts them: vectors store these without a length.
 * That a `smallint` or a `date` is none of them is the server's choice.
 */
export const fixedSize = (unresolved: ColumnType): number | undefined => {
  const type = resolve(unresolved)
  switch (type.code) {
    case TypeCode.boolean:
      return 1
    case TypeCode.int:
    case TypeCode.float:
      return 4
    case TypeCode.bigint:
    case TypeCode.double:
    case TypeCode.timestamp:
      return 8
    case TypeCode.uuid:
    case TypeCode.timeuuid:
      return 16
    default: {
      if (!isVector(type)) return undefined
      const [element, size] = vectorOf(type)
      const width = fixedSize(element)
      return width === undefined ? undefined : width * size
    }
  }
}

/** A key equal for equal types only: the full structure, field names of UDTs included. */
export const typeKey = (unresolved: ColumnType): string => {
  const type = resolve(unresolved)
  const { code, info } = type
  if (isVector(type)) return `v<${typeKey(vectorOf(type)[0])},${vectorOf(type)[1]}>`
  switch (code) {
    case TypeCode.list:
    case TypeCode.set:
      return `${code}<${typeKey(elementOf(type))}>`
    case TypeCode.map:
    case TypeCode.tuple:
      return `${code}<${elementsOf(type).map(typeKey).join(",")}>`
    case TypeCode.udt:
      return `${code}<${udtOf(type)
        .fields.map((f) => `${JSON.stringify(f.name)}:${typeKey(f.type)}`)
        .join(",")}>`
    case TypeCode.custom:
      return `0(${JSON.stringify(info)})`
    default:
      return String(code)
  }
}
