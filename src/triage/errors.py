"""One tree of errors: the docstring is the title that a caller reads, the class has the status."""

from __future__ import annotations

from typing import ClassVar


class TriageError(Exception):
    """Triage could not do what was asked."""

    status: ClassVar[int] = 500
    slug: ClassVar[str] = "error"

    @classmethod
    def title(cls) -> str:
        """Return the first line of the class docstring, without its full stop."""
        return (cls.__doc__ or cls.__name__).splitlines()[0].rstrip(".")


class SettingsError(TriageError):
    """A setting cannot be used."""

    slug = "settings"


class DeclarationError(TriageError):
    """A declaration (feature, recipe, gate, mapping or policy) cannot be used."""

    slug = "declaration"


class MappingError(TriageError):
    """An extract could not be turned into records; nothing was loaded."""

    slug = "mapping"


class HistoryError(TriageError):
    """The log of records cannot be read or written."""

    slug = "history"


class NotEnoughHistoryError(TriageError):
    """There is not enough history to train or evaluate on."""

    slug = "not-enough-history"


class BundleError(TriageError):
    """A model bundle was refused."""

    slug = "bundle"


class ModelFormatError(BundleError):
    """A model's text is not in a form that can be scored exactly; retrain it or update Triage."""

    slug = "model-format"


class RegistryError(TriageError):
    """The registry of models cannot be used; a service that runs goes on without it."""

    slug = "registry"


class GateError(TriageError):
    """A model was not promoted because a gate failed."""

    slug = "gate"


class SimulationError(TriageError):
    """The simulation cannot be made as asked."""

    slug = "simulation"


class OrderNotFoundError(TriageError):
    """No such order is known."""

    status = 404
    slug = "order-not-found"


class ExceptionNotFoundError(TriageError):
    """No such exception is known."""

    status = 404
    slug = "exception-not-found"


class DecisionNotFoundError(TriageError):
    """No such decision is recorded."""

    status = 404
    slug = "decision-not-found"


class RequestError(TriageError):
    """The request cannot be used as it is."""

    status = 422
    slug = "invalid-request"


class BodyTooLargeError(TriageError):
    """The request body is too large."""

    status = 413
    slug = "body-too-large"


class MalformedBodyError(TriageError):
    """The request body is not JSON that can be read safely."""

    status = 400
    slug = "malformed-body"
