import { assert, describe, it } from "@effect/vitest"
import { cql, Migrator, Session, Statement } from "effect-cassandra"
import * as Config from "effect/Config"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as checksum from "../src/internal/migrator/checksum.ts"
import * as cli from "../src/internal/migrator/cli.ts"
import * as plans from "../src/internal/migrator/plan.ts"
import { canonical, single, split } from "../src/internal/migrator/script.ts"

const statementsOf = (script: string) => Either.getOrThrow(split(script))

const faultOf = (script: string) => Option.getOrThrow(Either.getLeft(split(script)))

const batch = (kind: string) =>
  `BEGIN ${kind}BATCH INSERT INTO t (a) VALUES (1); INSERT INTO t (a) VALUES ('apply batch;'); APPLY BATCH`

const endless = (what: string, line: number) => ({ message: `the ${what} that starts here does not end`, line })

const refusal = (text: string) => Either.match(single(text), { onLeft: ({ message }) => message, onRight: () => "" })

describe("splitting a script", () => {
  it("ends a statement at a semicolon, and the last one without", () => {
    assert.deepStrictEqual(statementsOf("SELECT 1; SELECT 2;\n\nSELECT 3"), ["SELECT 1", "SELECT 2", "SELECT 3"])
    assert.deepStrictEqual(statementsOf(""), [])
    assert.deepStrictEqual(statementsOf(" ;;\n; -- nothing; at all\n /* ; */ "), [])
  })

  it("ends nothing within strings, quoted names, bodies and comments", () => {
    assert.deepStrictEqual(
      statementsOf(`INSERT INTO t (a) VALUES ('it''s; here'); DROP TABLE "od""d;name"; SELECT 1`),
      [`INSERT INTO t (a) VALUES ('it''s; here')`, `DROP TABLE "od""d;name"`, "SELECT 1"]
    )
    const body =
      "CREATE FUNCTION f (x int) RETURNS NULL ON NULL INPUT RETURNS int LANGUAGE java AS $$ int y = x; return y; // '\n $$"
    assert.deepStrictEqual(statementsOf(`${body}; SELECT 1`), [body, "SELECT 1"])
    assert.deepStrictEqual(
      statementsOf("SELECT a -- one; two 'three\n FROM t // four; \"five\n WHERE /* six; $$ \n */ a = 1; SELECT 2"),
      ["SELECT a FROM t WHERE a = 1", "SELECT 2"]
    )
  })

  it("takes what looks like a comment within a string for what it is", () => {
    const statement = "INSERT INTO t (a, b) VALUES ('http://x -- y', '/* z')"
    assert.deepStrictEqual(statementsOf(`${statement}; SELECT 1`), [statement, "SELECT 1"])
  })

  it("keeps a batch in one piece", () => {
    for (const kind of ["", "UNLOGGED ", "counter "]) {
      assert.deepStrictEqual(statementsOf(`${batch(kind)}; SELECT 1`), [batch(kind), "SELECT 1"])
    }
    assert.deepStrictEqual(statementsOf("SELECT begin FROM t; SELECT 2"), ["SELECT begin FROM t", "SELECT 2"])
  })

  it("keeps a transaction in one piece", () => {
    const transactions = [
      "BEGIN TRANSACTION UPDATE t SET a = 1 WHERE id = 1; INSERT INTO t (id) VALUES (2); COMMIT TRANSACTION",
      "begin transaction LET r = (SELECT a FROM t WHERE id = 1); SELECT r.a; IF r.a > 0 AND r IS NOT NULL THEN UPDATE t SET a -= 1 WHERE id = 1; DELETE FROM t WHERE id = 3; END IF commit transaction",
      "BEGIN TRANSACTION INSERT INTO t (id, x) VALUES (1, 'COMMIT TRANSACTION; apply batch'); COMMIT TRANSACTION"
    ]
    for (const transaction of transactions) {
      assert.deepStrictEqual(statementsOf(`SELECT 1; ${transaction}; SELECT 2`), ["SELECT 1", transaction, "SELECT 2"])
    }
    assert.deepStrictEqual(
      statementsOf("BEGIN /* ; */ TRANSACTION -- one;\n UPDATE t SET a = 1 WHERE id = 1;\rCOMMIT // two;\rTRANSACTION"),
      ["BEGIN TRANSACTION UPDATE t SET a = 1 WHERE id = 1; COMMIT TRANSACTION"]
    )
  })

  it("says what does not end, and where it starts", () => {
    assert.deepStrictEqual(faultOf("SELECT 1;\nSELECT 'x;\nSELECT 2"), endless("string", 2))
    assert.deepStrictEqual(faultOf("SELECT 1;\rSELECT 2;\r\nSELECT 'x"), endless("string", 3))
    assert.deepStrictEqual(faultOf("SELECT 'a''"), endless("string", 1))
    assert.deepStrictEqual(faultOf('\n\nSELECT "x'), endless("quoted name", 3))
    assert.deepStrictEqual(faultOf("SELECT 1 /* x\n"), endless("comment", 1))
    assert.deepStrictEqual(faultOf("SELECT 'a\nb';\nAS $$ x"), endless("$$ body", 3))
  })

  const insert = "INSERT INTO t (a) VALUES (1);"
  for (const [script, line, message] of [
    [`\nBEGIN BATCH\n${insert}`, 2, /BATCH that starts here does not end with APPLY BATCH/],
    [`BEGIN BATCH ${insert}\nCREATE TABLE a (id int PRIMARY KEY);`, 1, /does not end before CREATE in line 2/],
    [`BEGIN BATCH ${insert}\nBEGIN BATCH ${insert} APPLY BATCH;`, 1, /does not end before BEGIN in line 2/],
    [`BEGIN UNLOGGED BATCH ${insert} APPLY BATCH\nSELECT 1;`, 2, /semicolon is missing between BATCH and SELECT/],
    [`BEGIN TRANSACTION ${insert}`, 1, /TRANSACTION that starts here does not end with COMMIT TRANSACTION/],
    [`BEGIN TRANSACTION ${insert} APPLY BATCH;`, 1, /does not end before APPLY/],
    [`BEGIN TRANSACTION ${insert}\nEND IF; USE a;`, 1, /does not end before USE in line 2/],
    ["BEGIN;\nSELECT 1; COMMIT;", 1, /BEGIN starts a BATCH or a TRANSACTION, not a semicolon/],
    ["BEGIN WORK; SELECT 1", 1, /not WORK/],
    ["BEGIN COUNTER TRANSACTION", 1, /not TRANSACTION/],
    [`BEGIN UNLOGGED;`, 1, /BEGIN starts/],
    ["SELECT 1;\nAPPLY BATCH;", 2, /no statement starts with APPLY/],
    ["SELECT a FROM t;\nWHERE a = 1", 2, /no statement starts with WHERE: is there a semicolon too many/],
    ["SELECT 1;\n(SELECT 2);", 2, /no statement starts with \(/],
    ["'a' SELECT", 1, /no statement starts with 'a'/],
    ["SELECT 1;\nCREATE TABLE a (\n b map<text, int>, PRIMARY KEY (b);", 2, /this \( has no counterpart/],
    ["SELECT 1;\nSELECT a) FROM t;", 2, /this \) has no counterpart/],
    ["UPDATE t SET a = [1, 2} WHERE id = 1", 1, /this \[ has no counterpart/]
  ] as ReadonlyArray<readonly [string, number, RegExp]>) {
    it(`refuses ${JSON.stringify(script)}`, () => {
      const fault = faultOf(script)
      assert.match(fault.message, message)
      assert.strictEqual(fault.line, line)
    })
  }

  it("takes brackets in strings for what they are", () => {
    const statement = "INSERT INTO t (a, b) VALUES ('(', {'x]': [1]})"
    assert.deepStrictEqual(statementsOf(statement), [statement])
  })

  for (const use of [
    "USE shop",
    "use shop",
    "\tUse\n shop",
    "/* first */ USE shop",
    "-- first\rUSE shop",
    "// first\nUSE shop",
    "USE -- ;\n shop",
    'USE "shop"'
  ]) {
    it(`refuses ${JSON.stringify(use)} wherever it stands`, () => {
      for (const script of [use, `SELECT 1;${use};SELECT 2`, `SELECT 'a;b';;${use}`, `${batch("")};${use}`]) {
        assert.match(faultOf(script).message, /^USE cannot be run.*--keyspace "?shop.*as in "?shop"?\.users$/)
      }
      assert.isTrue(Either.isLeft(single(use)))
    })
  }

  it("lets a name and a string be called like a command", () => {
    for (const statement of [
      "SELECT use FROM source WHERE copy = 'USE shop; DESCRIBE'",
      "CREATE FUNCTION f (x int) RETURNS NULL ON NULL INPUT RETURNS int LANGUAGE java AS $$ return x; USE a; $$",
      'DROP TABLE "x; USE a; y"',
      "LIST ROLES",
      "TRUNCATE consistency"
    ]) {
      assert.deepStrictEqual(statementsOf(`/* USE a; */ ${statement}; -- USE b;\n`), [statement])
    }
  })

  const commands =
    "SOURCE 'b.cql'|CONSISTENCY QUORUM|SERIAL CONSISTENCY SERIAL|COPY t FROM 'a.csv' WITH HEADER = true|DESCRIBE TABLES|desc t|" +
    "EXPAND ON|TRACING ON|PAGING OFF|SHOW VERSION|LOGIN a|CAPTURE 'x'|CLEAR|CLS|EXIT|QUIT|HELP|HISTORY|UNICODE|DEBUG|ELAPSED ON"
  for (const command of commands.split("|")) {
    it(`refuses cqlsh's ${command}`, () => {
      assert.match(faultOf(`SELECT 1;\n${command};`).message, /^[A-Z]+ is a command of cqlsh/)
    })
  }

  it("knows when a text is not one statement", () => {
    assert.match(refusal("SELECT 1; SELECT 2"), /several statements in one/)
    assert.match(refusal(" -- nothing\n;"), /no statement/)
    assert.strictEqual(refusal("SELECT 1;"), "")
    assert.strictEqual(refusal(batch("")), "")
  })

  it("copes with byte order marks, Windows' line ends and a large string", () => {
    assert.deepStrictEqual(statementsOf("\uFEFFSELECT 1;\r\nSELECT\r\n 2"), ["SELECT 1", "SELECT 2"])
    const large = `INSERT INTO t (a) VALUES ('${"x;''".repeat(200_000)}')`
    assert.deepStrictEqual(statementsOf(`${large};`), [large])
  })

  it("leaves out what means nothing", () => {
    assert.strictEqual(canonical("  SELECT\n\ta -- why\n,b"), "SELECT a ,b")
    assert.strictEqual(canonical("SELECT '  a  -- b'"), "SELECT '  a  -- b'")
  })
})

const of = (...statements: ReadonlyArray<Statement.Statement.Any>) => checksum.ofStatements(statements)

const ofValue = (value: unknown) => of(cql`INSERT INTO t (a) VALUES (${value})`)

describe("checksums", () => {
  it("are of what the statements do", () => {
    assert.match(of(cql`SELECT 1`), /^cql:[0-9a-f]{64}$/)
    assert.strictEqual(of(cql`SELECT 1`), of(Statement.make("SELECT  1 -- one")))
    assert.notStrictEqual(of(cql`SELECT 1`), of(cql`SELECT 2`))
    assert.notStrictEqual(of(cql`SELECT 1`, cql`SELECT 2`), of(cql`SELECT 2`, cql`SELECT 1`))
  })

  it("are of the values, too", () => {
    const values = [
      1,
      1n,
      "1",
      null,
      undefined,
      new Date(1),
      new Date(1).toJSON(),
      new Uint8Array([1]),
      new Map([[1, 1]]),
      new Map([[1, 1n]]),
      new Set([1]),
      new Set([2]),
      [1],
      { a: 1 },
      { a: 2 }
    ]
    assert.strictEqual(ofValue(new Map([["a", 1n]])), ofValue(new Map([["a", 1n]])))
    assert.strictEqual(new Set(values.filter((value) => value !== undefined).map(ofValue)).size, values.length - 1)
  })

  it("of code in TypeScript and its compiled form pass, CQL in place of code does not", () => {
    const [ts, js, effect, otherTs] = [
      checksum.ofCode("ts", "a"),
      checksum.ofCode("js", "b"),
      checksum.ofCode("effect", "c"),
      checksum.ofCode("ts", "d")
    ]
    assert.isTrue(checksum.agree(ts, js))
    assert.isTrue(checksum.agree(effect, js))
    assert.isFalse(checksum.agree(ts, otherTs))
    assert.isFalse(checksum.agree(ts, of(cql`SELECT 1`)))
    assert.strictEqual(checksum.ofCode("js", "a\r\nb"), checksum.ofCode("js", "a\nb"))
  })
})

const reasonOf = (loader: Migrator.Loader) =>
  Effect.map(Effect.flip(loader), ({ migration, reason }) => [reason, migration])

describe("migrations from a record", () => {
  it.effect("are statements or effects", () =>
    Effect.gen(function* () {
      const loaded = yield* Migrator.fromRecord({
        "0002_two": [cql`SELECT 1`, cql`SELECT 2`],
        "0001_one": cql`SELECT 1`,
        "20260101_three": Effect.asVoid(Session.Session)
      })
      assert.deepStrictEqual(
        loaded.map(({ id, name }) => [id, name]),
        [
          [2, "0002_two"],
          [1, "0001_one"],
          [20260101, "20260101_three"]
        ]
      )
      const bodies = yield* Effect.forEach(loaded, ({ body }) => body)
      assert.deepStrictEqual(
        bodies.map((body) => (body._tag === "Statements" ? body.statements.length : body._tag)),
        [2, 1, "Effect"]
      )
      assert.isTrue(loaded[2]?.checksum.startsWith("effect:"))
    })
  )

  it.effect("must be named and be something", () =>
    Effect.gen(function* () {
      for (const name of ["create_users", "1", "1_", "x1_a", "99999999999999999_a"]) {
        assert.deepStrictEqual(yield* reasonOf(Migrator.fromRecord({ [name]: cql`SELECT 1` })), ["InvalidName", name])
      }
      for (const wrong of ["USE shop", "COPY t TO 'a.csv'", "SELECT 1; SELECT 2", "SELECT 'a", "", "BEGIN BATCH"]) {
        for (const entry of [Statement.make(wrong), [cql`SELECT 1`, Statement.make(wrong)]]) {
          const error = yield* Effect.flip(Migrator.fromRecord({ "1_a": entry }))
          assert.deepStrictEqual([error.reason, error.migration], ["ImportError", "1_a"])
          assert.include(error.message, `statement ${Array.isArray(entry) ? 2 : 1}: `)
        }
      }
      const wrong = { "1_a": 5 } as unknown as Record<string, Migrator.RecordEntry>
      assert.deepStrictEqual(yield* reasonOf(Migrator.fromRecord(wrong) as Migrator.Loader), ["ImportError", "1_a"])
    })
  )
})

const directory = (files: Readonly<Record<string, string>>) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const path = await mkdtemp(join(tmpdir(), "migrations-"))
      for (const [name, content] of Object.entries(files)) await writeFile(join(path, name), content)
      return path
    }),
    (path) => Effect.promise(() => rm(path, { recursive: true }))
  )

