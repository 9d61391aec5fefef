/** The server of a whole run: the projects that need one share it. */
import { globalSetup } from "../../packages/testkit/src/vitest.ts"
import type { TestProject } from "vitest/node"

const key = "effect-cassandra-testkit/server"

/** Each project loads this module anew. */
const shared = globalThis as {
  theServerOfTheRun?: Promise<{ readonly from: TestProject; readonly stop: () => Promise<void> }>
}

export default async (project: TestProject): Promise<(() => Promise<void>) | undefined> => {
  if (shared.theServerOfTheRun !== undefined) {
    const { from } = await shared.theServerOfTheRun
    project.provide(key, from.getProvidedContext()[key])
    return undefined
  }
  shared.theServerOfTheRun = globalSetup()(project).then((stop) => ({ from: project, stop }))
  const { stop } = await shared.theServerOfTheRun
  return async () => {
    delete shared.theServerOfTheRun
    await stop()
  }
}
