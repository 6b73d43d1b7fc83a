"""Several LightGBM text models as one that gives the mean of their log-odds.

Serving loads one text and explains one text: an average is one more model, not one more way to
score. It knows LightGBM's text format (https://github.com/microsoft/LightGBM, `gbdt_model_text`),
not what the trees are about.
"""

from __future__ import annotations

from collections.abc import Sequence

_SCALED = ("leaf_value=", "internal_value=")


def merged(texts: Sequence[str]) -> str:
    """The model whose raw score is the mean of the models' raw scores.

    All must have the same features. The sum of its contributions is its raw score, as ever.
    """
    if len(texts) == 1:
        return texts[0]
    header = texts[0].partition("\nTree=0\n")[0]
    end = texts[0][texts[0].index("\nend of trees") :]
    trees: list[str] = []
    for text in texts:
        body = text[text.index("\nTree=0\n") + 1 : text.index("\nend of trees")].rstrip("\n")
        for tree in body.split("\n\n"):
            if not tree.strip():
                continue
            lines = tree.strip("\n").split("\n")
            lines[0] = f"Tree={len(trees)}"
            scaled = [_scaled(line, len(texts)) for line in lines]
            trees.append("\n".join(scaled) + "\n\n\n")
    sizes = " ".join(str(len(tree.encode())) for tree in trees)
    lines = [
        f"tree_sizes={sizes}" if line.startswith("tree_sizes=") else line
        for line in header.split("\n")
    ]
    return "\n".join(lines).rstrip("\n") + "\n\n" + "".join(trees) + end.lstrip("\n")


def _scaled(line: str, by: int) -> str:
    name, equals, values = line.partition("=")
    if name + equals not in _SCALED or not values:
        return line
    return name + equals + " ".join(repr(float(value) / by) for value in values.split(" "))
