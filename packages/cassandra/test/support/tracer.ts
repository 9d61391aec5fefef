/** A tracer that remembers. */
import type * as Exit from "effect/Exit"
import * as Tracer from "effect/Tracer"

export interface Recorded {
  readonly name: string
  readonly kind: Tracer.SpanKind
  readonly attributes: Map<string, unknown>
  readonly events: Array<{ readonly name: string; readonly attributes: Record<string, unknown> }>
  readonly parent: string | undefined
  exit: Exit.Exit<unknown, unknown> | undefined
}

export const make = () => {
  const spans: Array<Recorded> = []
  const tracer = Tracer.make({
    context: (run) => run(),
    span: (name, parent, context, links, startTime, kind) => {
      const recorded: Recorded = {
        name,
        kind,
        attributes: new Map(),
        events: [],
        parent: parent._tag === "Some" ? parent.value.spanId : undefined,
        exit: undefined
      }
      spans.push(recorded)
      const span: Tracer.Span = {
        _tag: "Span",
        name,
        spanId: name,
        traceId: "trace",
        parent,
        context,
        get status(): Tracer.SpanStatus {
          return { _tag: "Started", startTime }
        },
        attributes: recorded.attributes,
        links,
        sampled: true,
        kind,
        end: (_, exit) => {
          recorded.exit = exit
        },
        attribute: (key, value) => {
          recorded.attributes.set(key, value)
        },
        event: (event, _, attributes = {}) => {
          recorded.events.push({ name: event, attributes })
        },
        addLinks: () => undefined
      }
      return span
    }
  })
  return { spans, tracer }
}
