"""Measures and addresses: `12km` is "12 kilometers", `Main St` is "Main Street".

Units as Amazon Polly's `unit` takes them (a number or a fraction and the unit, with no space
between, or the unit alone); unknown units are left as they are written.
"""

from __future__ import annotations

import re

from ringfence.lines.speech.numbers import Gender, cardinal, counted, fraction, primary

_UNIT = re.compile(
    r"([-+]?(?:\d[\d.,]*)?(?:\s*\d+/\d+|[½⅓⅔¼¾⅛⅜])?)\s*([^\W\d_%°'\"][\w./²³]*|[%°]\w*)"
)

# By unit: one and many in English, German, French, Spanish, Italian and Portuguese.
_LANGUAGES = ("en", "de", "fr", "es", "it", "pt")
_NAMES = {
    "km": "kilometer/s Kilometer/ kilomètre/s kilómetro/s chilometro/chilometri quilómetro/s",
    "m": "meter/s Meter/ mètre/s metro/s metro/metri metro/s",
    "cm": "centimeter/s Zentimeter/ centimètre/s centímetro/s centimetro/centimetri centímetro/s",
    "mm": "millimeter/s Millimeter/ millimètre/s milímetro/s millimetro/millimetri milímetro/s",
    "mi": "mile/s Meile/n mille/s milla/s miglio/miglia milha/s",
    "yd": "yard/s Yard/s yard/s yarda/s iarda/iarde jarda/s",
    "ft": "foot/feet Fuß/ pied/s pie/s piede/piedi pé/s",
    "in": "inch/es Zoll/ pouce/s pulgada/s pollice/pollici polegada/s",
    "kg": "kilogram/s Kilogramm/ kilogramme/s kilogramo/s chilogrammo/chilogrammi quilograma/s",
    "g": "gram/s Gramm/ gramme/s gramo/s grammo/grammi grama/s",
    "mg": "milligram/s Milligramm/ milligramme/s miligramo/s milligrammo/milligrammi miligrama/s",
    "lb": "pound/s Pfund/ livre/s libra/s libbra/libbre libra/s",
    "oz": "ounce/s Unze/n once/s onza/s oncia/once onça/s",
    "l": "liter/s Liter/ litre/s litro/s litro/litri litro/s",
    "ml": "milliliter/s Milliliter/ millilitre/s mililitro/s millilitro/millilitri mililitro/s",
    "h": "hour/s Stunde/n heure/s hora/s ora/ore hora/s",
    "min": "minute/s Minute/n minute/s minuto/s minuto/minuti minuto/s",
    "s": "second/s Sekunde/n seconde/s segundo/s secondo/secondi segundo/s",
    "ms": "millisecond/s Millisekunde/n milliseconde/s milisegundo/s "
    "millisecondo/millisecondi milissegundo/s",
    "%": "percent/percent Prozent/ pour_cent/pour_cent por_ciento/por_ciento "
    "per_cento/per_cento por_cento/por_cento",
    "°": "degree/s Grad/ degré/s grado/s grado/gradi grau/s",
    "°c": "degree_Celsius/degrees_Celsius Grad_Celsius/ degré_Celsius/degrés_Celsius "
    "grado_Celsius/grados_Celsius grado_Celsius/gradi_Celsius grau_Celsius/graus_Celsius",
    "°f": "degree_Fahrenheit/degrees_Fahrenheit Grad_Fahrenheit/ degré_Fahrenheit/"
    "degrés_Fahrenheit grado_Fahrenheit/grados_Fahrenheit grado_Fahrenheit/gradi_Fahrenheit "
    "grau_Fahrenheit/graus_Fahrenheit",
}
_ALSO = {
    **{"inch": "in", "inches": "in", "foot": "ft", "feet": "ft", "mile": "mi", "miles": "mi"},
    **{"meter": "m", "meters": "m", "metre": "m", "metres": "m", "yard": "yd", "yards": "yd"},
    **{"kilometer": "km", "kilometers": "km", "kilometre": "km", "kilometres": "km"},
    **{"pound": "lb", "pounds": "lb", "lbs": "lb", "ounce": "oz", "ounces": "oz", "mins": "min"},
    **{"gram": "g", "grams": "g", "kilogram": "kg", "kilograms": "kg", "liter": "l"},
    **{"liters": "l", "litre": "l", "litres": "l", "hr": "h", "hrs": "h", "sec": "s", "secs": "s"},
}
_FEMININE = {
    "de": frozenset({"mi", "oz", "h", "min", "s", "ms"}),
    "fr": frozenset({"lb", "oz", "h", "min", "s", "ms"}),
    "es": frozenset({"mi", "yd", "in", "lb", "oz", "h"}),
    "it": frozenset({"yd", "lb", "oz", "h"}),
    "pt": frozenset({"mi", "yd", "in", "lb", "oz", "h"}),
}

