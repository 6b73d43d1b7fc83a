"""The grammar of DETECTORPL, and the words for its symbols in error messages.

Operators by how tightly they bind: `or`, `and`, `!`, comparison and `in`, `+ -`, `* / %`, unary
minus. Keywords may be written in any case. A comparison does not chain.
"""

from __future__ import annotations

from collections.abc import Collection

GRAMMAR = r"""
?start: disjunction
?disjunction: conjunction (OR conjunction)*
?conjunction: negation (AND negation)*
?negation: comparison
    | (BANG | NOT) negation -> inversion
?comparison: sum
    | sum OPERATOR sum -> compared
    | sum IN collection -> included
    | sum NOT IN collection -> excluded
?sum: term
    | sum (PLUS | MINUS) term -> arithmetic
?term: unary
    | term (STAR | SLASH | PERCENT) unary -> arithmetic
?unary: atom
    | MINUS unary -> negative
?atom: NUMBER -> number
    | STRING -> text
    | TRUE -> true
    | FALSE -> false
    | NULL -> null
    | VARIABLE -> variable
    | NAME LPAR [disjunction (COMMA disjunction)*] RPAR -> call
    | LPAR disjunction RPAR -> grouped
collection: LSQB literal (COMMA literal)* RSQB -> literal_list
    | LISTNAME -> list_name
?literal: NUMBER -> number
    | MINUS NUMBER -> negative_number
    | STRING -> text
    | TRUE -> true
    | FALSE -> false
    | NULL -> null

OR.2: /or\b/i
AND.2: /and\b/i
NOT.2: /not\b/i
IN.2: /in\b/i
TRUE.2: /true\b/i
FALSE.2: /false\b/i
NULL.2: /null\b/i
NAME: /[A-Za-z_][A-Za-z0-9_]*/
VARIABLE: /\$[A-Za-z0-9_]+/
LISTNAME: /@[A-Za-z0-9_]+/
NUMBER: /(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?/
STRING: /"(?:[^"\\\r\n]|\\[^\r\n])*"/
OPERATOR: /[=!]=|[<>]=?/
BANG: "!"
PLUS: "+"
MINUS: "-"
STAR: "*"
SLASH: "/"
PERCENT: "%"
LPAR: "("
RPAR: ")"
LSQB: "["
RSQB: "]"
COMMA: ","
COMMENT: /#[^\n]*/
%ignore /\s+/
%ignore COMMENT
"""

_VALUES = {
    "NUMBER": "a number",
    "STRING": "a text in double quotes",
    "VARIABLE": "a $variable",
    "NAME": "a function",
}
_WORDS = {
    **_VALUES,
    "OPERATOR": "a comparison such as >",
    "IN": "in",
    "NOT": "not",
    "AND": "and",
    "OR": "or",
    "LISTNAME": "a @list",
    "LPAR": "(",
    "RPAR": ")",
    "LSQB": "[",
    "RSQB": "]",
    "COMMA": "a comma",
    "$END": "the end",
}
# Implied by those above; to list them all would hide what matters.
_SILENT = frozenset({"TRUE", "FALSE", "NULL", "BANG", "PLUS", "MINUS", "STAR", "SLASH", "PERCENT"})

# What people write who come from another language, and what to write here.
SLIPS = {
    "&": "write and",
    "|": "write or",
    "=": "write == to compare",
    "'": "write texts in double quotes",
    "“": "write texts in straight double quotes",
    "”": "write texts in straight double quotes",
    '"': "the text is not closed by a double quote on its line",
    "$": "a variable's name must follow $",
    "@": "a list's name must follow @",
}


def in_words(symbols: Collection[str]) -> str:
    """What the grammar would accept, as a phrase: `a comparison such as >, and, or or the end`."""
    accepted = set(symbols) - _SILENT
    if set(_VALUES) <= accepted:
        accepted -= {*_VALUES, "NOT", "LPAR"}
        words = ["a value"]
    else:
        words = []
    # Where a value may be compared, maths and `not in` go without saying.
    if "OPERATOR" in accepted:
        accepted -= {"NOT"}
    words += [word for symbol, word in _WORDS.items() if symbol in accepted]
    if len(words) < 2:
        return "".join(words) or "an operator"
    return ", ".join(words[:-1]) + " or " + words[-1]
