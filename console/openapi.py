"""The API's description: every route with its permission, every error as a problem."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from aftertune.identity import Permission
from console.access import GuardedRoute, Needs, guarded_router, needs
from console.problems import MEDIA_TYPE, Problem

_REF = "#/components/schemas/{model}"


def describe(app: FastAPI) -> dict[str, Any]:
    """OpenAPI 3.1."""
    document = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes
    )
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schema = Problem.model_json_schema(ref_template=_REF)
    schemas.update(schema.pop("$defs", {}))
    schemas["Problem"] = schema
    components["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer"},
        "session": {"type": "apiKey", "in": "cookie", "name": "aftertune_session"},
    }
    for route in app.routes:
        if isinstance(route, GuardedRoute):
            _describe(document["paths"][route.path_format], route)
    return document


def route(app: FastAPI) -> APIRoute:
    """GET /openapi.json, for those who may read."""
    router = guarded_router("health")

    @router.get("/openapi.json", dependencies=[needs(Permission.READ)])
    def openapi() -> dict[str, Any]:
        return app.openapi()

    (found,) = router.routes
    assert isinstance(found, APIRoute)
    return found


def _describe(path: dict[str, Any], route: GuardedRoute) -> None:
    for method in route.methods or ():
        operation = path[method.lower()]
        operation["responses"].pop("422", None)
        operation["responses"]["default"] = {
            "description": "A problem (RFC 9457)",
            "content": {MEDIA_TYPE: {"schema": {"$ref": _REF.format(model="Problem")}}},
        }
        if isinstance(route.access, Needs):
            operation["x-permission"] = str(route.access.permission)
            operation["security"] = [{"bearer": []}, {"session": []}]
        else:
            operation["x-public"] = route.access.reason
