"""What an SMS about a payment says, in each language: at most 160 characters, all of GSM 03.38.

Such a text is one message of the exemption for fraud alerts (47 CFR 64.1200(a)(9)(iii)): who
writes, only the alert, how to stop. An amount or a merchant that would make it longer is left out.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

LONGEST = 160

# The default alphabet of GSM 03.38 (3GPP TS 23.038, 6.2.1), without what needs an escape: a
# character outside of it makes an SMS of 160 characters one of 70.
_GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)


@dataclass(frozen=True, slots=True)
class Wording:
    """The texts of a language. `{...}` are the attributes of a case, in their plain form."""

    question: str
    link: str
    blocked: str
    confirmed: str
    not_trusted: str
    stopped: str
    unclear: str
    late: str


_ENGLISH = Wording(
    question="{bank}: did you pay {payment} with card {card}? Reply 1 yes, 2 no. Ref {reference}. "
    "STOP ends",
    link="{bank}: please check a payment with card {card}: {link} Ref {reference}. STOP ends",
    blocked="{bank}: your card {card} is blocked. Ref {reference}. Please call the number on "
    "your card.",
    confirmed="{bank}: thank you, we have noted that it was you. Ref {reference}.",
    not_trusted="{bank}: thank you. A colleague will look at this and may call you. Your card "
    "stays as it is until then. Ref {reference}.",
    stopped="{bank}: we send you no more texts about payments.",
    unclear="{bank}: reply 1 if you made the payment, 2 if not. Ref {reference}. Or call the "
    "number on your card.",
    late="{bank}: this question is closed. Please call the number on your card.",
)
_WORDINGS: Mapping[str, Wording] = {
    "en": _ENGLISH,
    "de": Wording(
        question="{bank}: Haben Sie {payment} mit Karte {card} bezahlt? Antwort 1 ja, 2 nein. "
        "Ref {reference}. STOP beendet",
        link="{bank}: Bitte prüfen Sie eine Zahlung mit Karte {card}: {link} Ref {reference}. "
        "STOP beendet",
        blocked="{bank}: Ihre Karte {card} ist gesperrt. Ref {reference}. Bitte rufen Sie die "
        "Nummer auf der Karte an.",
        confirmed="{bank}: Danke, wir haben notiert, dass Sie es waren. Ref {reference}.",
        not_trusted="{bank}: Danke. Jemand von uns sieht sich das an und ruft vielleicht an. Bis "
        "dahin ändert sich nichts. Ref {reference}.",
        stopped="{bank}: Sie erhalten keine SMS zu Zahlungen mehr.",
        unclear="{bank}: Antworten Sie 1, wenn Sie bezahlt haben, sonst 2. Ref {reference}. Oder "
        "rufen Sie die Nummer auf der Karte an.",
        late="{bank}: Diese Frage ist erledigt. Bitte rufen Sie die Nummer auf der Karte an.",
    ),
    "fr": Wording(
        question="{bank}: avez-vous payé {payment} avec la carte {card}? Répondez 1 oui, 2 non. "
        "Ref {reference}. STOP arrête",
        link="{bank}: vérifiez un paiement avec la carte {card}: {link} Ref {reference}. STOP "
        "arrête",
        blocked="{bank}: votre carte {card} est bloquée. Ref {reference}. Appelez le numéro au "
        "dos de la carte.",
        confirmed="{bank}: merci, nous avons noté que c'était vous. Ref {reference}.",
        not_trusted="{bank}: merci. L'un de nous va regarder et vous appellera peut-être. D'ici "
        "là, rien ne change. Ref {reference}.",
        stopped="{bank}: vous ne recevrez plus de SMS sur vos paiements.",
        unclear="{bank}: répondez 1 si vous avez payé, sinon 2. Ref {reference}. Ou appelez le "
        "numéro au dos de la carte.",
        late="{bank}: cette question est close. Appelez le numéro au dos de la carte.",
    ),
    "es": Wording(
        question="{bank}: ¿ha pagado {payment} con la tarjeta {card}? Responda 1 sí, 2 no. "
        "Ref {reference}. STOP termina",
        link="{bank}: revise un pago con la tarjeta {card}: {link} Ref {reference}. STOP termina",
        blocked="{bank}: su tarjeta {card} está bloqueada. Ref {reference}. Llame al número de "
        "su tarjeta.",
        confirmed="{bank}: gracias, hemos anotado que era usted. Ref {reference}.",
        not_trusted="{bank}: gracias. Una persona lo revisará y quizá le llame. Hasta entonces no "
        "cambia nada. Ref {reference}.",
        stopped="{bank}: no le enviaremos más SMS sobre pagos.",
        unclear="{bank}: responda 1 si ha pagado, 2 si no. Ref {reference}. O llame al número "
        "de su tarjeta.",
        late="{bank}: esta pregunta está cerrada. Llame al número de su tarjeta.",
    ),
    "it": Wording(
        question="{bank}: ha pagato {payment} con la carta {card}? Risponda 1 sì, 2 no. "
        "Ref {reference}. STOP termina",
        link="{bank}: verifichi un pagamento con la carta {card}: {link} Ref {reference}. STOP "
        "termina",
        blocked="{bank}: la sua carta {card} è bloccata. Ref {reference}. Chiami il numero sul "
        "retro della carta.",
        confirmed="{bank}: grazie, abbiamo annotato che è stato lei. Ref {reference}.",
        not_trusted="{bank}: grazie. Una persona lo esaminerà e potrebbe chiamarla. Fino ad "
        "allora non cambia nulla. Ref {reference}.",
        stopped="{bank}: non riceverà altri SMS sui pagamenti.",
        unclear="{bank}: risponda 1 se ha pagato, 2 se no. Ref {reference}. O chiami il numero "
        "sul retro della carta.",
        late="{bank}: questa domanda è chiusa. Chiami il numero sul retro della carta.",
    ),
    "pt": Wording(
        question="{bank}: pagou {payment} com o cartão {card}? Responda 1 sim, 2 não. "
        "Ref {reference}. STOP termina",
        link="{bank}: verifique um pagamento com o cartão {card}: {link} Ref {reference}. STOP "
        "termina",
        blocked="{bank}: o seu cartão {card} está bloqueado. Ref {reference}. Ligue para o "
        "número do cartão.",
        confirmed="{bank}: obrigado, registámos que o pagamento foi seu. Ref {reference}.",
        not_trusted="{bank}: obrigado. Uma pessoa vai verificar e poderá ligar-lhe. Até lá nada "
        "muda. Ref {reference}.",
        stopped="{bank}: não enviaremos mais SMS sobre pagamentos.",
        unclear="{bank}: responda 1 se pagou, 2 se não. Ref {reference}. Ou ligue para o número "
        "do cartão.",
        late="{bank}: esta pergunta está encerrada. Ligue para o número do cartão.",
    ),
}
# What stands for a payment of which neither amount nor merchant is told.
_PAYMENT = {"en": "by card", "de": "etwas", "fr": "un achat", "es": "algo", "it": "qualcosa"}
_AT = {"en": "at", "de": "bei", "fr": "chez", "es": "en", "it": "da", "pt": "em"}


def text_of(kind: str, language: str, attributes: Mapping[str, str], link: str = "") -> str:
    """The SMS of a `kind` (a field of `Wording`) about a case with these attributes.

    `language` is a tag; one that we have no words for is answered in English. At most 160
    characters of the alphabet of GSM, as long as bank, reference and link leave room.
    """
    primary = language.lower().partition("-")[0]
    known = primary if primary in _WORDINGS else "en"
    template: str = getattr(_WORDINGS[known], kind)
    facts = {
        "bank": attributes.get("Bank", ""),
        "card": attributes.get("CardNo", ""),
        "reference": attributes.get("Reference", ""),
        "link": link,
    }
    text = ""
    for payment in _payments(known, attributes):
        text = gsm(template.format(**facts, payment=payment))
        if len(text) <= LONGEST:
            return text
    return text


def gsm(text: str) -> str:
    """`text` in the alphabet of GSM: an `á` becomes an `a`, what has no letter near it a `?`."""
    return "".join(sign if sign in _GSM else _near(sign) for sign in text)


def _near(sign: str) -> str:
    plain = "".join(each for each in unicodedata.normalize("NFKD", sign) if each in _GSM)
    return plain or ("-" if sign in "–—" else "'" if sign in "‘’" else "?")


def _payments(language: str, attributes: Mapping[str, str]) -> list[str]:
    """How a payment is called, from the longest to the shortest."""
    amount = f"{attributes.get('Currency', '')} {attributes.get('Amount', '')}".strip()
    amount = amount if attributes.get("Amount") else ""
    merchant = attributes.get("Merchant", "")
    if "?" in gsm(merchant).replace("?", "", merchant.count("?")):
        merchant = ""  # in letters that no SMS of 160 characters has
    plain = _PAYMENT.get(language, "por cartão")
    at = f"{_AT[language]} {merchant}" if merchant else ""
    full = " ".join(part for part in (amount, at) if part)
    return [each for each in (full, amount, plain) if each]
