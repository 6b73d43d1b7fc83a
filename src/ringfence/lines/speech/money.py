"""Amounts of money, as people say them: `EUR 4155.00` is "4155 euros".

The number itself is left in figures, because the speech engine reads figures in every language;
what it does not do is put the currency after the amount, name it, and part it from the cents.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ringfence.lines.speech.numbers import Gender, counted, of_before


class Names(NamedTuple):
    """One unit and many, of a currency and of its hundredth (or thousandth)."""

    one: str
    many: str
    minor_one: str = ""
    minor_many: str = ""
    gender: Gender = Gender.MASCULINE
    minor_gender: Gender = Gender.MASCULINE


# Minor digits by ISO 4217, where they are not two.
_MINOR_DIGITS = {
    **dict.fromkeys(("JPY", "KRW", "CLP", "VND", "ISK", "PYG", "UGX", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}
_SYMBOLS = {"$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR", "₩": "KRW", "₺": "TRY"}

_DOLLAR, _CENT = ("dollar", "dollars"), ("cent", "cents")
_FEMININE = Gender.FEMININE
_NAMES: dict[str, dict[str, Names]] = {
    "en": {
        "USD": Names(*_DOLLAR, *_CENT),
        "EUR": Names("euro", "euros", *_CENT),
        "GBP": Names("pound", "pounds", "penny", "pence"),
        "CHF": Names("Swiss franc", "Swiss francs", "centime", "centimes"),
        "JPY": Names("yen", "yen"),
        "CAD": Names("Canadian dollar", "Canadian dollars", *_CENT),
        "AUD": Names("Australian dollar", "Australian dollars", *_CENT),
        "NZD": Names("New Zealand dollar", "New Zealand dollars", *_CENT),
        "SGD": Names("Singapore dollar", "Singapore dollars", *_CENT),
        "HKD": Names("Hong Kong dollar", "Hong Kong dollars", *_CENT),
        "CNY": Names("yuan", "yuan", "fen", "fen"),
        "INR": Names("rupee", "rupees", "paisa", "paise"),
        "KRW": Names("won", "won"),
        "SEK": Names("Swedish krona", "Swedish kronor", "öre", "öre"),
        "NOK": Names("Norwegian krone", "Norwegian kroner", "øre", "øre"),
        "DKK": Names("Danish krone", "Danish kroner", "øre", "øre"),
        "PLN": Names("zloty", "zlotys", "grosz", "groszy"),
        "CZK": Names("Czech koruna", "Czech koruna", "haler", "halers"),
        "HUF": Names("forint", "forints", "filler", "fillers"),
        "RON": Names("leu", "lei", "ban", "bani"),
        "BGN": Names("lev", "leva", "stotinka", "stotinki"),
        "TRY": Names("Turkish lira", "Turkish lira", "kurus", "kurus"),
        "ILS": Names("shekel", "shekels", "agora", "agorot"),
        "AED": Names("dirham", "dirhams", "fils", "fils"),
        "SAR": Names("riyal", "riyals", "halala", "halalas"),
        "KWD": Names("dinar", "dinars", "fils", "fils"),
        "ZAR": Names("rand", "rand", *_CENT),
        "NGN": Names("naira", "naira", "kobo", "kobo"),
        "KES": Names("shilling", "shillings", *_CENT),
        "EGP": Names("Egyptian pound", "Egyptian pounds", "piastre", "piastres"),
        "BRL": Names("real", "reais", "centavo", "centavos"),
        "MXN": Names("Mexican peso", "Mexican pesos", "centavo", "centavos"),
        "ARS": Names("Argentine peso", "Argentine pesos", "centavo", "centavos"),
        "CLP": Names("Chilean peso", "Chilean pesos"),
        "COP": Names("Colombian peso", "Colombian pesos", "centavo", "centavos"),
        "THB": Names("baht", "baht", "satang", "satang"),
        "IDR": Names("rupiah", "rupiah", "sen", "sen"),
        "MYR": Names("ringgit", "ringgit", "sen", "sen"),
        "PHP": Names("Philippine peso", "Philippine pesos", "centavo", "centavos"),
    },
    "de": {
        "EUR": Names("Euro", "Euro", "Cent", "Cent"),
        "USD": Names("Dollar", "Dollar", "Cent", "Cent"),
        "GBP": Names("Pfund", "Pfund", "Penny", "Pence"),
        "CHF": Names("Franken", "Franken", "Rappen", "Rappen"),
        "JPY": Names("Yen", "Yen"),
        "CAD": Names("kanadischer Dollar", "kanadische Dollar", "Cent", "Cent"),
        "AUD": Names("australischer Dollar", "australische Dollar", "Cent", "Cent"),
        "CNY": Names("Yuan", "Yuan", "Fen", "Fen", minor_gender=_FEMININE),
        "INR": Names("Rupie", "Rupien", "Paisa", "Paise", _FEMININE),
        "SEK": Names("schwedische Krone", "schwedische Kronen", "Öre", "Öre", _FEMININE),
        "NOK": Names("norwegische Krone", "norwegische Kronen", "Øre", "Øre", _FEMININE),
        "DKK": Names("dänische Krone", "dänische Kronen", "Øre", "Øre", _FEMININE),
        "PLN": Names("Zloty", "Zloty", "Grosz", "Grosz"),
        "CZK": Names("tschechische Krone", "tschechische Kronen", "Heller", "Heller", _FEMININE),
        "HUF": Names("Forint", "Forint", "Filler", "Filler"),
        "TRY": Names("türkische Lira", "türkische Lira", "Kurus", "Kurus", _FEMININE),
        "BRL": Names("Real", "Real", "Centavo", "Centavos"),
        "MXN": Names("mexikanischer Peso", "mexikanische Pesos", "Centavo", "Centavos"),
    },
    "fr": {
        "EUR": Names("euro", "euros", "centime", "centimes"),
        "USD": Names("dollar", "dollars", *_CENT),
        "GBP": Names("livre", "livres", "penny", "pence", _FEMININE),
        "CHF": Names("franc suisse", "francs suisses", "centime", "centimes"),
        "CAD": Names("dollar canadien", "dollars canadiens", *_CENT),
        "AUD": Names("dollar australien", "dollars australiens", *_CENT),
        "JPY": Names("yen", "yens"),
        "CNY": Names("yuan", "yuans", "fen", "fens"),
        "INR": Names("roupie", "roupies", "paisa", "paisas", _FEMININE),
        "SEK": Names("couronne suédoise", "couronnes suédoises", "öre", "öre", _FEMININE),
        "NOK": Names("couronne norvégienne", "couronnes norvégiennes", "øre", "øre", _FEMININE),
        "DKK": Names("couronne danoise", "couronnes danoises", "øre", "øre", _FEMININE),
        "PLN": Names("zloty", "zlotys", "grosz", "grosz"),
        "CZK": Names("couronne tchèque", "couronnes tchèques", "haléř", "haléřů", _FEMININE),
        "TRY": Names("livre turque", "livres turques", "kuruş", "kuruş", _FEMININE),
        "BRL": Names("réal", "réaux", "centavo", "centavos"),
        "MXN": Names("peso mexicain", "pesos mexicains", "centavo", "centavos"),
    },
    "es": {
        "EUR": Names("euro", "euros", "céntimo", "céntimos"),
        "USD": Names("dólar", "dólares", "centavo", "centavos"),
        "GBP": Names("libra", "libras", "penique", "peniques", _FEMININE),
        "CHF": Names("franco suizo", "francos suizos", "céntimo", "céntimos"),
        "JPY": Names("yen", "yenes"),
        "CAD": Names("dólar canadiense", "dólares canadienses", "centavo", "centavos"),
        "AUD": Names("dólar australiano", "dólares australianos", "centavo", "centavos"),
        "CNY": Names("yuan", "yuanes", "fen", "fenes"),
        "INR": Names("rupia", "rupias", "paisa", "paisas", _FEMININE, _FEMININE),
        "SEK": Names("corona sueca", "coronas suecas", "öre", "öre", _FEMININE),
        "NOK": Names("corona noruega", "coronas noruegas", "øre", "øre", _FEMININE),
        "DKK": Names("corona danesa", "coronas danesas", "øre", "øre", _FEMININE),
        "PLN": Names("esloti", "eslotis", "grosz", "groszy"),
        "CZK": Names("corona checa", "coronas checas", "haléř", "haléřů", _FEMININE),
        "TRY": Names("lira turca", "liras turcas", "kurus", "kurus", _FEMININE),
        "BRL": Names("real", "reales", "centavo", "centavos"),
        "MXN": Names("peso", "pesos", "centavo", "centavos"),
        "ARS": Names("peso argentino", "pesos argentinos", "centavo", "centavos"),
        "CLP": Names("peso chileno", "pesos chilenos"),
        "COP": Names("peso colombiano", "pesos colombianos", "centavo", "centavos"),
    },
    "it": {
        "EUR": Names("euro", "euro", "centesimo", "centesimi"),
        "USD": Names("dollaro", "dollari", "centesimo", "centesimi"),
        "GBP": Names("sterlina", "sterline", "penny", "pence", _FEMININE),
        "CHF": Names("franco svizzero", "franchi svizzeri", "centesimo", "centesimi"),
        "JPY": Names("yen", "yen"),
        "CAD": Names("dollaro canadese", "dollari canadesi", "centesimo", "centesimi"),
        "AUD": Names("dollaro australiano", "dollari australiani", "centesimo", "centesimi"),
        "CNY": Names("yuan", "yuan", "fen", "fen"),
        "INR": Names("rupia", "rupie", "paisa", "paisa", _FEMININE, _FEMININE),
        "SEK": Names("corona svedese", "corone svedesi", "öre", "öre", _FEMININE),
        "NOK": Names("corona norvegese", "corone norvegesi", "øre", "øre", _FEMININE),
        "DKK": Names("corona danese", "corone danesi", "øre", "øre", _FEMININE),
        "PLN": Names("zloty", "zloty", "grosz", "groszy"),
        "CZK": Names("corona ceca", "corone ceche", "haléř", "haléřů", _FEMININE),
        "TRY": Names("lira turca", "lire turche", "kurus", "kurus", _FEMININE),
        "BRL": Names("real", "real", "centavo", "centavos"),
        "MXN": Names("peso messicano", "pesos messicani", "centavo", "centavos"),
    },
    "pt": {
        "EUR": Names("euro", "euros", "cêntimo", "cêntimos"),
        "BRL": Names("real", "reais", "centavo", "centavos"),
        "USD": Names("dólar", "dólares", "centavo", "centavos"),
        "GBP": Names("libra", "libras", "péni", "pence", _FEMININE),
        "CHF": Names("franco suíço", "francos suíços", "cêntimo", "cêntimos"),
        "JPY": Names("iene", "ienes"),
        "CAD": Names("dólar canadense", "dólares canadenses", "centavo", "centavos"),
        "AUD": Names("dólar australiano", "dólares australianos", "centavo", "centavos"),
        "CNY": Names("yuan", "yuans", "fen", "fens"),
        "INR": Names("rupia", "rupias", "paisa", "paisas", _FEMININE, _FEMININE),
        "SEK": Names("coroa sueca", "coroas suecas", "öre", "öre", _FEMININE),
        "NOK": Names("coroa norueguesa", "coroas norueguesas", "øre", "øre", _FEMININE),
        "DKK": Names("coroa dinamarquesa", "coroas dinamarquesas", "øre", "øre", _FEMININE),
        "PLN": Names("zloty", "zlotys", "grosz", "groszy"),
        "CZK": Names("coroa checa", "coroas checas", "haléř", "haléřů", _FEMININE),
        "TRY": Names("lira turca", "liras turcas", "kurus", "kurus", _FEMININE),
        "MXN": Names("peso mexicano", "pesos mexicanos", "centavo", "centavos"),
    },
    "nl": {
        "EUR": Names("euro", "euro", "cent", "cent"),
        "USD": Names("dollar", "dollar", "cent", "cent"),
        "GBP": Names("pond", "pond", "penny", "pence"),
    },
}
_AND = {"en": "and", "de": "und", "fr": "et", "es": "con", "it": "e", "pt": "e", "nl": "en"}
_MINUS = {"fr": "moins", "es": "menos", "it": "meno", "pt": "menos", "nl": "min"}

_CODES = sorted({code for names in _NAMES.values() for code in names})
_FIGURES = r"-?\d(?:[\d.,'’\u00a0\u202f]*\d)?"
_SIGN = "|".join([*_CODES, *(re.escape(symbol) for symbol in _SYMBOLS)])
_GAP = r"[ \u00a0\u202f]?"
_AMOUNT = re.compile(
    rf"(?<!\w)(?:(?P<before>{_SIGN}){_GAP}(?P<after_sign>{_FIGURES})"
    rf"|(?P<before_sign>{_FIGURES}){_GAP}(?P<after>{_SIGN}))(?!\w)"
)


def money(text: str, language: str) -> str | None:
    """How an amount such as `EUR 4155.00`, `$45.30` or `12,50 €` is said in `language`.

    None when `text` is not one amount with a currency we can name.
    """
    match = _AMOUNT.fullmatch(text.strip())
    return _said(match, language) if match else None


def with_money_said(text: str, language: str) -> str:
    """`text` with each amount of money in it written as it is said."""
    return _AMOUNT.sub(lambda match: _said(match, language) or match.group(), text)


def _said(match: re.Match[str], language: str) -> str | None:
    sign = match["before"] or match["after"]
    code = _SYMBOLS.get(sign, sign)
    primary = language.lower().replace("_", "-").partition("-")[0]
    names = _NAMES.get(primary, {}).get(code)
    if names is None and (names := _NAMES["en"].get(code)) is None:
        return None
    digits = _MINOR_DIGITS.get(code, 2)
    whole, minor = split_amount(match["after_sign"] or match["before_sign"], digits)
    parts = []
    if whole or not minor:
        noun = names.one if whole == 1 else names.many
        number = counted(whole, language, names.gender)
        parts.append(f"{number}{of_before(whole, language, noun)}{noun}")
    if minor:
        noun = names.minor_one if minor == 1 else names.minor_many
        parts.append(f"{counted(minor, language, names.minor_gender)} {noun}")
    below = (match["after_sign"] or match["before_sign"]).startswith("-")
    minus = f"{_MINUS.get(primary, 'minus')} " if below else ""
    return minus + f" {_AND.get(primary, '')} ".replace("  ", " ").join(parts)


def split_amount(figures: str, minor_digits: int) -> tuple[int, int]:
    """Whole and minor units of `4155.00`, `4.155,00`, `4 155` or `-1,234.5`, without the sign.

    The last point or comma parts the minor units when at most `minor_digits` figures follow it
    (always two are allowed: `100.00 JPY`); otherwise it groups thousands. Finer figures than the
    currency has are dropped.
    """
    bare = re.sub(r"[^\d.,]", "", figures)
    head, mark, tail = bare, "", ""
    position = max(bare.rfind("."), bare.rfind(","))
    if position >= 0:
        head, mark, tail = bare[:position], bare[position], bare[position + 1 :]
        grouping = len(tail) == 3 and minor_digits != 3
        if grouping or mark in head:
            head, tail = bare, ""
    whole = int(re.sub(r"\D", "", head) or "0")
    minor = int((tail + "000")[:minor_digits] or "0") if minor_digits else 0
    return whole, minor
