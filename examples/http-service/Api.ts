/** What the service offers: the one description that the server, its clients and the API page are made from. */
import * as HttpApi from "@effect/platform/HttpApi"
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiError from "@effect/platform/HttpApiError"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import * as OpenApi from "@effect/platform/OpenApi"
import * as Schema from "effect/Schema"
import { NewUser, User } from "./Users.ts"

export class InvalidCursor extends Schema.TaggedError<InvalidCursor>()(
  "InvalidCursor",
  {},
  HttpApiSchema.annotations({ status: 400, description: "The cursor is none that this service gave" })
) {}

export class UserNotFound extends Schema.TaggedError<UserNotFound>()(
  "UserNotFound",
  { id: Schema.UUID },
  HttpApiSchema.annotations({ status: 404 })
) {}

export class EmailTaken extends Schema.TaggedError<EmailTaken>()(
  "EmailTaken",
  { email: Schema.String },
  HttpApiSchema.annotations({ status: 409 })
) {}

export class TryLater extends Schema.TaggedError<TryLater>()(
  "TryLater",
  {},
  HttpApiSchema.annotations({ status: 503, description: "The database cannot answer at the moment" })
) {}

export class UserPage extends Schema.Class<UserPage>("UserPage")({
  users: Schema.Array(User),
  /** For the next page; absent on the last one. */
  cursor: Schema.optional(Schema.String)
}) {}

const id = HttpApiSchema.param("id", User.fields.id)

const users = HttpApiGroup.make("users")
  .add(
    HttpApiEndpoint.post("create", "/users")
      .setPayload(NewUser)
      .addSuccess(User, { status: 201 })
      .addError(EmailTaken)
      .annotate(OpenApi.Summary, "Creates a user, whose e-mail address nobody else may have")
  )
  .add(
    HttpApiEndpoint.get("get")`/users/${id}`
      .addSuccess(User)
      .addError(UserNotFound)
      .annotate(OpenApi.Summary, "Reads a user")
  )
  .add(
    HttpApiEndpoint.patch("rename")`/users/${id}`
      .setPayload(Schema.Struct({ name: User.fields.name }))
      .addSuccess(User)
      .addError(UserNotFound)
      .annotate(OpenApi.Summary, "Gives a user another name")
  )
  .add(
    HttpApiEndpoint.del("remove")`/users/${id}`
      .addSuccess(HttpApiSchema.NoContent)
      .addError(UserNotFound)
      .annotate(OpenApi.Summary, "Removes a user, whose e-mail address is free again")
  )
  .add(
    HttpApiEndpoint.get("list", "/users")
      .setUrlParams(
        Schema.Struct({
          limit: Schema.optionalWith(Schema.NumberFromString.pipe(Schema.int(), Schema.between(1, 100)), {
            default: () => 20
          }),
          cursor: Schema.optional(Schema.String)
        })
      )
      .addSuccess(UserPage)
      .addError(InvalidCursor)
      .annotate(OpenApi.Summary, "Lists users, a page at a time")
  )
  .add(
    HttpApiEndpoint.get("export", "/users.ndjson")
      .addSuccess(Schema.String.pipe(HttpApiSchema.withEncoding({ kind: "Text", contentType: "application/x-ndjson" })))
      .annotate(OpenApi.Summary, "Streams every user, one a line, as they come out of the database")
  )

export const UsersApi = HttpApi.make("UsersApi")
  .add(users)
  .addError(TryLater)
  .addError(HttpApiError.InternalServerError)
  .annotate(OpenApi.Title, "Users")
  .annotate(OpenApi.Version, "1.0.0")
  .annotate(
    OpenApi.Description,
    "Users, kept in Cassandra. Whether the service lives and is ready is said at /health/live and /health/ready."
  )
