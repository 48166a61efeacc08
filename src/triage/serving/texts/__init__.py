"""The catalogue: every title and sentence of the pages, a module a page; nothing else holds one.

Pages say `texts.order.WAYS`, templates `t.order.WAYS`. Names of sites and customers, what the log
holds, and what declarations say (reasons, playbooks, policy) are data, not texts.
"""

from triage.serving.texts import (
    exceptions,
    frame,
    lists,
    models,
    operations,
    order,
    past,
    sign_in,
    words,
    work,
    worklist,
)

__all__ = [
    "exceptions",
    "frame",
    "lists",
    "models",
    "operations",
    "order",
    "past",
    "sign_in",
    "words",
    "work",
    "worklist",
]