describe("migrations from a directory", () => {
  it.scoped("are scripts and modules; other files do not matter", () =>
    Effect.gen(function* () {
      const path = yield* directory({
        "0002_b.mjs": `export default { query: "no statement" }`,
        "0001_a.cql": "SELECT 1; SELECT 2 -- x\n;",
        "0001_a.d.ts": "",
        "README.md": "",
        "helpers.mjs": "throw new Error('not imported')",
        "0003_c.mjs": "throw new Error('broken')"
      })
      const loaded = yield* Migrator.fromDirectory(path)
      assert.deepStrictEqual(
        loaded.map(({ name }) => name),
        ["0001_a", "0002_b", "0003_c"]
      )
      const [first] = yield* Migrator.fromRecord({ "0001_a": [cql`SELECT 1`, cql`SELECT 2`] })
      assert.strictEqual(loaded[0]?.checksum, first?.checksum)
      const body = yield* loaded[0]?.body ?? Effect.die("missing")
      assert.deepStrictEqual(body._tag === "Statements" && body.statements.map(({ query }) => query), [
        "SELECT 1",
        "SELECT 2"
      ])
      const second = yield* Effect.flip(loaded[1]?.body ?? Effect.die("missing"))
      assert.deepStrictEqual([second.reason, second.migration], ["ImportError", "0002_b"])
      assert.include(second.message, "default export")
      const third = yield* Effect.flip(loaded[2]?.body ?? Effect.die("missing"))
      assert.include(third.message, "broken")
      assert.instanceOf(third.cause, Error)
    })
  )

  it.scoped("are refused when a statement in them cannot be run", () =>
    Effect.gen(function* () {
      const path = yield* directory({ "0001_a.cql": "SELECT 1;", "0002_b.cql": "SELECT 2;\n\nuse shop;\nSELECT 3;" })
      const error = yield* Effect.flip(Migrator.fromDirectory(path))
      assert.deepStrictEqual([error.reason, error.migration], ["ImportError", "0002_b"])
      assert.include(error.message, "0002_b.cql, line 3: USE cannot be run")
      // The module would import another copy of the package than the test.
      Object.assign(globalThis, { "test/statements": [cql`SELECT 1`, cql`USE a`] })
      const module = yield* directory({ "0001_a.mjs": `export default globalThis["test/statements"]` })
      const [loaded] = yield* Migrator.fromDirectory(module)
      const imported = yield* Effect.flip(loaded?.body ?? Effect.die("missing"))
      assert.include(imported.message, "The migration 0001_a, statement 2: USE cannot be run")
    })
  )

  it.scoped("are refused when they cannot be read", () =>
    Effect.gen(function* () {
      const misnamed = yield* directory({ "create-users.cql": "SELECT 1" })
      assert.deepStrictEqual(yield* reasonOf(Migrator.fromDirectory(misnamed)), ["InvalidName", "create-users"])
      const open = yield* directory({ "0001_a.cql": "SELECT 1;\nSELECT '" })
      const error = yield* Effect.flip(Migrator.fromDirectory(open))
      assert.strictEqual(error.reason, "ImportError")
      assert.include(error.message, "line 2")
      assert.deepStrictEqual(yield* reasonOf(Migrator.fromDirectory(join(open, "nowhere"))), ["ImportError", undefined])
    })
  )
})

