"""crossmodal methods --blocks: what a method of one's own may be written with."""

import json as js
import textwrap

from crossmodal.methods.vocabulary import vocabulary

WIDTH, HANGS = 120, 4
HOW = "A method is a name, and blocks: with a region, a content, a blend, an effect and a label; sizes as if left out."


def run(json: bool) -> int:
    """Print every block by what it is for, with its fields as usual; or a method's JSON schema."""
    if json:
        from crossmodal.methods.spec import Method

        print(js.dumps(Method.model_json_schema(), ensure_ascii=False))
        return 0
    print(HOW)
    part = ""
    for word in vocabulary():
        if word.part != part:
            part = word.part
            print(f"\n{part}:")
        fields = "".join(f", {name}: {usual}" for name, usual in word.fields.items())
        mapping = f"{{{fields[2:]}}}" if word.kind == "-" else f"{{kind: {word.kind}{fields}}}"
        print(_hanging(mapping, 2), _hanging(word.about, 2 + HANGS), sep="\n")
    return 0


def _hanging(text: str, by: int) -> str:
    return textwrap.fill(text, WIDTH, initial_indent=by * " ", subsequent_indent=(by + 2) * " ", break_on_hyphens=False)
