/** CQL texts, without a server: what kind of statement it is, which table it is about, and what may be logged of it. */
export { isConditional } from "./conditional.ts"
export { tableOf, withoutValues } from "./queryText.ts"
export { readSelect, type SelectText } from "./selectList.ts"
export { kindOf } from "./text.ts"
export { type CqlTypeTree, parseCqlType } from "./typeText.ts"
