"""Several defects that are named together, each with a size of its own: "two dents, 4 mm and 6 mm wide"."""

from copy import copy

from crossmodal.guidance.clauses import Request
from crossmodal.guidance.specs import field_of


def each_its_own(request: Request) -> list[Request]:
    """The request, or one for each of its defects where as many sizes of one field as there are defects are listed."""
    sizes = [item for item in request.said if item.tag == "measure" and not item.value.more]
    fields = {field_of(request.kind, item.value.role or "main") for item in sizes}
    many = request.count if request.count is not None else len(sizes) if request.head.plural else 1
    if len(sizes) < 2 or len(sizes) != many or len(fields) > 1 or request.fields.get("many"):
        return [request]
    made = []
    for size in sizes:
        one = copy(request)
        one.count, one.said = 1, [item for item in request.said if item is size or item not in sizes]
        made.append(one)
    return made
