"""Who picks up in `bench.machines`: three synthesisers, and recorded people and voicemails.

The voices, sentences and recordings of the development set and of the test set are disjoint. What a
program or package that is not installed would have said is left out; `missing()` tells which.
"""

from __future__ import annotations

import shutil
import subprocess
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile

import numpy as np
from bench.telephone_sound import RATE, Sound, in_band, quiet

HELLO, NAME, BUSINESS = "hello", "hello and a name", "business greeting"
NETWORK, OWN, SHORT = "network's voicemail", "own voicemail", "short greeting, beep"

PROMPTS = Path("/usr/share/asterisk/sounds")
WORDS = Path("/usr/share/ktuberling/sounds")
MUSIC = Path("/usr/share/asterisk/moh")

# Which language, spoken by which program with which voice.
VOICES = {
    "development": [
        ("en", "espeak-ng", "en-us"), ("en", "espeak-ng", "en-gb"), ("en", "espeak-ng", "en-us+f3"),
        ("de", "espeak-ng", "de"), ("fr", "espeak-ng", "fr"), ("es", "espeak-ng", "es"),
        ("it", "espeak-ng", "it"), ("en", "flite", "awb"), ("en", "flite", "kal16"),
        ("it", "text2wave", "lp_diphone"), ("cs", "text2wave", "czech_machac"),
        ("fi", "text2wave", "hy_fi_mv_diphone"),
    ],
    "test": [
        ("en", "espeak-ng", "en-us+m3"), ("en", "espeak-ng", "en-gb-scotland"),
        ("en", "espeak-ng", "en-us+f4"), ("en", "espeak-ng", "en-gb-x-rp"),
        ("de", "espeak-ng", "de+f2"), ("fr", "espeak-ng", "fr+f2"), ("es", "espeak-ng", "es-419"),
        ("it", "espeak-ng", "it+f3"), ("nl", "espeak-ng", "nl"), ("pl", "espeak-ng", "pl"),
        ("en", "flite", "slt"), ("en", "flite", "rms"), ("en", "text2wave", "ked_diphone"),
        ("it", "text2wave", "pc_diphone"), ("cs", "text2wave", "czech_dita"),
        ("fi", "text2wave", "suo_fi_lj_diphone"), ("ca", "text2wave", "upc_ca_ona_hts"),
    ],
}  # fmt: skip

