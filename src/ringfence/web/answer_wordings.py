"""What the page behind a link says, in each language that our calls speak."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AnswerWording:
    """The words of a language. `{...}` are filled in as plain text."""

    title: str
    question: str
    payment: str
    merchant: str
    card: str
    reference: str
    yes: str
    no: str
    never: str
    confirmed: str
    blocked: str
    next_steps: str
    closed: str
    not_trusted: str
    unknown: str


_ENGLISH = AnswerWording(
    title="Was this payment yours?",
    question="{bank} would like to check a payment with your card.",
    payment="Payment",
    merchant="At",
    card="Card ending in",
    reference="Reference",
    yes="Yes, it was me",
    no="No, block my card",
    never="We never ask for your PIN, password, one-time code or card number.",
    confirmed="Thank you. We have noted that it was you, and there is nothing more to do.",
    blocked="Thank you. Your card is now blocked.",
    next_steps="Please call the number on the back of your card for what happens next.",
    closed="This question has been answered. If you are in doubt, please call the number on the "
    "back of your card.",
    not_trusted="Thank you. A colleague will look at this and may call you. Until then, nothing "
    "changes.",
    unknown="This link is no longer valid. Please call the number on the back of your card.",
)
_WORDINGS: Mapping[str, AnswerWording] = {
    "en": _ENGLISH,
    "de": AnswerWording(
        title="War das Ihre Zahlung?",
        question="{bank} möchte eine Zahlung mit Ihrer Karte prüfen.",
        payment="Zahlung",
        merchant="Bei",
        card="Karte mit Endziffern",
        reference="Referenz",
        yes="Ja, das war ich",
        no="Nein, Karte sperren",
        never="Wir fragen nie nach PIN, Passwort, Einmalcode oder Kartennummer.",
        confirmed="Danke. Wir haben notiert, dass Sie es waren. Mehr ist nicht zu tun.",
        blocked="Danke. Ihre Karte ist jetzt gesperrt.",
        next_steps="Bitte rufen Sie die Nummer auf der Rückseite Ihrer Karte an, um zu erfahren, "
        "wie es weitergeht.",
        closed="Diese Frage ist beantwortet. Im Zweifel rufen Sie bitte die Nummer auf der "
        "Rückseite Ihrer Karte an.",
        not_trusted="Danke. Jemand von uns sieht sich das an und ruft Sie vielleicht an. Bis dahin "
        "ändert sich nichts.",
        unknown="Dieser Link gilt nicht mehr. Bitte rufen Sie die Nummer auf der Rückseite Ihrer "
        "Karte an.",
    ),
    "fr": AnswerWording(
        title="Ce paiement est-il le vôtre ?",
        question="{bank} souhaite vérifier un paiement avec votre carte.",
        payment="Paiement",
        merchant="Chez",
        card="Carte se terminant par",
        reference="Référence",
        yes="Oui, c'était moi",
        no="Non, bloquer ma carte",
        never="Nous ne demandons jamais votre code secret, votre mot de passe, un code à usage "
        "unique ou votre numéro de carte.",
        confirmed="Merci. Nous avons noté que c'était vous, et vous n'avez rien d'autre à faire.",
        blocked="Merci. Votre carte est maintenant bloquée.",
        next_steps="Veuillez appeler le numéro au dos de votre carte pour la suite.",
        closed="Cette question a reçu une réponse. En cas de doute, veuillez appeler le numéro au "
        "dos de votre carte.",
        not_trusted="Merci. L'un de nous va regarder et vous appellera peut-être. D'ici là, rien "
        "ne change.",
        unknown="Ce lien n'est plus valable. Veuillez appeler le numéro au dos de votre carte.",
    ),
    "es": AnswerWording(
        title="¿Este pago es suyo?",
        question="{bank} quiere comprobar un pago con su tarjeta.",
        payment="Pago",
        merchant="En",
        card="Tarjeta terminada en",
        reference="Referencia",
        yes="Sí, fui yo",
        no="No, bloquear mi tarjeta",
        never="Nunca le pediremos su PIN, su contraseña, un código de un solo uso ni el número de "
        "su tarjeta.",
        confirmed="Gracias. Hemos anotado que era usted, y no tiene que hacer nada más.",
        blocked="Gracias. Su tarjeta está bloqueada.",
        next_steps="Llame al número del reverso de su tarjeta para saber qué ocurre ahora.",
        closed="Esta pregunta ya tiene respuesta. Si tiene dudas, llame al número del reverso de "
        "su tarjeta.",
        not_trusted="Gracias. Una persona lo revisará y quizá le llame. Hasta entonces no cambia "
        "nada.",
        unknown="Este enlace ya no es válido. Llame al número del reverso de su tarjeta.",
    ),
    "it": AnswerWording(
        title="Questo pagamento è suo?",
        question="{bank} vuole verificare un pagamento con la sua carta.",
        payment="Pagamento",
        merchant="Presso",
        card="Carta che termina con",
        reference="Riferimento",
        yes="Sì, sono stato io",
        no="No, blocchi la carta",
        never="Non le chiederemo mai il PIN, la password, un codice monouso o il numero della "
        "carta.",
        confirmed="Grazie. Abbiamo annotato che il pagamento è suo, e non deve fare altro.",
        blocked="Grazie. La sua carta è ora bloccata.",
        next_steps="Chiami il numero sul retro della carta per sapere come si procede.",
        closed="Questa domanda ha già una risposta. In caso di dubbio chiami il numero sul retro "
        "della carta.",
        not_trusted="Grazie. Una persona lo esaminerà e potrebbe chiamarla. Fino ad allora non "
        "cambia nulla.",
        unknown="Questo link non è più valido. Chiami il numero sul retro della carta.",
    ),
    "pt": AnswerWording(
        title="Este pagamento é seu?",
        question="{bank} quer verificar um pagamento com o seu cartão.",
        payment="Pagamento",
        merchant="Em",
        card="Cartão terminado em",
        reference="Referência",
        yes="Sim, fui eu",
        no="Não, bloquear o meu cartão",
        never="Nunca pedimos o seu PIN, a sua palavra-passe, um código de utilização única ou o "
        "número do cartão.",
        confirmed="Obrigado. Registámos que o pagamento é seu, e não precisa de fazer mais nada.",
        blocked="Obrigado. O seu cartão está agora bloqueado.",
        next_steps="Ligue para o número no verso do cartão para saber o que se segue.",
        closed="Esta pergunta já foi respondida. Em caso de dúvida, ligue para o número no verso "
        "do cartão.",
        not_trusted="Obrigado. Uma pessoa vai verificar e poderá ligar-lhe. Até lá nada muda.",
        unknown="Esta ligação já não é válida. Ligue para o número no verso do cartão.",
    ),
}


def wording(language: str) -> tuple[str, AnswerWording]:
    """The language that is spoken (`de` of `de-CH`, `en` of one that we do not speak), and its
    words."""
    primary = language.lower().partition("-")[0]
    return (primary, _WORDINGS[primary]) if primary in _WORDINGS else ("en", _ENGLISH)