const given = (name: string, sum = "cql:1"): Migrator.ResolvedMigration => ({
  id: Number(name.split("_")[0]),
  name,
  checksum: sum,
  body: Effect.succeed({ _tag: "Statements", statements: [] })
})

const applied = (name: string, sum = "cql:1"): Migrator.AppliedMigration => ({
  id: Number(name.split("_")[0]),
  name,
  checksum: sum,
  appliedAt: new Date(0),
  appliedBy: "host/1/abc",
  duration: Duration.millis(12)
})

const sort = (names: ReadonlyArray<string>, allowGaps = false) =>
  Either.match(
    plans.sorted(
      names.map((name) => given(name)),
      allowGaps
    ),
    {
      onLeft: ({ message, reason }) => `${reason}: ${message}`,
      onRight: (migrations) => migrations.map(({ name }) => name)
    }
  )

describe("the order of migrations", () => {
  it("is that of their ids", () => {
    assert.deepStrictEqual(sort(["10_b", "9_a", "11_c"]), ["9_a", "10_b", "11_c"])
    assert.deepStrictEqual(sort([]), [])
  })

  it("has each id once", () => {
    assert.strictEqual(sort(["1_a", "01_b"]), "Duplicate: The migrations 1_a and 01_b have the same id: 1")
    assert.strictEqual(sort(["1_a", "1_a"]), "Duplicate: The migration 1_a is there twice")
  })

  it("leaves no number out where numbers count", () => {
    assert.match(String(sort(["1_a", "3_c"])), /^Gap: No migration has the id 2: 3_c follows on 1_a/)
    assert.match(String(sort(["0_a", "2_c"])), /^Gap: /)
    assert.deepStrictEqual(sort(["1_a", "3_c"], true), ["1_a", "3_c"])
    assert.deepStrictEqual(sort(["20260101_a", "20260301_c"]), ["20260101_a", "20260301_c"])
  })
})

