"""The HTTP headers of the router's contract, in lower case."""

REQUEST_ID = "x-request-id"
"""Taken from the client when it sends one, else made; on every answer."""

RELEASE = "x-aftertune-release"
GENERATION = "x-aftertune-generation"
"""On every answer: what made it, under which generation of the deployment."""

CONVERSATION = "x-aftertune-conversation"
USER = "x-aftertune-user"
TENANT = "x-aftertune-tenant"
"""Where a client names its conversation, end user and tenant; the body's `metadata.conversation_id`, `user` (or
`safety_identifier`) and `metadata.tenant` come second; else the conversation is derived from the credential and
the conversation's first user message, the user is the credential's holder, and the tenant is `default`."""

DROPPED_FIELDS = "x-aftertune-dropped-fields"
"""On an answer: request fields that the engine does not take, left out of what it was sent."""

PROBE = "x-aftertune-probe"
"""On a request: names the release to prove. Honoured only under the rooms' own credential."""

DEPLOYMENT = "x-aftertune-deployment"
"""On a request for something that an engine remembers (`/v1/responses/{id}`): the deployment it was made by."""
