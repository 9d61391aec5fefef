/**
 * CQL types as data, `{ code, info }`: the shape that `cassandra-driver` has for them, so that the driver engine's metadata can be
 * used in their place.
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

const simpleClasses = new Map<string, number>(
  Object.entries({
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
  })
)

/** A class name with its parameters, which lie between `start` and `end` of the text. */
interface ClassNode {
  name: string
  readonly start: number
  end: number
  args: Array<ClassNode> | undefined
}

/** Takes `a(b,c(d))` apart. Each character is looked at once: a name can be 64 KB long, and nested as deep as it is long. */
const readClassName = (text: string): ClassNode => {
  const root: ClassNode = { name: "", start: 0, end: text.length, args: undefined }
  const open: Array<ClassNode> = []
  let node = root
  let from = 0
  const named = (end: number): void => {
    if (node.args === undefined) node.name = text.slice(from, end).trim()
    node.end = end
  }
  const begin = (at: number): void => {
    node = { name: "", start: at, end: at, args: undefined }
    from = at
    open.at(-1)!.args!.push(node)
  }
  for (let i = 0; i < text.length; i++) {
    const c = text[i]
    if (c === "(" && node.args === undefined) {
      named(i)
      node.args = []
      open.push(node)
      begin(i + 1)
    } else if (c === "," && open.length > 0) {
      named(i)
      begin(i + 1)
    } else if (c === ")" && open.length > 0) {
      named(i)
      node = open.pop()!
      node.end = i + 1
    }
  }
  if (open.length === 0) named(text.length)
  return root
}

const unhex = (hex: string): string => Buffer.from(hex, "hex").toString("utf8")

const absent: ClassNode = { name: "", start: 0, end: 0, args: undefined }

/** Nested deeper than this, a type is one that nobody knows. The types of a table have a few levels. */
export const MAX_DEPTH = 128

/** The type that a server's class name stands for, such as the argument of a vector; an unknown class stays custom. */
const typeOf = (text: string, node: ClassNode, depth: number, prefix = 0): ColumnType => {
  const name = node.name.slice(prefix)
  const simple = name.startsWith(MARSHAL) ? name.slice(MARSHAL.length) : name
  const unknown = (): ColumnType => ({
    code: TypeCode.custom,
    info: text.slice(node.start, node.end).trim().slice(prefix)
  })
  const { args } = node
  if (args === undefined) {
    const code = simpleClasses.get(simple)
    return code === undefined ? unknown() : { code }
  }
  if (depth > MAX_DEPTH) return unknown()
  const typeAt = (arg: ClassNode): ColumnType => typeOf(text, arg, depth + 1)
  const [first = absent, second = absent] = args
  switch (simple) {
    case "FrozenType":
    case "ReversedType":
      return typeAt(first)
    case "ListType":
      return { code: TypeCode.list, info: typeAt(first) }
    case "SetType":
      return { code: TypeCode.set, info: typeAt(first) }
    case "MapType":
      return { code: TypeCode.map, info: [typeAt(first), typeAt(second)] }
    case "TupleType":
      return { code: TypeCode.tuple, info: args.map(typeAt) }
    case "VectorType":
      return { code: TypeCode.custom, customTypeName: "vector", info: [typeAt(first), Number(second.name)] }
    case "UserType":
      return {
        code: TypeCode.udt,
        info: {
          keyspace: first.name,
          name: unhex(second.name),
          fields: args.slice(2).map((field) => {
            const colon = field.name.indexOf(":")
            return { name: unhex(field.name.slice(0, colon)), type: typeOf(text, field, depth + 1, colon + 1) }
          })
        }
      }
    default:
      return unknown()
  }
}

const parseClassName = (text: string): ColumnType => typeOf(text, readClassName(text), 0)

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