const states = (g: ReadonlyArray<Migrator.ResolvedMigration>, h: ReadonlyArray<Migrator.AppliedMigration>) =>
  Object.fromEntries(plans.make(g, h).statuses.map(({ name, state }) => [name, state]))

const problem = (g: ReadonlyArray<Migrator.ResolvedMigration>, h: ReadonlyArray<Migrator.AppliedMigration>) => {
  const error = Option.getOrUndefined(Either.getLeft(plans.check(plans.make(g, h))))
  return [error?.reason, error?.migration, error?.message]
}

describe("the plan", () => {
  it("is what was not applied", () => {
    const plan = plans.make([given("1_a"), given("2_b"), given("3_c")], [applied("1_a")])
    assert.deepStrictEqual(
      plan.pending.map(({ name }) => name),
      ["2_b", "3_c"]
    )
    assert.deepStrictEqual(states([given("1_a"), given("2_b")], [applied("1_a")]), {
      "1_a": "Applied",
      "2_b": "Pending"
    })
    assert.isTrue(Either.isRight(plans.check(plan)))
  })

  it("lets a newer version of the application be", () => {
    assert.deepStrictEqual(states([given("1_a")], [applied("1_a"), applied("2_b")]), {
      "1_a": "Applied",
      "2_b": "Newer"
    })
    assert.deepStrictEqual(problem([given("1_a")], [applied("1_a"), applied("2_b")]), [undefined, undefined, undefined])
  })

  it("names what was changed, renamed, removed or is late", () => {
    assert.deepStrictEqual(problem([given("1_a"), given("2_b", "cql:2")], [applied("1_a"), applied("2_b")]), [
      "ChecksumMismatch",
      "2_b",
      "The migration 2_b was changed after it had been applied. Put it back as it was, and make the change in a new migration"
    ])
    assert.deepStrictEqual(problem([given("1_b")], [applied("1_a")]).slice(0, 2), ["ChecksumMismatch", "1_b"])
    assert.deepStrictEqual(problem([given("2_b")], [applied("1_a"), applied("2_b")]).slice(0, 2), ["Missing", "1_a"])
    assert.deepStrictEqual(problem([given("1_a"), given("2_b")], [applied("2_b")]), [
      "OutOfOrder",
      "1_a",
      "The migration 1_a was not applied, although it is older than 2_b, which was. Give it a higher id"
    ])
  })
})