# What is said in each language; `|` is a pause of whoever recorded a greeting themselves.
LINES = {
    "development": {
        "en": {
            HELLO: ["Hello?", "Yes?", "Miller.", "Hi."],
            NAME: ["Hello, who is there?", "Peter Miller.", "John speaking, hello?"],
            BUSINESS: ["Good afternoon, Baker Plumbing, this is Tom, what can I do for you?",
                       "Thank you for calling the Corner Bakery, this is Mary speaking."],
            NETWORK: ["You have reached the voicemail of John Miller. Please leave a message.",
                      "The person you are calling is not available. Please speak now."],
            OWN: ["Hi, this is John.|I can't come to the phone right now.|Leave a message.",
                  "Hey,|you've reached Laura.|I'm out,|so leave your number.",
                  "This is Tom Baker's phone.|I am away until Monday.|Bye."],
            SHORT: ["Hi, leave a message.", "Tom here, after the beep."],
        },
        "de": {
            HELLO: ["Ja?"], NAME: ["Müller, guten Tag."],
            BUSINESS: ["Autohaus Krause, guten Tag, mein Name ist Peter Lange."],
            NETWORK: ["Hier ist die Mailbox von Anna Schmidt. "
                      "Bitte hinterlassen Sie eine Nachricht."],
            OWN: ["Hallo, hier ist Anna.|Ich bin gerade nicht da.|Bitte sprecht mir aufs Band."],
            SHORT: ["Bitte nach dem Ton sprechen."],
        },
        "fr": {
            HELLO: ["Allô?"], NAME: ["Allô, c'est qui?"],
            BUSINESS: ["Boulangerie Martin, bonjour, que puis-je faire pour vous?"],
            NETWORK: ["Bonjour, vous êtes bien sur le répondeur de Paul. Laissez un message."],
            OWN: ["Bonjour, c'est Paul.|Je ne suis pas là,|laissez-moi un message."],
            SHORT: ["C'est Paul, à vous."],
        },
        "es": {
            HELLO: ["¿Dígame?"], NAME: ["Sí, ¿quién es?"],
            BUSINESS: ["Talleres García, buenos días, le atiende Carmen, dígame."],
            NETWORK: ["Ha llamado al buzón de voz de María. Deje su mensaje después de la señal."],
            OWN: ["Hola, soy María.|Ahora no puedo hablar,|deja tu mensaje."],
            SHORT: ["Soy María, deja un mensaje."],
        },
        "it": {
            HELLO: ["Pronto?", "Sì?"], NAME: ["Pronto, sono Luca.", "Rossi, buongiorno."],
            BUSINESS: ["Studio Bianchi, buongiorno, sono Carla, in cosa posso aiutarla?"],
            NETWORK: ["Il cliente da lei chiamato non è al momento raggiungibile. "
                      "La preghiamo di richiamare."],
            OWN: ["Ciao,|sono Luca.|Adesso non posso rispondere,|lasciami un messaggio."],
            SHORT: ["Sono Luca, parla dopo il bip."],
        },
        "cs": {
            HELLO: ["Prosím?"], NAME: ["Novák, dobrý den."],
            BUSINESS: ["Dobrý den, autoservis Praha, jak vám mohu pomoci?"],
            NETWORK: ["Volaný účastník není dostupný. Zanechte prosím vzkaz po zaznění tónu."],
            OWN: ["Ahoj, tady Petr.|Teď nemohu mluvit,|nechte mi vzkaz."],
            SHORT: ["Tady Petr, mluvte."],
        },
        "fi": {
            HELLO: ["Haloo?"], NAME: ["Virtanen puhelimessa."],
            BUSINESS: ["Hyvää päivää, Virtasen kukkakauppa, miten voin auttaa?"],
            NETWORK: ["Tavoittelemaanne henkilöön ei saada yhteyttä. "
                      "Jättäkää viesti äänimerkin jälkeen."],
            OWN: ["Moi, täällä Matti.|En pääse puhelimeen,|jätä viesti."],
            SHORT: ["Matti tässä, jätä viesti."],
        },
    },
    "test": {
        "en": {
            HELLO: ["Good morning.", "Speaking.", "Hello, yes?", "Yeah?", "Hello.", "Jones."],
            NAME: ["Hello, this is Sarah.", "Aye, hello, who is it?", "Anna Clark here."],
            BUSINESS: ["Good morning, Schmidt and Partners, Anna speaking, how can I help?",
                       "Riverside Dental Practice, you're through to Claire.",
                       "City Hardware, Dave here, how may I direct your call?"],
            NETWORK: ["Your call has been forwarded to an automated voice messaging system.",
                      "5 5 5, 0 1 4 2, is not available. Record your message at the tone."],
            OWN: ["Hello, you have called Sarah.|I'm not around at the moment.|Please try later.",
                  "Hi!|It's Dave and Claire.|We're out with the dog.|Speak after the tone.",
                  "Sorry I missed your call.|Tell me who you are|and I will ring you back.",
                  "Hey there, James can't talk just now.|You know what to do."],
            SHORT: ["Not here. Go ahead.", "It's Dave. Talk to me."],
        },
        "de": {
            HELLO: ["Hallo?"], NAME: ["Ja, hallo, wer ist da?"],
            BUSINESS: ["Praxis Doktor Weber, Sie sprechen mit Frau Klein, "
                       "was kann ich für Sie tun?"],
            NETWORK: ["Der gewünschte Gesprächspartner ist zurzeit nicht erreichbar."],
            OWN: ["Guten Tag, Sie haben Familie Weber erreicht.|Wir sind nicht zu Hause.|Danke."],
            SHORT: ["Weber, Nachricht bitte."],
        },
        "fr": {
            HELLO: ["Oui?"], NAME: ["Oui, bonjour?"],
            BUSINESS: ["Cabinet Laurent, Sophie à votre écoute, bonjour."],
            NETWORK: ["Votre correspondant n'est pas disponible, veuillez laisser un message."],
            OWN: ["Salut, vous avez demandé Sophie.|Je rappelle dès que possible.|Merci."],
            SHORT: ["Parlez après le bip."],
        },
        "es": {
            HELLO: ["¿Bueno?"], NAME: ["Aló, habla Pedro."],
            BUSINESS: ["Farmacia Central, muy buenas tardes, en qué le puedo servir."],
            NETWORK: ["El número que usted marcó no está disponible en este momento."],
            OWN: ["Buenas, habla Pedro.|No me encuentro en casa,|llámame más tarde."],
            SHORT: ["Habla después del tono."],
        },
        "it": {
            HELLO: ["Chi è?", "Ehilà."], NAME: ["Sì, chi parla?", "Ferrari, mi dica."],
            BUSINESS: ["Ristorante da Gino, buonasera, vuole prenotare un tavolo?"],
            NETWORK: ["Risponde la segreteria telefonica, lasciate un messaggio dopo il segnale."],
            OWN: ["Salve,|avete chiamato la famiglia Ferrari.|Siamo fuori,|richiamate domani."],
            SHORT: ["Non ci sono, dite pure."],
        },
        "nl": {
            HELLO: ["Hallo?"], NAME: ["Met Jansen."],
            BUSINESS: ["Goedemorgen, bakkerij de Vries, met Els, waarmee kan ik u helpen?"],
            NETWORK: ["Dit is de voicemail van de familie Jansen, "
                      "spreek uw bericht in na de toon."],
            OWN: ["Hoi, dit is Els.|Ik ben er even niet,|probeer het later nog eens."],
            SHORT: ["Els hier, na de piep."],
        },
        "pl": {
            HELLO: ["Słucham?"], NAME: ["Halo, słucham?"],
            BUSINESS: ["Dzień dobry, kancelaria Nowak, w czym mogę pomóc?"],
            NETWORK: ["Abonent jest czasowo niedostępny. Prosimy zostawić wiadomość po sygnale."],
            OWN: ["Cześć, tu Marek.|Nie mogę teraz odebrać,|zostaw wiadomość."],
            SHORT: ["Tu Marek, mów."],
        },
        "cs": {
            HELLO: ["Haló?"], NAME: ["Haló, kdo volá?"],
            BUSINESS: ["Květinářství Růže, u telefonu Jana, co pro vás mohu udělat?"],
            NETWORK: ["Dovolali jste se do hlasové schránky. Po zaznění signálu mluvte."],
            OWN: ["Zdravím, tady Jana.|Zavolám vám zpátky,|jen co to půjde."],
            SHORT: ["Jana, po pípnutí."],
        },
        "fi": {
            HELLO: ["No moi."], NAME: ["Korhonen, hei."],
            BUSINESS: ["Korhosen autokorjaamo, Liisa puhelimessa, mitä saisi olla?"],
            NETWORK: ["Olette soittaneet vastaajaan. Voitte puhua merkkiäänen kuultuanne."],
            OWN: ["Terve, tämä on Liisan vastaaja.|Soitan takaisin,|kun ehdin."],
            SHORT: ["Liisa. Puhu nyt."],
        },
        "ca": {
            HELLO: ["Digui?"], NAME: ["Sí, qui és?"],
            BUSINESS: ["Fusteria Puig, bon dia, l'atén la Marta, digui."],
            NETWORK: ["Aquest telèfon està apagat o fora de cobertura en aquest moment."],
            OWN: ["Hola, sóc la Marta.|Ara no hi sóc,|deixa'm un missatge."],
            SHORT: ["Marta, digues."],
        },
    },
}  # fmt: skip

