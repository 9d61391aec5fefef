/**
 * Encoded values to call a query's `execute` with, when nothing is asked yet: what it makes of them tells its CQL text, and
 * which field is bound to which marker. So each is told apart from the others, as far as its type allows.
 */
import * as BigDecimal from "effect/BigDecimal"
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import * as AST from "effect/SchemaAST"
import { annotationOf, isAbsence } from "../request/index.ts"

/** A field of a request and the value that stands for it. */
export interface SampledField {
  /** Empty when the request is one value and no record. */
  readonly name: string
  readonly ast: AST.AST
  readonly optional: boolean
  readonly value: unknown
}

export interface Sample {
  readonly value: unknown
  readonly fields: ReadonlyArray<SampledField>
}

const maxDepth = 8

class Sampler {
  #count = 0

  of(ast: AST.AST, depth = 0): unknown {
    const n = this.#count++
    if (depth > maxDepth) return undefined
    const annotation = Option.getOrUndefined(annotationOf(ast))
    if (annotation?.kind === "udt") return this.of(annotation.parameters[0] as AST.AST, depth + 1)
    switch (ast._tag) {
      case "Refinement":
      case "Transformation":
        return this.of(ast.from, depth)
      case "Suspend":
        return this.of(ast.f(), depth + 1)
      case "Union": {
        const member = ast.types.find((type) => !isAbsence(type)) ?? ast.types[0]
        return member === undefined ? undefined : this.of(member, depth)
      }
      case "StringKeyword":
      case "TemplateLiteral":
        return `sample ${n}`
      case "NumberKeyword":
        return 1_000_000 + n
      case "BigIntKeyword":
        return 1_000_000n + BigInt(n)
      case "BooleanKeyword":
        return true
      case "Literal":
        return ast.literal
      case "Enums":
        return ast.enums[0]?.[1]
      case "TupleType":
        return [...ast.elements, ...ast.rest].map((element) => this.of(element.type, depth + 1))
      case "TypeLiteral":
        return Object.fromEntries(
          ast.propertySignatures.map(({ name, type }) => [String(name), this.of(type, depth + 1)])
        )
      case "Declaration":
        return this.#declared(ast, n, depth)
      default:
        return undefined
    }
  }

  #declared(ast: AST.Declaration, n: number, depth: number): unknown {
    const parameters = () => ast.typeParameters.map((parameter) => this.of(parameter, depth + 1))
    switch (Option.getOrUndefined(AST.getTypeConstructorAnnotation(ast))?._tag) {
      case "ReadonlySet":
        return new Set(parameters())
      case "ReadonlyMap":
        return new Map([parameters() as [unknown, unknown]])
      case "Date":
        return new Date(n)
      case "Uint8Array":
        return Uint8Array.of(n)
      case "effect/BigDecimal":
        return BigDecimal.fromBigInt(BigInt(n))
      case "effect/DateTime.Utc":
        return DateTime.unsafeMake(n)
      default: {
        const surrogate = AST.getSurrogateAnnotation(ast)
        return Option.isSome(surrogate) ? this.of(surrogate.value, depth + 1) : undefined
      }
    }
  }
}

/** A sample of a request. `fields` are those of a record; undefined when the request is one value. */
export const sampleOf = (
  ast: AST.AST,
  fields: ReadonlyArray<{ readonly name: string; readonly type: AST.AST; readonly optional: boolean }> | undefined
): Sample => {
  const sampler = new Sampler()
  if (fields === undefined) {
    const value = sampler.of(ast)
    return { value, fields: [{ name: "", ast, optional: false, value }] }
  }
  const sampled = fields.map(({ name, optional, type }) => ({ name, ast: type, optional, value: sampler.of(type) }))
  return { value: Object.fromEntries(sampled.map(({ name, value }) => [name, value])), fields: sampled }
}

/** The field that a bound value stands for; undefined when that cannot be told. */
export const fieldOf = (sample: Sample, value: unknown, variable: string): SampledField | undefined => {
  if (value === undefined) return undefined
  const candidates = sample.fields.filter((field) => Object.is(field.value, value))
  return candidates.length === 1 ? candidates[0] : candidates.find(({ name }) => name === variable)
}