const parse = (...argv: ReadonlyArray<string>) =>
  Either.match(cli.parse(argv), { onLeft: (message) => message, onRight: (parsed) => parsed })

describe("the command line", () => {
  it("has defaults", () => {
    const parsed = parse("run")
    assert.deepInclude(parsed as object, { _tag: "Run", command: "run", directory: "migrations", verbose: false })
  })

  it("takes options", () => {
    const parsed = parse(
      "run",
      "--dir",
      "db",
      "--lease-ttl=10",
      "--lock-timeout",
      "5",
      "--create-keyspace",
      "dc1:3,dc2:2"
    )
    assert.deepInclude(parsed as object, {
      directory: "db",
      createKeyspace: [
        ["dc1", 3],
        ["dc2", 2]
      ]
    })
    const { options } = parsed as cli.Arguments
    assert.deepStrictEqual([options.leaseTtl, options.lockTimeout], [Duration.seconds(10), Duration.seconds(5)])
  })

  it("says what is wrong", () => {
    assert.strictEqual(parse(), "No command is given")
    assert.strictEqual(parse("frob"), "There is no command frob")
    assert.strictEqual(parse("run", "list"), "One command at a time: what is list?")
    assert.include(parse("run", "--frob") as string, "--frob")
    assert.include(parse("run", "--lease-ttl", "soon") as string, "--lease-ttl")
    assert.include(parse("run", "--create-keyspace", "3") as string, "dc1:3,dc2:2")
    assert.include(parse("list", "--create-keyspace", "a:1") as string, "for run")
    assert.include(parse("run", "--fail-on-pending") as string, "for verify")
  })

  it("explains itself", () => {
    assert.deepStrictEqual(parse("--help"), { _tag: "Help" })
    assert.deepStrictEqual(parse("help"), { _tag: "Help" })
    assert.deepStrictEqual(parse("run", "-h"), { _tag: "Help" })
    assert.deepStrictEqual(parse("--version"), { _tag: "Version" })
  })

  it.effect("wins over the environment", () =>
    Effect.gen(function* () {
      const parsed = parse("list", "--contact-points", "a,b", "--port", "1") as cli.Arguments
      const provider = cli.configProvider(parsed, { CASSANDRA_PORT: "2", CASSANDRA_KEYSPACE: "shop" })
      const read = <A>(config: Config.Config<A>) => provider.load(config)
      assert.deepStrictEqual(yield* read(Config.array(Config.string(), "CASSANDRA_CONTACT_POINTS")), ["a", "b"])
      assert.strictEqual(yield* read(Config.number("CASSANDRA_PORT")), 1)
      assert.strictEqual(yield* read(Config.string("CASSANDRA_KEYSPACE")), "shop")
    })
  )

  it("shows migrations in columns", () => {
    const { statuses } = plans.make([given("1_a"), given("2_bcd")], [applied("1_a")])
    assert.strictEqual(
      cli.table(statuses),
      [
        "MIGRATION  STATE    APPLIED AT                TOOK   BY",
        "1_a        Applied  1970-01-01T00:00:00.000Z  12 ms  host/1/abc",
        "2_bcd      Pending"
      ].join("\n")
    )
    assert.strictEqual(cli.summary(statuses), "1 migration is as it was applied\n1 migration pending: 2_bcd")
  })
})