_STREETS = {
    "en": {
        **{"st": "Street", "ave": "Avenue", "av": "Avenue", "rd": "Road", "blvd": "Boulevard"},
        **{"dr": "Drive", "ln": "Lane", "ct": "Court", "pl": "Place", "sq": "Square"},
        **{"hwy": "Highway", "pkwy": "Parkway", "apt": "Apartment", "ste": "Suite", "fl": "Floor"},
        **{"n": "North", "s": "South", "e": "East", "w": "West", "ne": "Northeast"},
        **{"nw": "Northwest", "se": "Southeast", "sw": "Southwest"},
    },
    "de": {"str": "Straße", "pl": "Platz", "nr": "Nummer"},
    "fr": {"av": "avenue", "bd": "boulevard", "pl": "place", "rte": "route", "ch": "chemin"},
    "es": {"c/": "calle", "av": "avenida", "avda": "avenida", "pza": "plaza", "n.º": "número"},
    "it": {"v": "via", "p.za": "piazza", "c.so": "corso", "v.le": "viale", "n": "numero"},
    "pt": {"r": "rua", "av": "avenida", "pç": "praça", "n.º": "número"},
}


def said_unit(text: str, language: str) -> str | None:
    """`1/2inch`, `12km`, `5%` or `meter` in words; None for what is no measure we can name."""
    found = _UNIT.fullmatch(text.strip())
    if not found:
        return None
    unit = found[2].rstrip(".").lower()
    unit = _ALSO.get(unit, unit)
    spoken = primary(language)
    if unit not in _NAMES or spoken not in _LANGUAGES:
        return None
    one, many = _one_and_many(_NAMES[unit].split()[_LANGUAGES.index(spoken)])
    number = found[1].strip()
    if not number:
        return one
    gender = Gender.FEMININE if unit in _FEMININE.get(spoken, ()) else Gender.MASCULINE
    if number.isdigit() and len(number) <= 15:
        count = int(number)
        return f"{counted(count, language, gender)} {one if count == 1 else many}"
    if part := fraction(number, language, gender):
        whole = "/" not in number or bool(re.match(r"\d+[\s½⅓⅔¼¾⅛⅜]", number))
        return f"{part} {many if whole else one}"
    return f"{cardinal(number, language)} {many}"


def said_address(text: str, language: str) -> str:
    """A part of an address, its abbreviations in full and long figures (a postcode) one by one."""
    streets = _STREETS.get(primary(language), {})
    words = []
    for place, word in enumerate(text.split()):
        bare = word.rstrip(".,").lower()
        comma = "," if word.endswith(",") else ""
        if re.fullmatch(r"[0-9]{5,}|[0-9]{5}-[0-9]{4}", bare):
            words.append(" ".join(bare.replace("-", "")) + comma)
        elif bare in streets and (place or not bare.isalpha()):
            words.append(streets[bare] + comma)
        elif primary(language) == "de" and bare.endswith("str") and len(bare) > 3:
            words.append(word.rstrip(".,") + "aße" + comma)
        else:
            words.append(word)
    return " ".join(words)


def _one_and_many(written: str) -> tuple[str, str]:
    one, _, many = written.replace("_", " ").partition("/")
    return one, one + many if many in ("", "s", "es", "n") else many
