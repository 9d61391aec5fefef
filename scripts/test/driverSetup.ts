/** For each file of the project `integration-driver`: skips what the driver cannot do, and says why. */
import { beforeEach } from "vitest"
import { reasonToSkip } from "./bothEngines.ts"

beforeEach(({ skip, task }) => {
  const reason = reasonToSkip(task.file.filepath, task.name)
  if (reason !== undefined) skip(reason)
})