# Voicemail prompts that Asterisk plays, recorded by one speaker each.
RECORDED_MACHINES = {
    "development": ["en_US_f_Allison", "it_IT_m_Carlo", "es_MX_f_Allison"],
    "test": ["fr_CA_f_June", "it_IT_f_Menardi", "ru_RU_f_IvrvoiceRU", "es"],
}
GREETINGS = [
    ["vm-theperson", "digits/5", "digits/4", "vm-isunavail", "vm-intro"],
    ["vm-theperson", "digits/7", "digits/2", "vm-isonphone", "vm-intro"],
    ["vm-intro"],
]
# Single words that volunteers recorded at home for a children's game, by language.
RECORDED_PERSONS = {
    "development": ["de", "fr", "es", "it", "nl", "ru", "ca", "el"],
    "test": ["en", "da", "fi", "gl", "sl", "sr", "uk", "wa", "lt", "pt"],
}
RECORDED_WORDS = 4  # of each
# Not all voices say all: one person in twenty picks up with the greeting of a business.
EVERY = {BUSINESS: 3, SHORT: 2}
NEEDED = {
    "espeak-ng": "espeak-ng", "flite": "flite",
    "text2wave": "festival, festvox-italp16k, festvox-itapc16k, festvox-kdlpc16k, festival-czech, "
    "festvox-czech-machac, festvox-czech-dita, festvox-suopuhe-mv, festvox-suopuhe-lj, "
    "festival-ca, festvox-ca-ona-hts",
    "sox": "sox, libsox-fmt-base",
    str(PROMPTS / "en_US_f_Allison"): "asterisk-core-sounds-en-wav, asterisk-core-sounds-es-wav, "
    "asterisk-core-sounds-fr-wav, asterisk-core-sounds-it-wav, asterisk-core-sounds-ru-wav, "
    "asterisk-prompt-es-co",
    str(WORDS / "de"): "ktuberling-data", str(MUSIC): "asterisk-moh-opsound-wav",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Speech:
    """What one voice says, in parts between which it pauses; each part's RMS is 1."""

    kind: str
    parts: tuple[Sound, ...]
    recorded: bool = False


def missing() -> list[str]:
    """The Debian packages that the whole material needs and that are not installed."""
    return [
        packages
        for what, packages in NEEDED.items()
        if not (Path(what).exists() if "/" in what else shutil.which(what))
    ]


def voices(which: str) -> Iterator[Speech]:
    """All that is said in the `development` or `test` set."""
    random = np.random.default_rng(len(which))
    for number, (language, program, voice) in enumerate(VOICES[which]):
        if not shutil.which(program):
            continue
        for kind, lines in LINES[which][language].items():
            if number % EVERY.get(kind, 1):
                continue
            words_per_minute = int(random.choice([140, 175, 210]))
            parts = lines[number % len(lines)].split("|")
            said = [_spoken(program, voice, part, words_per_minute) for part in parts]
            yield Speech(kind, tuple(said))
    if not shutil.which("sox"):
        return
    for speaker in RECORDED_MACHINES[which]:
        for names in GREETINGS:
            found = [path for name in names for path in (PROMPTS / speaker).glob(f"{name}.*")]
            if found:
                yield Speech(NETWORK, (np.concatenate(list(map(_recorded, found))),), True)
    for language in RECORDED_PERSONS[which]:
        files = sorted((WORDS / language).glob("*.*"))
        for chosen in random.permutation(len(files))[:RECORDED_WORDS]:
            yield Speech(HELLO, (_trimmed(_recorded(files[chosen])),), True)


def music(which: str) -> list[Sound]:
    """Recorded music; none when it is not installed."""
    files = sorted(MUSIC.glob("*.wav")) if shutil.which("sox") else []
    return list(map(_recorded, files[:3] if which == "development" else files[3:]))


def _spoken(program: str, voice: str, words: str, words_per_minute: int) -> Sound:
    stretch = 175 / words_per_minute
    if program == "espeak-ng":
        command = [program, "-v", voice, "-s", str(words_per_minute), words]
    elif program == "flite":
        command = [program, "-voice", voice, "--setf", f"duration_stretch={stretch}", "-t", words]
    else:
        scheme = f"(begin (voice_{voice}) (Parameter.set 'Duration_Stretch {stretch}))"
        command = [program, "-eval", scheme]
    encoding = "iso-8859-2" if voice.startswith("czech") else "iso-8859-15"
    text = words.encode(encoding) if program == "text2wave" else b""
    with NamedTemporaryFile(suffix=".wav") as made:
        command += ["-w" if program == "espeak-ng" else "-o", made.name]
        subprocess.run(command, input=text, capture_output=True, check=True)
        with wave.open(made.name) as file:
            rate, pcm = file.getframerate(), file.readframes(file.getnframes())
    samples = np.frombuffer(pcm[: len(pcm) // 2 * 2], "<i2").astype(float)
    band = in_band(samples, rate)
    at = np.arange(int(len(band) * RATE / rate)) * rate / RATE
    return _trimmed(np.interp(at, np.arange(len(band)), band))


def _recorded(path: Path) -> Sound:
    raw = ["-r", str(RATE), "-c", "1", "-b", "16", "-e", "signed", "-t", "raw", "-"]
    command = ["sox", str(path), *raw]
    pcm = subprocess.run(command, capture_output=True, check=True).stdout
    sound = in_band(np.frombuffer(pcm, "<i2").astype(float), RATE)
    return sound / np.sqrt(np.mean(sound**2))


def _trimmed(sound: Sound) -> Sound:
    loud = np.flatnonzero(np.abs(sound) > 0.02 * np.abs(sound).max())
    if not len(loud):
        return quiet(0.1)
    cut = sound[loud[0] : loud[-1]]
    return cut / np.sqrt(np.mean(cut**2))
